"""`tallystick completion`: what a shell needs to complete commands, options and values."""

from typing import Final

import click
from click.shell_completion import get_completion_class

PROGRAM: Final = "tallystick"
_VARIABLE: Final = "_TALLYSTICK_COMPLETE"
"""By which click knows that a shell asks; follows from the program's name."""

_INSTALL: Final = {
    "bash": """\
# Completion of tallystick for bash. Try it in this shell:
#     source <(tallystick completion bash)
# Keep it:
#     mkdir -p ~/.local/share/bash-completion/completions
#     tallystick completion bash > ~/.local/share/bash-completion/completions/tallystick
""",
    "zsh": """\
#compdef tallystick
# Completion of tallystick for zsh. Try it in this shell:
#     source <(tallystick completion zsh)
# Keep it, in a folder of your own that $fpath names before `compinit` runs in ~/.zshrc:
#     mkdir -p ~/.zfunc && tallystick completion zsh > ~/.zfunc/_tallystick
#     fpath=(~/.zfunc $fpath); autoload -Uz compinit && compinit
""",
    "fish": """\
# Completion of tallystick for fish. Try it in this shell:
#     tallystick completion fish | source
# Keep it:
#     tallystick completion fish > ~/.config/fish/completions/tallystick.fish
""",
}


@click.command(short_help="Completion for your shell.")
@click.argument("shell", type=click.Choice(sorted(_INSTALL)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL; its first lines say how to install it."""
    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"no completion for {shell}")
    words = script(ctx.find_root().command, {}, PROGRAM, _VARIABLE).source()
    click.echo(_INSTALL[shell] + words.removeprefix("#compdef tallystick\n"))
