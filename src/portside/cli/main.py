"""The ``portside`` command: its sub-commands by name, and the only place that sets exit codes.

Exit codes: 0 done, 1 the app or its environment must change, 2 usage, 3 a defect in portside,
130 and 143 on SIGINT and SIGTERM. A command's module is imported only when it is called, because
what is imported is paid on every call.
"""

import argparse
import contextlib
import importlib
import os
import signal
import sys
from types import FrameType
from typing import NoReturn, Protocol, cast

from portside import __version__

_DEFECT = 3
COMMANDS = {
    "build": "turn an app's source into a slug that runs",
    "run": "run a process of an app or slug, or any command in it",
    "test": "run an app's tests, with what they depend on",
    "detect": "say what was found in an app, and why",
    "plan": "say what a build would do, and why",
    "check": "say what will hurt an app in production",
    "inspect": "say what a slug holds",
    "export": "write what runs a slug under systemd, Compose or Kubernetes",
    "config": "show the settings of an app, and where each comes from",
    "python": "list and find Python interpreters",
    "cache": "show, prune or clear the store",
    "completion": "print the completion script for your shell",
}
_WITH_ONE_OFF = {"run", "test"}
_EPILOG = """\
a first build:
  cd my-app            the directory with requirements.txt or Pipfile
  portside build       makes a slug: app, Python and dependencies together
  portside run         builds what changed, then serves the app on $PORT

portside COMMAND --help says more about each command.
"""


class CommandModule(Protocol):
    """What a module of a command offers."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's description, arguments and options."""

    def execute(self, arguments: argparse.Namespace) -> int:
        """Carry the command out and return the exit code."""


class _Parser(argparse.ArgumentParser):
    """A parser that looks at the terminal's width only when it writes text.

    argparse makes a formatter for each argument that is added, and the width makes it import
    ``shutil`` with all its compressors each time a command starts.
    """

    def format_help(self) -> str:
        """Return the help, as wide as the terminal."""
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        return super().format_help()

    def format_usage(self) -> str:
        """Return the usage, as wide as the terminal."""
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        return super().format_usage()


class _Unmeasured(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=80)


class _Terminated(BaseException):
    """SIGTERM arrived: unwinds everything, so that children end and staging is removed."""


def main() -> NoReturn:
    """Run the command line and exit."""
    _open_closed_streams()
    signal.signal(signal.SIGTERM, _on_terminate)
    code = _guarded(sys.argv[1:])
    _discard_unwritten()
    sys.exit(code)


def load_command(name: str) -> CommandModule:
    """Return the module of a command."""
    return cast("CommandModule", importlib.import_module(f"portside.cli.{name}"))


def root_parser() -> argparse.ArgumentParser:
    """Return the parser for what stands before the command's name."""
    parser = _Parser(
        prog="portside",
        usage="portside [-h] [--version] COMMAND ...",
        description="Turn the source of a Python app into something that runs, and run it.",
        epilog=_EPILOG,
        formatter_class=_Unmeasured,
    )
    parser.add_argument("--version", action="version", version=f"portside {__version__}")
    return parser


def command_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of one command."""
    parser = _Parser(
        prog=f"portside {name}",
        description=f"{COMMANDS[name][:1].upper()}{COMMANDS[name][1:]}.",
        formatter_class=_Unmeasured,
    )
    load_command(name).configure(parser)
    return parser


def _run(argv: list[str]) -> int:
    if argv and argv[0] in COMMANDS:
        rest, one_off = _split_one_off(argv[0], argv[1:])
        parser = command_parser(argv[0])
        # Options may stand between APP and PROCESS; only `run` takes two arguments.
        parse = parser.parse_intermixed_args if argv[0] == "run" else parser.parse_args
        arguments = parse(rest)
        arguments.one_off = one_off
        return load_command(argv[0]).execute(arguments)
    parser = root_parser()
    if argv and not argv[0].startswith("-"):
        parser.error(_unknown(argv[0]))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, summary in COMMANDS.items():
        commands.add_parser(name, help=summary)
    parser.parse_args(argv)
    parser.print_help()
    return 0 if not argv else 2


def _split_one_off(name: str, argv: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return what stands before ``--`` and the command after it, for commands that take one."""
    if name not in _WITH_ONE_OFF or "--" not in argv:
        return argv, ()
    at = argv.index("--")
    if at == len(argv) - 1:
        command_parser(name).error("a command must follow '--'")
    return argv[:at], tuple(argv[at + 1 :])


def _unknown(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 (only for a wrong name)

    close = get_close_matches(name, COMMANDS, n=1)
    return f"there is no command '{name}'." + (f" Did you mean '{close[0]}'?" if close else "")


def _guarded(argv: list[str]) -> int:
    from portside.model.errors import BuildError  # noqa: PLC0415 (kept off --help's path)

    try:
        return _run(argv)
    except KeyboardInterrupt:
        return 130
    except _Terminated:
        return 143
    except BuildError as error:
        from portside.console import print_error  # noqa: PLC0415
        from portside.effects.host import read_host  # noqa: PLC0415

        # Standard error itself may be what can't be written: the exit code remains.
        with contextlib.suppress(BuildError, BrokenPipeError):
            print_error(error, read_host().environ)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read the output is gone: nothing more can be said to them.
        return 1
    except Exception:  # noqa: BLE001 (the one boundary: a defect is reported as such)
        _report_defect()
        return _DEFECT


def _open_closed_streams() -> None:
    """Give closed standard streams the null device, or the first file opened takes their number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            if number == 1:
                sys.stdout = os.fdopen(1, "w", closefd=False)
            elif number:
                sys.stderr = os.fdopen(2, "w", closefd=False)


def _discard_unwritten() -> None:
    """Drop what a stream can't take, since the interpreter would try again at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _report_defect() -> None:
    import traceback  # noqa: PLC0415

    from portside.console import print_err  # noqa: PLC0415

    print_err(traceback.format_exc())
    print_err(
        f"This is a defect in portside {__version__}, not in your app. Please report it with the "
        "lines above."
    )


def _on_terminate(_number: int, _frame: FrameType | None) -> None:
    raise _Terminated
