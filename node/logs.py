"""Log lines for people: time, level, part, sentence."""

import logging
import sys


def configure_logging(level: int = logging.INFO) -> None:
    """Send the node's log to standard error; libraries only speak up from warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("tallystick").setLevel(level)
