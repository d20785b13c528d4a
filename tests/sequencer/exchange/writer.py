"""A process that trades and tells each answer on a line: `writer.py FOLDER NUMBER [BYTES_MAX]`.

It goes on until it is killed, or the disk gives out: `BYTES_MAX` is the largest file it may write.
"""

import asyncio
import json
import resource
import signal
import sys
from pathlib import Path

from sequencer.exchange.errors import ExchangeUnavailable
from state.errors import TallystickError
from tests.sequencer.exchange.hall import Hall, opened

TOGETHER = 8
NONCES_APART = 100_000


def tell(**what: object) -> None:
    print(json.dumps(what), flush=True)


async def trade(hall: Hall, step: int) -> None:
    """Some orders at once, some of which meet; then one account lets go of all it has."""
    traders = hall.traders[:3]
    orders = [
        traders[i % 3].order(
            i % 2 == 0, 5 * (1 + (i + step) % 4), 1_000 + 10 * ((i * step) % 5 - 2)
        )
        for i in range(TOGETHER)
    ]
    placements = await asyncio.gather(*(hall.exchange.place(order) for order in orders))
    tell(placed=[one.order.order.hash.hex() for one in placements])
    hall.clock.advance(0.01)
    left = await hall.exchange.cancel(hall.cancel(traders[step % 3]))
    tell(cancelled=[order.hex() for order in left])


async def main(path: Path, number: int) -> None:
    async with opened(path) as hall:
        hall.clock.advance(60 * number)
        for trader in hall.traders:
            trader.nonces = NONCES_APART * number
        step = 0
        try:
            while True:
                step += 1
                await trade(hall, step)
        except ExchangeUnavailable as refusal:
            try:
                await hall.running
            except TallystickError as end:
                tell(refused=str(refusal), ended=type(end).__name__)


if __name__ == "__main__":
    if len(sys.argv) > 3:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
