"""Errors about getting hold of the Python interpreter that an app needs."""

from typing import ClassVar
from urllib.parse import urlsplit

from portside.model.errors import BuildError

_SHOWN = 4
_LONGEST_CAUSE = 120
_MIRROR = "    UV_PYTHON_INSTALL_MIRROR=https://mirror.example/python portside build"


class InterpreterUnavailableError(BuildError):
    """No place has a Python that was asked for."""

    code: ClassVar[str] = "install-python"

    def __init__(self, *, requested: str, tried: tuple[str, ...]) -> None:
        """Take the version or series asked for, and a phrase for each place that was tried."""
        more = (f"    … and {len(tried) - _SHOWN} more",) if len(tried) > _SHOWN else ()
        shown = (*(f"    {place}" for place in tried[:_SHOWN]), *more)
        places = "\n".join(shown) or "    (no place offers it)"
        super().__init__(
            f"Python {requested} can't be had.",
            detail=f"These were tried:\n{places}",
            hint="Give the build access to the network, or name a mirror that has it:\n"
            f"{_MIRROR}\n"
            "or install it on this machine, where it's found by itself:\n"
            f"    pyenv install {requested}",
            failure_detail=requested,
        )


class SourceUnreachableError(BuildError):
    """A server, mirror or catalog of interpreters doesn't answer, or not with what it should."""

    code: ClassVar[str] = "install-python"

    def __init__(self, *, location: str, cause: str) -> None:
        """Take the URL or path without credentials, and the reason in a few words."""
        super().__init__(
            f"Python can't be downloaded from {_place(location)}: {_short(cause, location)}.",
            detail=f"This can't be read: {cause}.\n    {location}",
            hint="Check the network, and HTTPS_PROXY if a proxy is needed, or name a mirror that "
            f"can be\nreached from here:\n{_MIRROR}",
            failure_detail=location,
        )


class ChecksumMismatchError(BuildError):
    """A downloaded archive isn't the one that was published."""

    code: ClassVar[str] = "install-python"

    def __init__(self, *, location: str) -> None:
        """Take the archive's URL or path without credentials."""
        super().__init__(
            f"The Python from {_place(location)} isn't the one that was published.",
            detail="The SHA-256 of this file isn't the expected one, so it wasn't used:\n"
            f"    {location}",
            hint="Build again. If it stays that way, the mirror or catalog holds a changed file: "
            f"tell\nwho runs it, or name another one:\n{_MIRROR}",
            failure_detail=location,
        )


class ArchiveDamagedError(BuildError):
    """A downloaded archive can't be unpacked, or holds no interpreter."""

    code: ClassVar[str] = "install-python"

    def __init__(self, *, location: str, cause: str) -> None:
        """Take the archive's URL or path without credentials, and what is wrong with it."""
        super().__init__(
            f"The Python from {_place(location)} can't be unpacked: {_short(cause, location)}.",
            detail=f"This file is damaged: {cause}.\n    {location}",
            hint="Build again. If it stays that way, the mirror or catalog holds a damaged file: "
            f"upload\nit there again, or name another one:\n{_MIRROR}",
            failure_detail=location,
        )


class InterpreterUnusableError(BuildError):
    """An interpreter is in place but doesn't work here."""

    code: ClassVar[str] = "install-python"

    def __init__(self, *, location: str, cause: str) -> None:
        """Take where it came from, without credentials, and what it failed at."""
        super().__init__(
            f"The Python from {_place(location)} doesn't work here: {_short(cause, location)}.",
            detail=f"This is what it fails at: {cause}.\n    {location}",
            hint="Repair or remove that installation, or name a mirror to download from:\n"
            f"{_MIRROR}",
            failure_detail=location,
        )


def _place(location: str) -> str:
    """Return the host of a URL, or the path as it is: short enough for a summary."""
    return urlsplit(location).hostname or location


def _short(cause: str, location: str) -> str:
    """Return the cause for a summary: it stands alone where several sources were tried."""
    text = cause.removeprefix(f"{_place(location)}: ")
    return text if len(text) <= _LONGEST_CAUSE else f"{text[:_LONGEST_CAUSE]}…"
