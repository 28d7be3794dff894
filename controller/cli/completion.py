"""`shjobs completion`: the shell completion script for commands, options and job names."""

import click

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_SHJOBS_COMPLETE"


@click.command("completion", short_help="Print a shell completion script for commands and job names.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> int:
    """Print a script that lets SHELL complete commands, options and job names.

    bash and zsh: put `eval "$(shjobs completion bash)"` (or zsh) into ~/.bashrc (or ~/.zshrc). fish: write it to
    ~/.config/fish/completions/shjobs.fish.
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None, "click supports these shells"
    click.echo(found(context.find_root().command, {}, "shjobs", VARIABLE).source())
    return 0
