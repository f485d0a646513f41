"""Errors about running a slug: processes that aren't there, don't bind, or end too early."""

from typing import ClassVar, TypeAlias

from msgspec import Struct

from portside.model.errors import BuildError

_SHOWN_LINES = 5
_KILLED = 128 + 9
_MEGABYTE = 1 << 20
_FIXES = (
    ("gunicorn", "gunicorn --bind 0.0.0.0:$PORT …"),
    ("uvicorn", "uvicorn --host 0.0.0.0 --port $PORT …"),
    ("hypercorn", "hypercorn --bind 0.0.0.0:$PORT …"),
    ("daphne", "daphne -b 0.0.0.0 -p $PORT …"),
    ("waitress", "waitress-serve --listen=0.0.0.0:$PORT …"),
    ("streamlit", "streamlit run --server.address 0.0.0.0 --server.port $PORT …"),
    ("runserver", "python manage.py runserver 0.0.0.0:$PORT"),
    ("flask", "flask run --host 0.0.0.0 --port $PORT"),
    ("http.server", "python -m http.server --bind 0.0.0.0 $PORT"),
)


class MissingModule(Struct, frozen=True):
    """The program imports a module that isn't installed."""

    name: str


class MissingVariable(Struct, frozen=True):
    """The program reads a config var that isn't set."""

    name: str


class MissingCommand(Struct, frozen=True):
    """The process's command names a program that isn't there."""

    name: str


class AddressInUse(Struct, frozen=True):
    """The program wanted a port that another one listens on."""


ExitCause: TypeAlias = MissingModule | MissingVariable | MissingCommand | AddressInUse


class WebDidNotBindError(BuildError):
    """The web process runs, but listens on no port at all."""

    code: ClassVar[str] = "run::web-did-not-bind"

    def __init__(self, *, command: str, port: int, limit: float) -> None:
        """Take the process's command, the port required and the time limit in seconds."""
        super().__init__(
            f"The web process didn't bind to $PORT within {limit:g} seconds.",
            detail=f"It runs, but listens on no port. This is its command:\n    {command}\n"
            f"A web process must listen on 0.0.0.0, on the port in the config var PORT ({port}).",
            hint=f"{_fix(command)}\n"
            "If it takes longer than that to start, defer the slow part until after it listens.",
            failure_detail=str(port),
        )


class WrongPortError(BuildError):
    """The web process listens, but on another port than ``$PORT``."""

    code: ClassVar[str] = "run::wrong-port"

    def __init__(self, *, command: str, port: int, bound: tuple[int, ...]) -> None:
        """Take the process's command, the port required and those it listens on."""
        ports = ", ".join(map(str, bound))
        super().__init__(
            f"The web process listens on port {ports}, not on $PORT ({port}).",
            detail=f"This is its command:\n    {command}\n"
            "A web process must listen on 0.0.0.0, on the port in the config var PORT.",
            hint=_fix(command),
            failure_detail=ports,
        )


class WrongAddressError(BuildError):
    """The web process listens on ``$PORT``, but for this machine only."""

    code: ClassVar[str] = "run::wrong-address"

    def __init__(self, *, command: str, port: int, addresses: tuple[str, ...]) -> None:
        """Take the process's command, the port and the addresses it listens on."""
        bound = ", ".join(f"[{a}]:{port}" if ":" in a else f"{a}:{port}" for a in addresses)
        super().__init__(
            f"The web process listens only on {bound}, where others can't reach it.",
            detail=f"This is its command:\n    {command}\n"
            f"A web process must listen on all addresses: 0.0.0.0:{port}.",
            hint=_fix(command),
            failure_detail=bound,
        )


class WebExitedError(BuildError):
    """The web process ended before it listened on ``$PORT``."""

    code: ClassVar[str] = "run::web-exited"

    def __init__(
        self, *, command: str, exit_status: int, tail: tuple[str, ...], cause: ExitCause | None
    ) -> None:
        """Take the process's command, its exit status, its last lines and the likely cause."""
        lines = "\n".join(f"    {line[:200]}" for line in tail[-_SHOWN_LINES:])
        printed = f"It last printed:\n{lines}" if lines else "It printed nothing."
        super().__init__(
            "The web process ended before it answered on $PORT, with exit status "
            f"{exit_status}{_signal_note(exit_status)}.",
            detail=f"This is its command:\n    {command}\n{printed}",
            hint=_exit_hint(cause, exit_status),
            failure_detail=str(exit_status),
        )


