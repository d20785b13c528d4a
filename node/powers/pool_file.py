"""What waits in a pool, kept beside a copy of the databases, since no restart keeps it."""

import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from execution.transaction import Transaction
from sequencer.mempool import Mempool
from state.errors import Invalid
from state.files import write_atomically

FILE: Final = "pool.json"


def waiting(mempool: Mempool) -> list[Transaction]:
    """All that waits, each sender's transactions in the order of their nonces."""
    content = mempool.content()
    return [
        transaction
        for part in (content.pending, content.queued)
        for transactions in part.values()
        for transaction in transactions
    ]


def save(folder: Path, mempool: Mempool) -> None:
    """Write what waits to a folder."""
    raws = [transaction.raw.hex() for transaction in waiting(mempool)]
    write_atomically(folder / FILE, json.dumps(raws).encode())


async def load(folder: Path, submit: Callable[[bytes], Awaitable[object]]) -> None:
    """Submit what a folder's file holds, if there is one, and delete it."""
    try:
        raws = json.loads((folder / FILE).read_bytes())
    except FileNotFoundError:
        return
    for raw in raws:
        # What the chain holds already, or can no longer take, has no place in the pool.
        with contextlib.suppress(Invalid):
            await submit(bytes.fromhex(raw))
    (folder / FILE).unlink()
