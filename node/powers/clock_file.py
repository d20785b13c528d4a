"""How far a devnet's clock is ahead, in a file, so that skipped time stays skipped."""

import json
from pathlib import Path
from typing import Final

from node.settings import InvalidSettings
from state.files import write_atomically

CLOCK_FILE: Final = "clock.json"


def read_offset(data_dir: Path) -> int:
    """Seconds ahead of the machine's clock. Raises `InvalidSettings` for an unreadable file."""
    path = data_dir / CLOCK_FILE
    try:
        return int(json.loads(path.read_bytes())["offsetSeconds"])
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidSettings(
            f"{path} can't be read: it holds how far this devnet's clock is ahead; begin anew with"
            " --reset"
        ) from error


def write_offset(data_dir: Path, offset_seconds: int) -> None:
    """Remember how far the clock is ahead."""
    content = json.dumps({"offsetSeconds": offset_seconds}).encode()
    write_atomically(data_dir / CLOCK_FILE, content)
