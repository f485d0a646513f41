"""Errors about the app directory itself."""

from typing import ClassVar

from portside.model.errors import BuildError

_SHOWN_NAMES = 6


class AppNotFoundError(BuildError):
    """The path given as the app doesn't exist."""

    code: ClassVar[str] = "app::not-found"

    def __init__(self, *, path: str) -> None:
        """Take the path as given."""
        super().__init__(
            f"There is no directory '{path}'.",
            hint="Give the path of the directory that holds your app's source:\n"
            "    portside build path/to/app",
            failure_detail=path,
        )


class AppNotADirectoryError(BuildError):
    """The path given as the app is a file."""

    code: ClassVar[str] = "app::not-a-directory"

    def __init__(self, *, path: str) -> None:
        """Take the path as given."""
        super().__init__(
            f"'{path}' is a file, but an app is a directory.",
            hint="Give the directory that holds the file instead:\n"
            f"    portside build {path.rpartition('/')[0] or '.'}",
            failure_detail=path,
        )


class SourceUnreadableError(BuildError):
    """A file or directory of the app can't be read."""

    code: ClassVar[str] = "app::unreadable"

    def __init__(self, *, path: str, cause: str) -> None:
        """Take the path within the app and the operating system's reason."""
        super().__init__(
            f"'{path}' in your app can't be read.",
            detail=f"The operating system says: {cause}.",
            hint="Make it readable for the user who builds, or delete it if the app doesn't need "
            "it:\n    chmod -R u+rX .",
            failure_detail=path,
        )


class NotAFileError(BuildError):
    """What has the name of a file that portside reads is a pipe or a socket."""

    code: ClassVar[str] = "app::not-a-file"

    def __init__(self, *, path: str, kind: str) -> None:
        """Take the path within the app, and what is there."""
        super().__init__(
            f"'{path}' in your app is a {kind}, not a file.",
            detail="It would be read for what the app needs, and reading it might never end.",
            hint=f"Put a file in its place, or delete it:\n    rm {path}",
            failure_detail=path,
        )


class SourceChangedError(BuildError):
    """A file of the app vanished or shrank while it was copied."""

    code: ClassVar[str] = "app::changed"

    def __init__(self, *, path: str) -> None:
        """Take the path within the app."""
        super().__init__(
            f"'{path}' in your app changed while it was being built.",
            detail="A slug must hold the app as it was at one moment.",
            hint="Build again once nothing writes to the app's directory; keep logs and\n"
            "databases out of it.",
            failure_detail=path,
        )


class NoPackageManagerError(BuildError):
    """The app names no dependencies in any file known here."""

    code: ClassVar[str] = "package-manager::none-found"

    def __init__(self, *, listing: tuple[str, ...]) -> None:
        """Take the names in the app's root directory, already sorted."""
        shown = listing[:_SHOWN_NAMES]
        more = f"\n    … and {len(listing) - len(shown)} more" if len(listing) > len(shown) else ""
        names = "\n".join(f"    {name}" for name in shown) if shown else "    (nothing)"
        super().__init__(
            "No file names this app's dependencies.",
            detail=f"The app's root directory holds:\n{names}{more}",
            hint="Add a requirements.txt (it may be empty), or what uv, Poetry, PDM or Pipenv "
            "write.\n"
            "If the app is in a subdirectory, build that directory instead.",
        )


class UndeclaredImportsError(BuildError):
    """The app imports distributions, but no file names its dependencies."""

    code: ClassVar[str] = "package-manager::none-found"

    def __init__(self, *, imports: tuple[tuple[str, int, str], ...]) -> None:
        """Take file, line and module of each import, at least one."""
        shown = "\n".join(f"    {file}:{line} imports {name}" for file, line, name in imports[:5])
        names = sorted({name for _, _, name in imports})
        super().__init__(
            "No file names this app's dependencies.",
            detail=f"But its code needs some:\n{shown}",
            hint="Name them in a requirements.txt, a line each, by the names they have on PyPI\n"
            f"(often that of the module): {', '.join(names[:5])}",
            failure_detail=",".join(names),
        )


