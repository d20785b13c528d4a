"""Skipping much time without taking back what L2 has told its users.

A deposit that waits on L1 for longer than a window must be in the next derived block. If the window
closed between a block of the sequencer and its batch, because time was skipped there, L1 would say
otherwise than the sequencer did, and its newest blocks would give way. So time is skipped between
two batches: all blocks are on L1 before, and all of L1 is seen after.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from node.powers.controlled import ControlledNode
from node.powers.errors import PowerRefused, PowerUnavailable
from node.powers.foreign_l1 import ForeignL1
from node.powers.limits import RETRY_SECONDS, SETTLE_SECONDS_MAX

log = logging.getLogger("tallystick.powers")


@contextlib.asynccontextmanager
async def between_batches(
    sequencer: ControlledNode, l1: ControlledNode | ForeignL1
) -> AsyncIterator[None]:
    """Hold L2 between two batches. An L1 out of reach is waited for only so long."""
    await sequencer.request("hold")
    try:
        await _within_limit(_post_all(sequencer, l1))
        yield
        await _within_limit(_see_all(sequencer, l1))
    finally:
        # A sequencer that died meanwhile came back without the hold.
        with contextlib.suppress(PowerUnavailable):
            await sequencer.request("release")


async def _post_all(sequencer: ControlledNode, l1: ControlledNode | ForeignL1) -> None:
    """Bring every block to L1, which makes blocks for it meanwhile whatever its mode."""
    while (heads := await sequencer.request("heads"))["safe"] < heads["number"]:
        posting = asyncio.create_task(sequencer.request("post"))
        while not posting.done():
            await _mine(l1)
            await asyncio.wait([posting], timeout=4 * RETRY_SECONDS)
        # A batch that is pending still, or that L1 refused, is tried again.
        with contextlib.suppress(PowerUnavailable, PowerRefused):
            posting.result()
        await asyncio.sleep(RETRY_SECONDS)


async def _see_all(sequencer: ControlledNode, l1: ControlledNode | ForeignL1) -> None:
    """Have L2 read L1 up to a block that came after the time was skipped."""
    await sequencer.request("see_l1", number=await _mine(l1))


async def _mine(l1: ControlledNode | ForeignL1) -> int:
    """Make a block of L1; its number."""
    if isinstance(l1, ForeignL1):
        return await l1.mine()
    await l1.request("mine", blocks=1, interval=0)
    return int((await l1.request("heads"))["number"])


async def _within_limit(settling: Coroutine[Any, Any, None]) -> None:
    try:
        async with asyncio.timeout(SETTLE_SECONDS_MAX):
            await settling
    except TimeoutError:
        log.warning("L1 did not take all blocks of L2 in time; some may give way to what it says")
