"""``portside completion``: the script that completes portside's commands in a shell."""

import click
from click.shell_completion import get_completion_class

from portside.console import print_out


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    r"""Print the completion script for SHELL.

    \b
        portside completion bash > ~/.local/share/bash-completion/completions/portside
    """
    kind = get_completion_class(shell)
    root = context.find_root().command
    if kind is not None:
        print_out(kind(root, {}, "portside", "_PORTSIDE_COMPLETE").source())
