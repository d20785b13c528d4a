"""How long tests wait for what may never come.

A deadline costs nothing where all is well. These are far beyond what the slowest machine of CI
needs while other tests run on it, and short enough that a run with a fault in it comes to an end.
"""

from typing import Final

WAIT_SECONDS_MAX: Final = 240.0
"""For what takes moments on a machine that has nothing else to do."""
START_SECONDS_MAX: Final = 300.0
"""For a devnet to be ready, or to say why it can't be."""
STOP_SECONDS_MAX: Final = 120.0
"""For a process that was told to end."""
