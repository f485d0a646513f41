"""Errors about the Python version an app asks for: malformed, contradictory or not to be had."""

from typing import ClassVar

from portside.model.errors import BuildError
from portside.model.python_version import Origin, RequestedPython, Series

_SHOWN = 100
_SHOWN_VERSIONS = 5
_WRITE = "Write the version you use, such as:\n    echo 3.12 > .python-version"


def _quote(text: str) -> str:
    """Return ``text`` in quotes on one line, invisible characters escaped, shortened if long."""
    visible = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
    return f"'{visible[:_SHOWN]}…'" if len(visible) > _SHOWN else f"'{visible}'"


class RuntimeTxtInvalidVersionError(BuildError):
    """The contents of runtime.txt aren't ``python-`` and a version."""

    code: ClassVar[str] = "runtime-txt::invalid-version"

    def __init__(self, *, text: str) -> None:
        """Take the file's contents without surrounding white space."""
        super().__init__(
            "The Python version in runtime.txt can't be read.",
            detail=f"The file contains:\n    {_quote(text)}\n"
            "It has to be 'python-' and a version: python-3.12 or python-3.12.7.",
            hint="Name the version in a .python-version file instead, as runtime.txt is "
            "deprecated:\n    git rm runtime.txt && echo 3.12 > .python-version",
            failure_detail=text,
        )


class PythonVersionFileMisspelledError(BuildError):
    """A file seems to be meant as .python-version but has another name."""

    code: ClassVar[str] = "python-version-file::misspelled"

    def __init__(self, *, name: str) -> None:
        """Take the file's name as it is, with its spaces."""
        path = "./" + (name if name.isprintable() else "NAME").replace("'", "'\\''")
        super().__init__(
            f"The file {_quote(name)} has a misspelt name.",
            detail="The file that names an app's Python version is called '.python-version':\n"
            "a dot first, a hyphen in the middle, all lower case, nothing after it.",
            hint="Rename it, or delete it if you have a correct one already:\n"
            f"    mv '{path}' .python-version",
            failure_detail=name,
        )


class PythonVersionFileInvalidVersionError(BuildError):
    """A line of .python-version isn't a version."""

    code: ClassVar[str] = "python-version-file::invalid-version"

    def __init__(self, *, line: int, text: str) -> None:
        """Take the line's number, from 1, and its text without surrounding white space."""
        super().__init__(
            f"Line {line} of .python-version isn't a Python version.",
            detail=f"The line is:\n    {_quote(text)}\n"
            "It has to be digits and dots only: 3.12 (newest patch) or 3.12.7 (that patch).",
            hint=_WRITE,
            failure_detail=text,
        )


class PythonVersionFileInvalidEncodingError(BuildError):
    """The .python-version file isn't plain UTF-8."""

    code: ClassVar[str] = "python-version-file::invalid-encoding"

    def __init__(self, *, encoding: str) -> None:
        """Take the encoding's name as far as it can be told."""
        super().__init__(
            "The .python-version file isn't encoded as plain UTF-8.",
            detail=f"Its encoding seems to be: {encoding}.\n"
            "It has to be UTF-8 without a byte order mark (plain ASCII is that too).",
            hint="Save it as 'UTF-8' in your editor (not 'UTF-8 with BOM'), or write it anew in a "
            "Unix shell:\n    echo 3.12 > .python-version",
            failure_detail=encoding,
        )


class PythonVersionFileNoVersionError(BuildError):
    """The .python-version file has no line but comments."""

    code: ClassVar[str] = "python-version-file::no-version"

    def __init__(self) -> None:
        """Compose the error; there is nothing to quote."""
        super().__init__(
            "The .python-version file names no version.",
            detail="It is empty, or has only comments (lines that start with '#').\n"
            "It has to have one line with a version.",
            hint=_WRITE,
        )


