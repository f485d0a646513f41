"""The ``portside`` command: its sub-commands by name, and the only place that sets exit codes.

Exit codes: 0 done, 1 the app or its environment must change, 2 usage, 3 a defect in portside,
130 and 143 on SIGINT and SIGTERM. A command's module is imported only when it is called.
"""

import importlib
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from portside import __version__

_DEFECT = 3
_COMMANDS = {
    "build": "Turn an app's source into a slug that runs.",
    "cache": "Show, prune or clear the store.",
    "completion": "Print the completion script for your shell.",
    "detect": "Say what was found in an app, and why.",
    "inspect": "Say what a slug holds.",
    "plan": "Say what a build would do, and why.",
    "python": "List and find Python interpreters.",
    "run": "Run a process of an app or slug, or any command in it.",
}


class _Terminated(BaseException):
    """SIGTERM arrived: unwinds everything, so that children end and staging is removed."""


class _Group(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"portside.cli.{cmd_name}")
        command: object = getattr(module, "command", None)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 (only for a wrong name)

            close = get_close_matches(args[0], _COMMANDS, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            ctx.fail(f"There is no command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="portside")
def portside() -> None:
    r"""Turn the source of a Python app into something that runs, and run it.

    \b
    A first build:
        cd my-app            the directory with requirements.txt or Pipfile
        portside build       makes a slug: app, Python and dependencies
        portside run         builds what changed, then serves the app on $PORT
    """


def main() -> NoReturn:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, _on_terminate)
    sys.exit(_run())


def _run() -> int:  # noqa: PLR0911 (one per exit code)
    from portside.model.errors import BuildError  # noqa: PLC0415 (kept off --help's path)

    try:
        code = portside.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        return 130
    except _Terminated:
        return 143
    except BuildError as error:
        from portside.console import print_error  # noqa: PLC0415
        from portside.effects.host import read_host  # noqa: PLC0415

        print_error(error, read_host().environ)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read the output is gone: nothing more can be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception:  # noqa: BLE001 (the one boundary: a defect is reported as such)
        _report_defect()
        return _DEFECT
    return code if isinstance(code, int) else 0


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
