"""A derived chain to dispute about, without an L1 and on one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from bridge.dispute.trace import LocalChain, Subject
from execution.evm.threads import run_deep
from state.batch_codec import BatchBlock
from state.types import BlockNumber, Gas, Timestamp
from tests.bridge.conftest import Anvil
from tests.bridge.derive.inbox import GENESIS_TIME, Inbox
from tests.bridge.derive.rig import ALICE, BOB, BURNER, Rig
from tests.bridge.dispute.l1_disputes import Court, build_chain, court_on
from tests.limits import WAIT_SECONDS_MAX

Scenario = Callable[[Court], Awaitable[None]]
InCourt = Callable[[Scenario], None]

BLOCKS = (
    BatchBlock(
        Timestamp(GENESIS_TIME + 2),
        1,
        (ALICE.raw(nonce=0), BOB.raw(nonce=0, to=BURNER, gas=Gas(30_000)), b"junk"),
    ),
    BatchBlock(Timestamp(GENESIS_TIME + 4), 2, (ALICE.raw(nonce=1),)),
)


class DisputedChain:
    """Two blocks of one batch, and a third that came later."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.inbox = Inbox()
        self.inbox.deposit()
        self.inbox.forced(BOB.raw(nonce=1))
        self.inbox.batch(BLOCKS)
        self.first_items = len(self.inbox.items)
        self.inbox.batch([BatchBlock(Timestamp(GENESIS_TIME + 6), 3, (ALICE.raw(nonce=2),))])
        self.rig.follow(self.inbox)
        self.local = LocalChain(
            self.rig.store, self.rig.config, self.rig.log, self.rig.pipeline.view
        )

    def subject(self, l2_block: int, *, anchor: int = 0, items: int | None = None) -> Subject:
        """A game about a block, from the anchor's right root on and over all items by default."""
        root = self.local.view.output_root(BlockNumber(anchor))
        assert root is not None
        count = len(self.inbox.items) if items is None else items
        return Subject(root, BlockNumber(anchor), BlockNumber(l2_block), count)


@pytest.fixture(scope="module")
def disputed() -> Iterator[DisputedChain]:
    chain = run_deep(DisputedChain)
    yield chain
    chain.rig.close()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Anvil, Path]]:
    """A rollup with three blocks on an anvil of this module."""
    anvil, folder = Anvil(), tmp_path_factory.mktemp("disputes")

    async def build() -> None:
        async with court_on(anvil, folder) as court:
            await build_chain(court)

    asyncio.run(asyncio.wait_for(build(), timeout=WAIT_SECONDS_MAX))
    yield anvil, folder
    anvil.remove()


@pytest.fixture
def in_court(built: tuple[Anvil, Path]) -> Iterator[InCourt]:
    """Run a scenario with a node of its own; what it does on L1 is undone after it."""
    anvil, folder = built
    snapshot = anvil.ask("evm_snapshot")

    def run(scenario: Scenario) -> None:
        async def whole() -> None:
            async with court_on(anvil, folder) as court:
                await scenario(court)

        asyncio.run(asyncio.wait_for(whole(), timeout=WAIT_SECONDS_MAX))

    yield run
    anvil.ask("evm_revert", snapshot)