class PythonVersionFileMultipleVersionsError(BuildError):
    """The .python-version file names several versions."""

    code: ClassVar[str] = "python-version-file::multiple-versions"

    def __init__(self, *, versions: tuple[str, ...]) -> None:
        """Take the versions in the file's order, at least two."""
        shown = "\n".join(f"    {_quote(version)}" for version in versions[:_SHOWN_VERSIONS])
        left = len(versions) - _SHOWN_VERSIONS
        more = f"\n    … and {left} more" if left > 0 else ""
        super().__init__(
            "The .python-version file names more than one version.",
            detail=f"It names:\n{shown}{more}\nAn app is built with exactly one.",
            hint=f"Keep the line that your app needs, such as:\n"
            f"    echo {versions[0]} > .python-version",
            failure_detail=",".join(versions),
        )


class PipfileLockInvalidVersionError(BuildError):
    """The Python version in Pipfile.lock isn't one."""

    code: ClassVar[str] = "pipfile-lock::invalid-version"

    def __init__(self, *, field: str, text: str) -> None:
        """Take the field below ``_meta.requires`` and its value."""
        form = "3.12.7" if field == "python_full_version" else "3.12"
        super().__init__(
            f"The '{field}' in Pipfile.lock isn't a Python version.",
            detail=f"Its value is:\n    {_quote(text)}\n"
            f"It has to be digits and dots only, such as {form}.",
            hint="Correct it below [requires] in your Pipfile, then make the lock file anew:\n"
            f'    {field} = "{form}"\n    pipenv lock',
            failure_detail=text,
        )


class ToolVersionsInvalidVersionError(BuildError):
    """The Python version in .tool-versions or mise.toml isn't one that can be built with."""

    code: ClassVar[str] = "tool-versions::invalid-version"

    def __init__(self, *, origin: Origin, text: str) -> None:
        """Take where the version is written, and what is written there."""
        line = "python 3.12" if origin.line else '[tools]\n    python = "3.12"'
        super().__init__(
            f"The Python version in {origin.name} can't be used.",
            detail=f"At {origin} it is:\n    {_quote(text)}\n"
            "It has to be a version of CPython: 3.12 (newest patch) or 3.12.7 (that patch).",
            hint=f"Correct it there:\n    {line}\n"
            "or let a .python-version file decide, which is looked at first:\n"
            "    echo 3.12 > .python-version",
            failure_detail=text,
        )


class RequiresPythonInvalidError(BuildError):
    """A declared range of Python versions can't be read."""

    code: ClassVar[str] = "requires-python::invalid"

    def __init__(self, *, origin: Origin, text: str, is_lock: bool) -> None:
        """Take where the range is written, its text, and whether a tool wrote that file."""
        fix = (
            "Correct the range in pyproject.toml, then make the lock file anew:\n"
            f"    {'uv lock' if origin.name.endswith('uv.lock') else 'poetry lock'}"
            if is_lock
            else f'Correct it there:\n    {origin.field.rpartition(".")[2]} = ">=3.12"'
        )
        super().__init__(
            f"The range of Python versions in {origin.name} can't be read.",
            detail=f"At {origin} it is:\n    {_quote(text)}\n"
            "It has to be comparisons separated by commas, such as '>=3.11' or '>=3.11,<3.14'.",
            hint=fix,
            failure_detail=text,
        )


class RequiresPythonUnsatisfiableError(BuildError):
    """No Python version at all is in a declared range."""

    code: ClassVar[str] = "requires-python::unsatisfiable"

    def __init__(self, *, origin: Origin, specifier: str) -> None:
        """Take where the range is written, and the range."""
        super().__init__(
            f"No Python version is in the range that {origin.name} declares.",
            detail=f"At {origin} it is:\n    {_quote(specifier)}\n"
            "At least one version of Python has to be in it.",
            hint="Correct it there, with a range such as '>=3.11' or '>=3.11,<3.14'.",
            failure_detail=specifier,
        )