class MultiplePackageManagersError(BuildError):
    """Files of several package managers claim the app."""

    code: ClassVar[str] = "package-manager::multiple-found"

    def __init__(self, *, files: tuple[str, ...], managers: tuple[str, ...]) -> None:
        """Take the files that claim the app, at least two, and what the settings call each."""
        names = "\n".join(f"    {name}" for name in files)
        # A lock above the app is that of others, too.
        own = [name for name in (files[0], files[-1]) if not name.startswith("../")]
        removals = ", or ".join(f"git rm {name}" for name in own)
        values = " or ".join(f'"{name}"' for name in managers)
        super().__init__(
            "The app's dependencies are named by several package managers' files.",
            detail=f"These files were found together:\n{names}",
            hint="There are three ways out:\n"
            f"- delete what isn't used: {removals}\n"
            f"- say which one counts, in portside.toml: package-manager = {values}\n"
            "- if one is written from the other, let its tool write it again, without groups or\n"
            "  extras that aren't always installed: that is recognised",
            failure_detail=",".join(files),
        )


class ManifestUndecidedError(BuildError):
    """Several files of one package manager could count, and nothing says which."""

    code: ClassVar[str] = "package-manager::undecided"

    def __init__(self, *, files: tuple[str, ...], name: str) -> None:
        """Take the files, at least two, and the name of the one that would count."""
        names = "\n".join(f"    {file}" for file in files)
        super().__init__(
            "Several files could name this app's dependencies, and nothing says which counts.",
            detail=f"These were found together:\n{names}",
            hint=f"Give the one that is to be installed the name {name}:\n"
            f"    git mv {files[-1]} {name}",
            failure_detail=",".join(files),
        )


class LinkOutsideAppError(BuildError):
    """A symbolic link leads out of the app, where a slug can't follow."""

    code: ClassVar[str] = "app::link-outside"

    def __init__(self, *, path: str, target: str) -> None:
        """Take the link's path in the app and where it points."""
        super().__init__(
            f"The symbolic link '{path}' leads out of the app.",
            detail=f"It points to '{target}', which won't be there where the app runs.",
            hint="Replace it by a copy of what it points to, or delete it:\n"
            f"    cp -rL '{path}' '{path}.copy' && rm '{path}' && mv '{path}.copy' '{path}'\n"
            "In a monorepo, give the directory that holds both as --source-root.",
            failure_detail=path,
        )


class ProcfileError(BuildError):
    """A line of the Procfile isn't a process type, or names one again."""

    code: ClassVar[str] = "procfile::invalid"

    def __init__(self, *, line: int, text: str, is_repeated: bool) -> None:
        """Take the line's number and text, and whether its type was given before."""
        what = "names a process type that an earlier line has" if is_repeated else "can't be read"
        super().__init__(
            f"Line {line} of the Procfile {what}.",
            detail=f"The line is:\n    {text}",
            hint="Keep one of the two lines, or give this one another name, such as:\n"
            f"    {text.partition(':')[0]}2: COMMAND"
            if is_repeated
            else "Write one line per process type, its name and then its command, such as:\n"
            "    web: gunicorn app:app --bind 0.0.0.0:$PORT",
            failure_detail=text,
        )


class ExistingPythonError(BuildError):
    """The app's source holds the directory where a slug's Python goes."""

    code: ClassVar[str] = "checks::existing-python-dir"

    def __init__(self) -> None:
        """Compose the error; the directory is always the same."""
        super().__init__(
            "The app's source holds a directory '.heroku/python'.",
            detail="A slug's own Python goes there. It was probably committed by mistake.",
            hint="Remove it from the source and keep it out:\n"
            "    git rm -r --cached .heroku && rm -r .heroku\n"
            "    echo /.heroku/python >> .gitignore",
            failure_detail=".heroku/python",
        )
