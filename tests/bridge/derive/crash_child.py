"""A process to be killed: follows one of two L1 histories, sequences, and says each block it has.

python -m tests.bridge.derive.crash_child FOLDER main|fork
"""

import sys
from pathlib import Path

from state.batch_codec import BatchBlock
from state.types import Timestamp
from tests.bridge.derive.inbox import Inbox
from tests.bridge.derive.rig import ALICE, Rig

ITEMS = 60
FORK_AT = 20


def history(name: str) -> Inbox:
    """Two L1 histories that share their first items."""
    inbox = Inbox()
    _extend(inbox, ITEMS)
    if name == "main":
        return inbox
    fork = inbox.fork(FORK_AT, b"fork")
    _extend(fork, ITEMS)
    return fork


def _extend(inbox: Inbox, count: int) -> None:
    while len(inbox.items) < count:
        inbox.mine()
        n = len(inbox.items)
        if n % 5 == 0:
            inbox.deposit(mint=n + len(inbox.salt))
        elif n % 7 == 0:
            inbox.tick()
        else:
            time = inbox.l1_time
            raw = ALICE.raw(nonce=n // 3)
            inbox.batch(
                [
                    BatchBlock(Timestamp(time - 1), inbox.tip.index, (raw,)),
                    BatchBlock(Timestamp(time), inbox.tip.index, ()),
                ]
            )


def main(folder: str, name: str) -> None:
    rig = Rig(Path(folder))
    inbox = history(name)
    rig.feed(inbox)
    rig.set_clock(inbox)
    while rig.pipeline.advance(1).derived:
        if rig.safe.number % 4 == 0:
            rig.set_clock(inbox)
            rig.sequence()
        print(rig.safe.number, flush=True)
    rig.log.set_final(FORK_AT // 2)
    rig.pipeline.advance(1)
    print("done", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
