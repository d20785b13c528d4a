"""A node whose parts are put together, ready to run."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from node.chain import Chain
from node.health import Health, Probe, examine, halted, unwritable, violated
from node.metrics import NodeMetrics
from node.monitor.monitor import Monitor
from node.p2p.membership import Membership
from node.powers.makers import BlockMaker
from node.roles.follower import Follower
from node.rpc.api import heads
from node.rpc.backend import Backend
from node.rpc.trade.methods import TradeMethods
from state.errors import InternalError

log = logging.getLogger("tallystick.node")


@dataclass(slots=True)
class RunningNode:
    """What a role needs to run: loops that never end, and what the RPC serves."""

    chain: Chain
    backend: Backend
    loops: list[Coroutine[Any, Any, None]]
    metrics: NodeMetrics
    follower: Follower | None = None
    membership: Membership | None = None
    """Its place among its peers, if it has any."""
    trade: TradeMethods | None = None
    maker: BlockMaker | None = None
    """Makes the layer's blocks, if the node does."""
    monitor: Monitor | None = None
    probes: tuple[Probe, ...] = ()
    """What makes it unfit to be asked, though it lives."""
    lookouts: tuple[object, ...] = ()
    """What an L2 node tells of L1, of output roots and of its monitor."""
    fault: asyncio.Future[None] = field(default_factory=asyncio.Future)
    """Gets an exception when the node finds itself wrong and must stop."""

    def namespaces(self) -> tuple[object, ...]:
        """What it answers beyond what every node does."""
        membership = self.membership.namespaces if self.membership is not None else ()
        trade = (self.trade,) if self.trade is not None else ()
        return (*membership, *trade, *self.lookouts)

    def report_fault(self, error: BaseException) -> None:
        """An unexpected error while answering a call; one of our own invariants stops the node."""
        log.error("while answering a call: %r", error, exc_info=error)
        if isinstance(error, InternalError) and not self.fault.done():
            self.fault.set_exception(error)

    def health(self) -> Health:
        """Whether the node lives: it neither halts nor has lost its disk."""
        return examine(self._vital_probes(), heads(self.backend))

    def readiness(self) -> Health:
        """Whether it is fit to be asked: it lives, sees L1, and is up to date."""
        return examine((*self._vital_probes(), *self.probes), heads(self.backend))

    def _vital_probes(self) -> tuple[Probe, ...]:
        return (
            halted(lambda: self.fault.exception() if self.fault.done() else None),
            violated(lambda: 0 if self.monitor is None else self.monitor.statistics().violations),
            unwritable(self.chain.store),
        )
