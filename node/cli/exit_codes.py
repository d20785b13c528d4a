"""What the command's exit code says; scripts may rely on these."""

from typing import Final

EXIT_OK: Final = 0
"""Done, and the answer is yes."""

EXIT_FAILURE: Final = 1
"""The command ran and the answer is no, or the input was wrong."""

EXIT_USAGE: Final = 2
"""The command line can't be understood; nothing was done."""

EXIT_NOTHING: Final = 3
"""There was nothing to check yet, or not all that was asked for: neither yes nor no."""

EXIT_UNAVAILABLE: Final = 75
"""Something outside did not answer; trying again may help (EX_TEMPFAIL of sysexits.h)."""

EXIT_INTERRUPTED: Final = 130
"""Ctrl-C or SIGTERM: 128 and the number of SIGINT, as shells have it."""
