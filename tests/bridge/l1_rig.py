"""A whole rollup over anvil, by hand: deployed contracts and the parts of one L2 node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.deployment import Deployment, DeployParameters, l2_config, l2_genesis
from bridge.derive.inbox_log import InboxLog
from bridge.derive.pipeline import Pipeline
from bridge.derive.sequenced import record_block, sequenced_plan
from bridge.l1 import contracts
from bridge.l1.accounts import Operator
from bridge.l1.client import L1Client, L1Receipt
from bridge.l1.deploy import deploy
from bridge.l1.dev import fund_operators
from bridge.l1.rpc import RpcClient
from bridge.l1.transactor import L1Transaction, Transactor
from bridge.l1.watcher import L1Progress, Watcher
from bridge.poster import Poster
from bridge.proposer import Proposer
from execution.attributes import InclusionRule
from execution.transition import BlockResult, Candidate, execute_block
from genesis.accounts import OperatorAccounts, operator_accounts
from genesis.hashing import config_hash
from state.store import ChainStore
from state.stored import ChainIdentity
from state.types import Timestamp

POLL = 0.005
PARAMETERS = DeployParameters(window_seconds=600, dispute_window_seconds=60)


async def no_wait(_: float) -> None:
    """Lets other tasks run instead of waiting."""
    await asyncio.sleep(0)


class Rig:
    """One L2 node's parts over one L1."""

    def __init__(self, client: L1Client, deployment: Deployment) -> None:
        self.client = client
        self.deployment = deployment
        self.config = l2_config(deployment)
        genesis = l2_genesis(deployment)
        identity = ChainIdentity(self.config.chain_id, genesis.hash, config_hash(self.config))
        self.store = ChainStore.open(None, identity, genesis)
        self.log = InboxLog(self.store)
        self.pipeline = Pipeline(self.store, self.config, self.log)
        self.watcher = self.new_watcher(client)
        self.poster = Poster(
            self.store,
            self.config,
            self.log,
            self.pipeline.view,
            self.transactor(operator_accounts().batcher.key),
        )
        self.proposer = Proposer(
            self.store,
            self.log,
            self.pipeline.view,
            self.transactor(operator_accounts().proposer.key),
            deployment.rollup,
        )

    @property
    def operators(self) -> OperatorAccounts:
        return operator_accounts()

    def new_watcher(self, client: L1Client) -> Watcher:
        """A watcher without memory, over the same log."""
        return Watcher(
            client, self.deployment.inbox, self.log, start_block=self.deployment.start_block
        )

    def transactor(self, key: bytes) -> Transactor:
        return Transactor(self.client, Operator(key), poll_seconds=POLL)

    async def follow(self) -> L1Progress:
        """Read L1 to its head and derive all of it."""
        while not (progress := await self.watcher.poll()).is_complete:
            pass
        while not self.pipeline.advance().waiting:
            pass
        return progress

    async def sequence(
        self, *raw: bytes, seconds: int = 1, l1_number: int | None = None
    ) -> BlockResult:
        """Build an unsafe block with these transactions, `seconds` after the parent.

        Its origin is not after L1 block `l1_number`, L1's head by default.
        """
        if l1_number is None:
            l1_number = (await self.client.header()).number
        unsafe = self.store.heads.unsafe.number
        parent = self.store.header(unsafe)
        assert parent is not None
        plan = sequenced_plan(
            self.store,
            self.log,
            self.config,
            now=Timestamp(parent.timestamp + seconds),
            l1_number=l1_number,
        )
        own = tuple(Candidate(tx, InclusionRule.SKIP) for tx in raw)
        result = execute_block(
            parent,
            self.store.state(),
            plan.attributes,
            (*plan.forced_candidates, *own),
            self.config,
            lambda number: self.store.block_id(number).hash,
        )
        with self.store.commit() as batch:
            batch.append(result.sealed)
            record_block(batch, plan, result)
        return result

    async def append_batch(self, data: bytes) -> L1Receipt:
        """Append a batch item past the poster."""
        call = contracts.APPEND_BATCH.call(data)
        batcher = self.transactor(self.operators.batcher.key)
        return await batcher.send(L1Transaction("batch", self.deployment.inbox, call))


@asynccontextmanager
async def rollup(
    url: str, folder: Path, parameters: DeployParameters = PARAMETERS
) -> AsyncIterator[Rig]:
    """Deploy (or find) a rollup on the L1 at `url`, and a fresh L2 node over it."""
    path = folder / "deployment.json"
    async with RpcClient(url) as rpc:
        await fund_operators(rpc, path, poll_seconds=POLL)
        key = operator_accounts().deployer.key
        deployment = await deploy(rpc, key, parameters, path, poll_seconds=POLL)
        client = L1Client(rpc, chain_id=parameters.l1_chain_id, errors=contracts.l1_errors())
        rig = Rig(client, deployment)
        try:
            yield rig
        finally:
            rig.store.close()
