"""Small files that others write, bounded in bytes and depth before anything is made of them."""

import json
from pathlib import Path

from bridge.l1.rpc import nesting
from node.keepers.errors import FeedUnavailable
from node.keepers.limits import FEED_BYTES_MAX, FEED_DEPTH_MAX
from state.errors import Invalid


def read_bounded(path: Path, most: int = FEED_BYTES_MAX) -> bytes:
    """A file's bytes, one more than `most` at the most. Raises `FeedUnavailable`."""
    try:
        if not path.is_file():
            raise FeedUnavailable(f"there is no file {path}")
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise FeedUnavailable(f"{path} can't be read: {error.strerror}") from None


def parse_list(
    data: bytes, member: str, error: type[Invalid], most: int = FEED_BYTES_MAX
) -> list[object]:
    """The list that an object of JSON has as its `member`. Raises `error`."""
    if len(data) > most or nesting(data) > FEED_DEPTH_MAX:
        raise error(f"more bytes or nesting than {member} need")
    try:
        entries = json.loads(data)[member]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise error(f"no JSON object with {member}: {data[:40]!r}") from None
    if not isinstance(entries, list):
        raise error(f"{member}: not a list")
    return entries
