"""``portside completion``: the script that completes portside's commands in a shell."""

import argparse

from portside.cli.main import COMMANDS, load_command, root_parser
from portside.console import print_out

_SHELLS = ("bash", "zsh", "tcsh")
_DESCRIPTION = """\
Print the completion script for SHELL:

  portside completion bash > ~/.local/share/bash-completion/completions/portside
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = _DESCRIPTION
    parser.add_argument("shell", metavar="SHELL", choices=_SHELLS, help=", ".join(_SHELLS))


def execute(arguments: argparse.Namespace) -> int:
    """Print the script, made from the parsers of all commands."""
    import shtab  # noqa: PLC0415 (this command alone needs it)

    parser = root_parser()
    commands = parser.add_subparsers()
    for name, summary in COMMANDS.items():
        load_command(name).configure(commands.add_parser(name, help=summary))
    print_out(shtab.complete(parser, arguments.shell))
    return 0