class NoWebProcessError(BuildError):
    """The slug has no web process, and none was named."""

    code: ClassVar[str] = "run::no-web-process"

    def __init__(self, *, known: tuple[str, ...]) -> None:
        """Take the process types there are."""
        name = known[0] if known else ""
        other = f"\nOr run another process type by its name:\n    portside run . {name}"
        super().__init__(
            "This app has no web process.",
            detail=f"Its process types are: {_listing(known)}.",
            hint="No command to start one was found in its code, and no Procfile names one. Write\n"
            "a line in the Procfile that says how to start it, such as:\n"
            "    web: gunicorn --bind 0.0.0.0:$PORT myapp.wsgi" + (other if name else ""),
        )


class UnknownProcessError(BuildError):
    """The process type asked for isn't there."""

    code: ClassVar[str] = "run::unknown-process"

    def __init__(self, *, name: str, known: tuple[str, ...]) -> None:
        """Take the name asked for and the process types there are."""
        super().__init__(
            f"There is no process type '{name}'.",
            detail=f"This app's process types are: {_listing(known)}.",
            hint=f"Name one of them, or add '{name}: COMMAND' to the Procfile.\n"
            f"To run a command instead of a process type:\n    portside run . -- {name}",
            failure_detail=name,
        )


class CheckNeedsWebError(BuildError):
    """``--check`` was asked for something that doesn't answer HTTP."""

    code: ClassVar[str] = "run::check-needs-web"

    def __init__(self, *, name: str) -> None:
        """Take what was to be checked."""
        super().__init__(
            f"Only a web process can be checked, but '{name}' was asked for.",
            detail="--check waits for an answer to an HTTP request.",
            hint="Check the web process:\n    portside run . --check",
            failure_detail=name,
        )


class ServerErrorAnswerError(BuildError):
    """The web process answers the check with a server error."""

    code: ClassVar[str] = "run::server-error"

    def __init__(self, *, status: int, tail: tuple[str, ...]) -> None:
        """Take the HTTP status and the process's last lines."""
        lines = "\n".join(f"    {line[:200]}" for line in tail[-_SHOWN_LINES:])
        super().__init__(
            f"The web process answers GET / with HTTP status {status}.",
            detail="Any status below 500 would do."
            + (f" It last printed:\n{lines}" if lines else ""),
            hint="Look for the cause in its output. Often a config var is missing; set it with\n"
            "    portside run . --check --env NAME=VALUE",
            failure_detail=str(status),
        )


class NoAnswerError(BuildError):
    """The web process listens, but doesn't answer HTTP requests."""

    code: ClassVar[str] = "run::no-answer"

    def __init__(self, *, port: int, limit: float, cause: str) -> None:
        """Take the port, the time limit in seconds and what the last attempt ended with."""
        super().__init__(
            f"The web process listens on port {port}, but didn't answer GET / within "
            f"{limit:g} seconds.",
            detail=f"The last attempt ended with: {cause}.",
            hint="A web process must answer plain HTTP (not HTTPS) on $PORT. See where it waits:\n"
            "often that is a database or another service that can't be reached from here.",
            failure_detail=cause,
        )


class WebDidNotStopError(BuildError):
    """The web process doesn't end on SIGTERM."""

    code: ClassVar[str] = "run::web-did-not-stop"

    def __init__(self, *, command: str, limit: float) -> None:
        """Take the process's command and the time limit in seconds."""
        super().__init__(
            f"The web process was still running {limit:g} seconds after SIGTERM.",
            detail=f"It had to be killed. This is its command:\n    {command}",
            hint="Platforms stop an app with SIGTERM and kill it 30 seconds later: end on SIGTERM,"
            "\nand if a shell script starts the server, let its last line be: exec SERVER …",
        )


class TooMuchMemoryError(BuildError):
    """The web process uses more memory after boot than it may."""

    code: ClassVar[str] = "run::too-much-memory"

    def __init__(self, *, command: str, used: int, limit: int, processes: int) -> None:
        """Take the command, the bytes used and allowed, and how many processes use them."""
        megabytes = f"{-(-used // _MEGABYTE)} MB"
        super().__init__(
            f"The web process uses {megabytes} of memory after boot, more than the limit of "
            f"{limit // _MEGABYTE} MB.",
            detail=f"That is the share (PSS) of {processes} process{'es' * (processes > 1)}, "
            f"before any load. This is its command:\n    {command}",
            hint="Start fewer workers, let them share what they load (gunicorn --preload), or raise"
            "\nthe setting memory-limit if the machine has more:\n"
            "    portside run . --check --env WEB_CONCURRENCY=1",
            failure_detail=megabytes,
        )


class InvalidPortError(BuildError):
    """The port asked for isn't one."""

    code: ClassVar[str] = "run::invalid-port"

    def __init__(self, *, value: str) -> None:
        """Take the value as given."""
        super().__init__(
            f"'{value}' isn't a port.",
            detail="The variable PORT has this value. A port is a whole number from 1 to 65535.",
            hint="Correct or unset PORT, or give a port for this run:\n"
            "    portside run . --port 5000",
            failure_detail=value,
        )


