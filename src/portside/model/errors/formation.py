"""Errors about running all process types at once: the scale, the release command, the port."""

from typing import ClassVar

from portside.model.errors import BuildError

_SHOWN_LINES = 5


class InvalidScaleError(BuildError):
    """``--scale`` can't be read, or asks for no process at all."""

    code: ClassVar[str] = "run::invalid-scale"
    exit_code: ClassVar[int] = 2

    def __init__(self, *, scale: str, part: str) -> None:
        """Take the option's value and the part of it that is wrong."""
        super().__init__(
            f"'{part}' isn't a scale.",
            detail="--scale says how many processes of each type to run, up to 100 of one type, "
            "and each type once.",
            hint="Name types of the Procfile, or run one of each:\n"
            "    portside run --scale web=2,worker=1\n"
            "    portside run --scale all",
            failure_detail=scale,
        )


class ScaleConflictError(BuildError):
    """``--scale`` was given with something that runs a single process."""

    code: ClassVar[str] = "run::scale-conflict"
    exit_code: ClassVar[int] = 2

    def __init__(self, *, other: str) -> None:
        """Take what was given beside ``--scale``."""
        super().__init__(
            f"{other} can't be combined with --scale.",
            detail="--scale runs a formation of processes; the other is about a single one.",
            hint="Leave out one of them. To run a single type of process in a formation:\n"
            "    portside run --scale worker=1",
            failure_detail=other,
        )


class JsonNeedsScaleError(BuildError):
    """``--json`` was given without ``--scale``."""

    code: ClassVar[str] = "run::json-needs-scale"
    exit_code: ClassVar[int] = 2

    def __init__(self) -> None:
        """Take nothing: the option says it all."""
        super().__init__(
            "--json can't be used without --scale.",
            detail="A single process writes its own output, as it is.",
            hint="Run it as a formation:\n    portside run --scale web=1 --json",
        )


class ReleaseFailedError(BuildError):
    """The release command failed, so that nothing was started."""

    code: ClassVar[str] = "run::release-failed"

    def __init__(self, *, command: str, exit_status: int, tail: tuple[str, ...]) -> None:
        """Take the command, its exit status and its last lines."""
        lines = "\n".join(f"    {line[:200]}" for line in tail[-_SHOWN_LINES:])
        super().__init__(
            f"The release command ended with exit status {exit_status}; nothing was started.",
            detail=f"This is the command:\n    {command}\n"
            + (f"It last printed:\n{lines}" if lines else "It printed nothing."),
            hint="Correct what it says. To start without it:\n"
            "    portside run --scale web=1,release=0",
            failure_detail=str(exit_status),
        )


class PortTakenError(BuildError):
    """The port that the router, or what passes connections on, should have can't be had."""

    code: ClassVar[str] = "run::port-taken"

    def __init__(self, *, port: int, cause: str) -> None:
        """Take the port and the operating system's reason."""
        super().__init__(
            f"Port {port} can't be listened on.",
            detail=f"The operating system says: {cause}.",
            hint="End the program that listens there, or use another port:\n"
            "    portside run --port 5001",
            failure_detail=str(port),
        )
