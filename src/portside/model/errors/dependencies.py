"""Errors about manifests, lock files, package indexes and installs; texts only, no decisions."""

from typing import ClassVar

from portside.model.errors import BuildError


class RequirementsFileMissingError(BuildError):
    """A requirements file includes one that isn't there."""

    code: ClassVar[str] = "requirements::missing-file"

    def __init__(self, *, file: str, line: int, name: str) -> None:
        """Take the including file and line (0 for none), and the missing file."""
        where = f"Line {line} of {file} includes it." if line else ""
        super().__init__(
            f"The requirements file '{name}' doesn't exist.",
            detail=where,
            hint="Add the file to your repository, or remove the line. Paths after -r and -c are "
            "relative to\nthe file that holds them.",
            failure_detail=name,
        )


class RequirementsLoopError(BuildError):
    """A requirements file includes itself, directly or through others."""

    code: ClassVar[str] = "requirements::loop"

    def __init__(self, *, file: str, line: int, name: str) -> None:
        """Take the including file and line, and the file that is already being read."""
        super().__init__(
            f"The requirements file '{name}' includes itself.",
            detail=f"Line {line} of {file} closes the loop.",
            hint=f"Remove line {line} of {file}.",
            failure_detail=name,
        )


class RequirementsSyntaxError(BuildError):
    """A line of a requirements file can't be understood."""

    code: ClassVar[str] = "requirements::syntax"

    def __init__(self, *, file: str, line: int, text: str) -> None:
        """Take the file, the line's number and its text."""
        super().__init__(
            f"Line {line} of {file} isn't valid in a requirements file.",
            detail=f"The line is:\n    {text}",
            hint="Correct it: a line is one requirement or one of pip's options, such as\n"
            "    django>=5.1\n    -r base.txt",
            failure_detail=text,
        )


class RequirementsEncodingError(BuildError):
    """A requirements file isn't text in the encoding it declares."""

    code: ClassVar[str] = "requirements::encoding"

    def __init__(self, *, file: str, encoding: str) -> None:
        """Take the file and the encoding that doesn't fit."""
        super().__init__(
            f"{file} can't be read as {encoding} text.",
            detail=f"It holds bytes that aren't {encoding}.",
            hint=f"Save {file} as UTF-8 in your editor, or convert it if it is Latin-1:\n"
            f"    iconv -f latin1 -t utf-8 {file} > utf8.txt && mv utf8.txt {file}",
            failure_detail=encoding,
        )


class ScriptMetadataError(BuildError):
    """A script's block of inline metadata can't be used."""

    code: ClassVar[str] = "script::invalid-metadata"

    def __init__(self, *, file: str, cause: str) -> None:
        """Take the script and what is wrong with its block."""
        super().__init__(
            f"The script block of {file} can't be used.",
            detail=f"The cause: {cause}",
            hint="Correct the block, or name the dependencies in a requirements.txt. A block is:\n"
            '    # /// script\n    # dependencies = ["flask>=3"]\n    # ///',
            failure_detail=cause,
        )


class ProjectInvalidError(BuildError):
    """A pyproject.toml says what is to be installed in a form that isn't the standard's."""

    code: ClassVar[str] = "project::invalid"

    def __init__(self, *, cause: str) -> None:
        """Take what isn't right, by its table and key."""
        super().__init__(
            "Your pyproject.toml isn't as the standards have it.",
            detail=f"The cause: {cause}.",
            hint="Correct it, and commit the change. What is allowed there:\n"
            "    https://packaging.python.org/en/latest/specifications/pyproject-toml/",
            failure_detail=cause,
        )


class SetupInvalidError(BuildError):
    """A setup.cfg can't be read."""

    code: ClassVar[str] = "setup::invalid"

    def __init__(self, *, cause: str) -> None:
        """Take what is wrong with it."""
        super().__init__(
            "Your setup.cfg can't be read.",
            detail=f"The cause: {cause}",
            hint="Correct the line, or describe the project in a pyproject.toml.",
            failure_detail=cause,
        )


class PipfileInvalidError(BuildError):
    """The Pipfile isn't valid TOML, or not what Pipenv expects."""

    code: ClassVar[str] = "pipfile::invalid"

    def __init__(self, *, cause: str) -> None:
        """Take what is wrong with it."""
        super().__init__(
            "Your Pipfile isn't valid.",
            detail=f"The cause: {cause}",
            hint="Correct the Pipfile, then run `pipenv lock` and commit both files.",
            failure_detail=cause,
        )


class PipfileLockInvalidJsonError(BuildError):
    """The Pipfile.lock isn't valid JSON."""

    code: ClassVar[str] = "pipfile-lock::invalid-json"

    def __init__(self, *, cause: str) -> None:
        """Take what is wrong with it."""
        super().__init__(
            "Your Pipfile.lock isn't valid.",
            detail=f"The cause: {cause}",
            hint="Make it anew (a merge may have left its marks in it), then commit it:\n"
            "    rm Pipfile.lock && pipenv lock",
            failure_detail=cause,
        )


class PipfileLockOutdatedError(BuildError):
    """The Pipfile changed since the Pipfile.lock was written."""

    code: ClassVar[str] = "pipfile-lock::outdated"

    def __init__(self, *, locked: str, current: str) -> None:
        """Take the hash in the lock and that of the Pipfile."""
        super().__init__(
            "Your Pipfile.lock doesn't match your Pipfile.",
            detail=f"The lock was made for a Pipfile with hash\n    {locked}\n"
            f"but the Pipfile's hash is\n    {current}",
            hint="Run `pipenv lock` and commit the Pipfile.lock.",
            failure_detail=current,
        )


class InstallFailedError(BuildError):
    """The dependencies couldn't be installed.

    ``distribution`` is what it failed at, such as ``numpy==1.19.0``, where the installer named it,
    and ``tags`` are those of its wheels.
    """

    code: ClassVar[str] = "install-dependencies"
    subject: ClassVar[str] = "The app's {manager} dependencies couldn't be installed."
    distribution = ""
    tags: tuple[str, ...] = ()

    def __init__(self, *, manager: str, exit_status: int, cause: str, fix: str) -> None:
        """Take the package manager, the installer's exit status, a cause and its fix."""
        super().__init__(
            self.subject.format(manager=manager),
            detail=f"{cause}\nThe installer ended with exit status {exit_status}.",
            hint=fix,
            failure_detail=cause,
        )
        self.exit_status = exit_status
        self.manager = manager

    @property
    def failure_reason(self) -> str:
        """Return the code with the package manager's name."""
        return f"{self.code}::{self.manager.lower()}"


class IndexCredentialsError(InstallFailedError):
    """A package index refused the credentials, or wants some."""


class IndexNotFoundError(InstallFailedError):
    """No index has the distribution."""


class IndexUnreachableError(InstallFailedError):
    """A package index can't be reached, fails, or sends half a file."""


class HashMismatchError(InstallFailedError):
    """A downloaded file isn't the one that was pinned."""


class RequirementInvalidError(InstallFailedError):
    """A requirement can't be understood."""


class BuildOfDistributionFailedError(InstallFailedError):
    """A distribution without a wheel couldn't be built."""


class NoSolutionError(InstallFailedError):
    """The requirements contradict each other."""


class NoWheelForPythonError(InstallFailedError):
    """No wheel fits this Python, and building isn't allowed."""


class DiskFullError(InstallFailedError):
    """There is no room left for the dependencies."""


class ProjectBuildFailedError(BuildOfDistributionFailedError):
    """The app's own project couldn't be built."""

    subject: ClassVar[str] = "The app's own project couldn't be built."