class ProcessNotStartedError(BuildError):
    """The program that starts the process can't be run."""

    code: ClassVar[str] = "run::not-started"

    def __init__(self, *, program: str, cause: str) -> None:
        """Take the program and the operating system's reason."""
        super().__init__(
            f"'{program}' could not be started.",
            detail=f"The operating system says: {cause}.",
            hint="Processes need a shell at /bin/bash or /bin/sh and a slug that can be read.",
            failure_detail=program,
        )


class NotASlugError(BuildError):
    """The directory holds no launch data."""

    code: ClassVar[str] = "run::not-a-slug"

    def __init__(self, *, path: str, cause: str) -> None:
        """Take the directory and what is wrong with it."""
        super().__init__(
            f"'{path}' isn't a slug that can be run.",
            detail=f"{cause}.",
            hint="Build the app first, then use what was built:\n"
            "    portside build . -o dir:slug && portside run slug",
            failure_detail=path,
        )


class EnvFileEncodingError(BuildError):
    """An env file isn't UTF-8."""

    code: ClassVar[str] = "run::env-file-encoding"

    def __init__(self, *, path: str, position: int) -> None:
        """Take the file and the offset of the first byte that can't be decoded."""
        super().__init__(
            f"'{path}' isn't UTF-8 text.",
            detail=f"The byte at offset {position} can't be decoded.",
            hint=f"Save the file as UTF-8, for instance:\n"
            f"    iconv -f latin1 -t utf-8 {path} > {path}.utf8",
            failure_detail=path,
        )


class EnvFileUnreadableError(BuildError):
    """An env file isn't there or can't be read."""

    code: ClassVar[str] = "run::env-file-unreadable"

    def __init__(self, *, path: str, cause: str) -> None:
        """Take the file and the operating system's reason."""
        super().__init__(
            f"The env file '{path}' can't be read.",
            detail=f"The operating system says: {cause}.",
            hint="Give the path of a file with one NAME=VALUE a line:\n"
            "    portside run . --env-file path/to/.env",
            failure_detail=path,
        )


def _fix(command: str) -> str:
    example = next((fix for word, fix in _FIXES if word in command), None)
    if example is not None:
        return f"Change the web process's command in the Procfile:\n    web: {example}"
    return (
        "Pass the port to the server, in the Procfile or in Python:\n"
        "    web: gunicorn --bind 0.0.0.0:$PORT …\n"
        '    server.run(host="0.0.0.0", port=int(os.environ["PORT"]))'
    )


def _exit_hint(cause: ExitCause | None, exit_status: int) -> str:
    match cause:
        case MissingModule(name=name):
            top = name.partition(".")[0]
            return (
                f"The module '{name}' isn't installed. Add the distribution that provides it to\n"
                f"your requirements (often named '{top}') and build again."
            )
        case MissingVariable(name=name):
            return (
                f"The config var {name} isn't set. Set it for this run:\n"
                f"    portside run . --env {name}=VALUE      or in the file .env"
            )
        case MissingCommand(name=name) if "/" in name:
            return (
                f"There is no file '{name}' in the slug. Correct the path in the Procfile, or add\n"
                "the file to the app's source and build again."
            )
        case MissingCommand(name=name):
            return (
                f"The command '{name}' isn't installed. Add the distribution that provides it to\n"
                f"your requirements (often named '{name}') and build again, or correct the "
                "Procfile."
            )
        case AddressInUse():
            return (
                "Another program listens on that port. End it, or use another port:\n"
                "    portside run . --port 5001"
            )
    return _status_hint(exit_status)


def _status_hint(exit_status: int) -> str:
    if exit_status == 0:
        return "A web process must stay in the foreground: remove options such as --daemon."
    if exit_status == _KILLED:
        return (
            "Something killed it, most often as memory ran out. Start fewer workers, such as:\n"
            "    portside run . --env WEB_CONCURRENCY=1"
        )
    return "Find the cause in the output above, and check it with:\n    portside run . --check"


def _signal_note(exit_status: int) -> str:
    return f" (signal {exit_status - 128})" if 128 < exit_status < 128 + 65 else ""  # noqa: PLR2004 (as shells have it)


def _listing(known: tuple[str, ...]) -> str:
    return ", ".join(known) or "none"


class OneOffWithProcessError(BuildError):
    """Both a process type and a command after ``--`` were given."""

    code: ClassVar[str] = "run::two-commands"
    exit_code: ClassVar[int] = 2

    def __init__(self, *, process: str) -> None:
        """Take the process type."""
        super().__init__(
            f"Both the process type '{process}' and a command after '--' were given.",
            hint="Give one of them:\n"
            f"    portside run . {process}      or      portside run . -- COMMAND",
            failure_detail=process,
        )
