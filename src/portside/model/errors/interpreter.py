"""Errors about getting hold of the Python interpreter that an app needs."""

from typing import ClassVar

from portside.model.errors import BuildError


class InterpreterUnavailableError(BuildError):
    """No place has a Python that was asked for."""

    code: ClassVar[str] = "install-python"

    def __init__(self, *, requested: str, tried: tuple[str, ...]) -> None:
        """Take the version or series asked for, and a phrase for each place that was tried."""
        places = "\n".join(f"    {place}" for place in tried) or "    (no place offers it)"
        super().__init__(
            f"Python {requested} can't be had.",
            detail=f"These were tried:\n{places}",
            hint="Give the build access to the network, name a mirror that has it:\n"
            "    UV_PYTHON_INSTALL_MIRROR=https://mirror.example/python portside build\n"
            f"or install it on this machine, where it's found by itself:\n"
            f"    pyenv install {requested}",
            failure_detail=requested,
        )


class SourceUnreachableError(BuildError):
    """A server, mirror or catalog of interpreters doesn't answer, or not with what it should."""

    code: ClassVar[str] = "install-python"

    def __init__(self, *, location: str, cause: str) -> None:
        """Take the URL or path without credentials, and the reason in a few words."""
        super().__init__(
            "Python can't be downloaded.",
            detail=f"{location} can't be read: {cause}.",
            hint="Check the network, and HTTPS_PROXY if a proxy is needed, or name a mirror that "
            "can be reached from here:\n"
            "    UV_PYTHON_INSTALL_MIRROR=https://mirror.example/python portside build",
            failure_detail=location,
        )


class ChecksumMismatchError(BuildError):
    """A downloaded archive isn't the one that was published."""

    code: ClassVar[str] = "install-python"

    def __init__(self, *, location: str) -> None:
        """Take the archive's URL or path without credentials."""
        super().__init__(
            "The Python that was downloaded isn't the one that was published.",
            detail=f"The SHA-256 of {location} isn't the expected one. Nothing of it was used.",
            hint="Build again. If it stays that way, the mirror or catalog (see "
            "UV_PYTHON_INSTALL_MIRROR and UV_PYTHON_DOWNLOADS_JSON_URL) holds a changed file: "
            "tell who runs it.",
            failure_detail=location,
        )


class ArchiveDamagedError(BuildError):
    """A downloaded archive can't be unpacked, or holds no interpreter."""

    code: ClassVar[str] = "install-python"

    def __init__(self, *, location: str, cause: str) -> None:
        """Take the archive's URL or path without credentials, and what is wrong with it."""
        super().__init__(
            "The Python that was downloaded can't be unpacked.",
            detail=f"{location} is damaged: {cause}.",
            hint="Build again. If it stays that way, the mirror or catalog (see "
            "UV_PYTHON_INSTALL_MIRROR and UV_PYTHON_DOWNLOADS_JSON_URL) holds an incomplete file: "
            "upload it again.",
            failure_detail=location,
        )


class InterpreterUnusableError(BuildError):
    """An interpreter is in place but doesn't work here."""

    code: ClassVar[str] = "install-python"

    def __init__(self, *, location: str, cause: str) -> None:
        """Take where it came from, without credentials, and what it failed at."""
        super().__init__(
            "The Python that was found doesn't work.",
            detail=f"Python from {location}: {cause}.",
            hint="Repair or remove that installation, or name a mirror to download from:\n"
            "    UV_PYTHON_INSTALL_MIRROR=https://mirror.example/python portside build",
            failure_detail=location,
        )
