"""How this program was called: commands that are shown are to be typed again as they are."""

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path


def typed_program(arguments: Sequence[str], original: Sequence[str]) -> str:
    """The words before the first argument, as a shell takes them.

    `arguments` is `sys.argv`, `original` is `sys.orig_argv`. An installed script is called by its
    name where that is enough, and else by its path; `python -m node.cli.main` likewise.
    """
    program = arguments[0]
    if Path(program).suffix == ".py":
        return shlex.join(original[: len(original) - len(arguments) + 1])
    name = Path(program).name
    return shlex.quote(name if shutil.which(name) == program else program)
