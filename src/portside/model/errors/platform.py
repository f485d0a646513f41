"""Errors about what a platform gives a build: its stack, its directories, other buildpacks."""

from typing import ClassVar

from portside.model.errors import BuildError


class StackUnknownError(BuildError):
    """The platform names a stack that isn't known."""

    code: ClassVar[str] = "checks::stack::unknown"

    def __init__(self, *, stack: str, known: tuple[str, ...]) -> None:
        """Take the stack's name and those that are known."""
        super().__init__(
            f"The stack '{stack}' isn't known.",
            detail=f"Known are {', '.join(known)}.",
            hint=f"Build on one of them, such as the newest:\n    heroku stack:set {known[-1]}",
            failure_detail=stack,
        )


class StackEolError(BuildError):
    """The platform names a stack that gets no updates any more."""

    code: ClassVar[str] = "checks::stack::eol"

    def __init__(self, *, stack: str, newest: str) -> None:
        """Take the stack's name and the newest one."""
        super().__init__(
            f"The stack '{stack}' has reached its end of life.",
            detail="It gets no security fixes, and interpreters are no longer made for it.",
            hint=f"Move the app to a newer stack and build again:\n    heroku stack:set {newest}",
            failure_detail=stack,
        )


class DuplicateBuildpackError(BuildError):
    """Another buildpack of the same build has put a Python in place."""

    code: ClassVar[str] = "checks::duplicate-python-buildpack"

    def __init__(self, *, python_home: str) -> None:
        """Take where the earlier buildpack's Python is."""
        super().__init__(
            "A Python buildpack ran in this build already.",
            detail=f"An earlier buildpack has put its Python at {python_home},\n"
            "and two of them would overwrite each other.",
            hint="Keep one Python buildpack. List them, and remove the other:\n"
            "    heroku buildpacks\n"
            "    heroku buildpacks:remove heroku/python",
            failure_detail=python_home,
        )


class ExistingVirtualEnvironmentError(BuildError):
    """A virtual environment was committed."""

    code: ClassVar[str] = "checks::existing-venv-dir"

    def __init__(self, *, directory: str) -> None:
        """Take the environment's directory in the app."""
        super().__init__(
            f"The app's source holds a virtual environment, '{directory}'.",
            detail="It was made for another machine and would hide what this build installs.",
            hint="Remove it from the repository and keep it out:\n"
            f"    git rm -r --cached {directory}\n"
            f"    echo /{directory}/ >> .gitignore\n"
            "    git commit -am 'Remove the virtual environment'",
            failure_detail=directory,
        )


class ConfigVarUnreadableError(BuildError):
    """A config var's file can't be read."""

    code: ClassVar[str] = "platform::config-var-unreadable"

    def __init__(self, *, name: str, cause: str) -> None:
        """Take the config var's name and the operating system's reason."""
        super().__init__(
            f"The config var {name} can't be read.",
            detail=f"The platform gave a file for it, but: {cause}.",
            hint="This is the platform's to mend: the user who builds must be able to read the "
            "files\nin the directory that is given as the third argument of bin/compile.",
            failure_detail=name,
        )


class CacheDeletedError(BuildError):
    """A hook removed the directory that a build keeps its cache in, or what is needed of it."""

    code: ClassVar[str] = "build-data::data-file-deleted"

    def __init__(self, *, hook: str) -> None:
        """Take the hook that ran last."""
        super().__init__(
            f"The cache directory, or what the build needs of it, is gone after {hook} ran.",
            detail="The platform's cache holds what this build has made so far.",
            hint=f"Let {hook} remove only its own files. To start from an empty cache:\n"
            "    heroku builds:cache:purge",
            failure_detail=hook,
        )


class PackageManagerInstallError(BuildError):
    """The app's package manager itself couldn't be installed."""

    code: ClassVar[str] = "install-package-manager"

    def __init__(self, *, manager: str, cause: str) -> None:
        """Take the package manager's name and the last line of the installer."""
        super().__init__(
            f"{manager} itself couldn't be installed.",
            detail=f"The installer's last words:\n    {cause}",
            hint="Try again. If it stays so, check whether this machine reaches the package index.",
            failure_detail=cause,
        )
        self.manager = manager

    @property
    def failure_reason(self) -> str:
        """Return the code with the package manager's name."""
        return f"{self.code}::{self.manager.lower()}"


class CorporaDownloadError(BuildError):
    """The corpora that nltk.txt names couldn't be downloaded."""

    code: ClassVar[str] = "nltk-downloader"

    def __init__(self, *, corpora: tuple[str, ...], cause: str) -> None:
        """Take the names in nltk.txt and what the downloader said last."""
        super().__init__(
            "The NLTK corpora couldn't be downloaded.",
            detail=f"nltk.txt names {', '.join(corpora)}.\n"
            f"The downloader's last words:\n    {cause}",
            hint="Check each name against the list of corpora (https://www.nltk.org/nltk_data/),\n"
            "and that this machine may reach the index of corpora.",
            failure_detail=cause,
        )