class PythonVersionInvalidTomlError(BuildError):
    """A TOML file that may name the Python version can't be parsed."""

    code: ClassVar[str] = "python-version::invalid-toml"

    def __init__(self, *, file: str, cause: str) -> None:
        """Take the file's name and what the TOML parser says."""
        super().__init__(
            f"{file} isn't valid TOML.",
            detail=f"The parser says: {cause}.",
            hint="Correct the file at that place, then check it with:\n"
            f"    python -c \"import tomllib; tomllib.load(open('{file}', 'rb'))\"",
            failure_detail=file,
        )


class PythonVersionContradictionError(BuildError):
    """The chosen version is outside of a range that the project declares."""

    code: ClassVar[str] = "python-version::contradiction"

    def __init__(self, *, requested: RequestedPython, specifier: str, declared: Origin) -> None:
        """Take the chosen version, and the range with the place that declares it."""
        super().__init__(
            f"{requested.origin.name} and {declared.name} contradict each other about Python.",
            detail=f"{requested.origin} leads to:\n    Python {requested}\n"
            f"but {declared} allows only:\n    {_quote(specifier)}",
            hint=f"Change the version in {requested.origin.name} to one in that range, or the "
            f"range in\n{declared.name} so that it holds {requested}.",
            failure_detail=f"{requested},{specifier}",
        )


class PythonVersionEolError(BuildError):
    """The series asked for is no longer supported here."""

    code: ClassVar[str] = "python-version::eol"

    def __init__(self, *, requested: RequestedPython, oldest: Series, default: Series) -> None:
        """Take what was asked for, the oldest series that is supported, and the default one."""
        super().__init__(
            f"Python {requested.series} has reached its end of life.",
            detail=f"{requested.origin} asks for:\n    Python {requested}\n"
            "It gets no security fixes from upstream any more. The oldest supported series is "
            f"{oldest}.",
            hint=f"Upgrade your app to a supported series, such as:\n"
            f"    echo {default} > .python-version\n{_override(requested.origin)}",
            failure_detail=str(requested.series),
        )


class PythonVersionUnknownMajorError(BuildError):
    """The series asked for is newer than any that is known here."""

    code: ClassVar[str] = "python-version::unknown-major"

    def __init__(self, *, requested: RequestedPython, newest: Series) -> None:
        """Take what was asked for and the newest series known."""
        super().__init__(
            f"Python {requested.series} isn't known.",
            detail=f"{requested.origin} asks for:\n    Python {requested}\n"
            f"The newest series known to this version of portside is {newest}.",
            hint="Correct the version, or upgrade portside if that series was released since:\n"
            f"    echo {newest} > .python-version\n{_override(requested.origin)}",
            failure_detail=str(requested.series),
        )


class UnknownPatchError(BuildError):
    """The version or series asked for can't be had anywhere, as far as is known."""

    code: ClassVar[str] = "python-version::unknown-patch"

    def __init__(self, *, requested: str, newest: str, origin: str = "") -> None:
        """Take the version asked for, the newest of its series ("" if none), and who asks."""
        series = ".".join(requested.split(".")[:2])
        known = (
            f"The newest version of Python {series} known here is {newest}."
            if newest
            else f"No version of Python {series} is known here."
        )
        super().__init__(
            f"Python {requested} isn't available.",
            detail=f"{origin or 'The app'} asks for:\n    Python {requested}\n{known}",
            hint=_another_version(requested, series),
            failure_detail=requested,
        )


def _another_version(requested: str, series: str) -> str:
    if requested == series:
        return (
            "See which there are, and name one of those series where your app names this one:\n"
            "    portside python list"
        )
    return (
        f"Name only the series to get its newest patch:\n    {series}\n"
        "or correct the version where your app names it."
    )


def _override(origin: Origin) -> str:
    """Return what else is to be changed where .python-version isn't what decided."""
    if origin.name == "runtime.txt":
        return "and delete runtime.txt, which would be looked at first."
    if origin.name in {".python-version", "default", "cached"}:
        return ""
    return f"and change {origin.name} to agree."
