"""Python itself, set up for an event loop that answers in milliseconds beside threads that compute.

Its defaults suit programs that do one thing and make few objects.
"""

import gc
import sys

from node.limits import INTERPRETER_SWITCH_SECONDS, YOUNG_OBJECTS_MAX


def prepare_interpreter() -> None:
    """Once for a process, when all is imported and before anything is served."""
    sys.setswitchinterval(INTERPRETER_SWITCH_SECONDS)
    # What is imported stays: no collection need walk it, which takes 70 ms.
    gc.freeze()
    _, middle, old = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS_MAX, middle, old)
