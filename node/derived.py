"""A chain that a command derives from L1 for itself, trusting no node."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.deployment import Deployment
from bridge.dispute.trace import LocalChain
from bridge.l1.client import L1Client
from bridge.l1.contracts import l1_errors
from bridge.l1.rpc import RpcClient
from node.chain import Chain
from node.roles.follower import Follower, open_l2
from state.clock import SystemClock
from state.types import BlockNumber

Progress = Callable[[BlockNumber, int], None]
"""Told the last block derived so far, and the number of inbox items read."""


@dataclass(frozen=True, slots=True)
class DerivedChain:
    """The chain, and the L1 that it comes from."""

    follower: Follower
    client: L1Client
    deployment: Deployment

    @property
    def chain(self) -> Chain:
        return self.follower.chain

    @property
    def local(self) -> LocalChain:
        """What traces of disputes are made from."""
        follower = self.follower
        return LocalChain(
            follower.chain.store, follower.chain.config, follower.log, follower.pipeline.view
        )

    @property
    def safe(self) -> BlockNumber:
        """The last block that L1 determines, as far as it was read."""
        return self.chain.store.heads.safe.number

    async def catch_up(self, progress: Progress = lambda _block, _items: None) -> None:
        """Read the inbox to L1's head, and derive all of it. Raises `Unavailable`."""
        is_complete = False
        while not is_complete:
            is_complete = (await self.follower.watcher.poll()).is_complete
            while not (await self.chain.write(self.follower.pipeline.advance)).waiting:
                progress(self.safe, self.follower.log.count)


@contextlib.asynccontextmanager
async def derived_chain(
    l1_url: str, deployment: Deployment, folder: Path | None
) -> AsyncIterator[DerivedChain]:
    """The chain in `folder`, or in memory without one; closed on leaving."""
    chain = open_l2(folder, deployment, SystemClock())
    try:
        async with RpcClient(l1_url) as rpc:
            client = L1Client(rpc, chain_id=deployment.l1_chain_id, errors=l1_errors())
            yield DerivedChain(Follower.over(chain, client, deployment), client, deployment)
    finally:
        chain.close()
