"""The pool over a restart: what waits is written when a node stops, and offered when it starts.

Nobody was promised that a waiting transaction comes into a block, so that a kill may lose it;
go-ethereum doesn't sync its journal of local transactions either. Each is checked anew, by the
state there is then.
"""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from sequencer.limits import POOL_FILE_BYTES_MAX
from sequencer.mempool import Mempool
from state.files import write_atomically

log = logging.getLogger("tallystick.pool")

POOL: Final = "pool"
"""The file's name within a node's data folder."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[bytes]).decode


@contextlib.contextmanager
def kept_pool(mempool: Mempool, folder: Path) -> Iterator[None]:
    """Give a pool what a folder has of it, and write what waits on leaving.

    Neither a damaged file nor a full disk keeps a node from starting or stopping: they are logged.
    """
    mempool.take_back(_load(folder / POOL))
    try:
        yield
    finally:
        save_pool(mempool, folder)


def _load(path: Path) -> list[bytes]:
    try:
        if path.stat().st_size <= POOL_FILE_BYTES_MAX:
            return _decode(path.read_bytes())
        log.warning("%s is too large for a pool's: it is left alone", path)
    except FileNotFoundError:
        pass
    except (OSError, msgspec.MsgspecError) as error:
        log.warning("what waited before the restart is lost: %s can't be read: %s", path, error)
    return []


def save_pool(mempool: Mempool, folder: Path) -> None:
    """Write what waits to a folder; a full disk is logged."""
    path = folder / POOL
    try:
        write_atomically(path, _encode(mempool.envelopes()))
    except OSError as error:
        log.error("what waits is lost: %s can't be written: %s", path, error)
