"""Blocks that derivation has the machine execute: the chain is the one that the engine makes."""

import pytest
from hypothesis import given, settings

from bridge.derive.pipeline import Pipeline
from bridge.derive.records import inputs_of
from bridge.machine.execution import execute_on_machine
from state.batch_codec import BatchBlock
from state.types import BlockNumber, Gas, Timestamp, Wei
from tests.bridge.derive.inbox import GENESIS_TIME, Inbox
from tests.bridge.derive.rig import ALICE, BOB, BURNER, CONFIG, Rig
from tests.bridge.derive.test_random_logs import LOGS, Step

STORES = bytes.fromhex("602a5f55602a60015f52600a6016f3")
"""Initialisation code: sets slot 0, and deploys ten bytes."""


def on_machine(inbox: Inbox) -> Rig:
    """A node that has every block executed by the machine."""
    rig = Rig()
    rig.pipeline = Pipeline(rig.store, CONFIG, rig.log, execute_on_machine)
    return rig.follow(inbox)


def same_chain(engine: Rig, machine: Rig) -> None:
    """Blocks, records and roots of both nodes are equal."""
    assert machine.chain() == engine.chain()
    assert machine.store.heads == engine.store.heads
    for number in map(BlockNumber, range(1, engine.safe.number + 1)):
        assert machine.store.block(number) == engine.store.block(number)
        assert machine.store.receipts(number) == engine.store.receipts(number)
        assert inputs_of(machine.store, number) == inputs_of(engine.store, number)
    for account in (ALICE.address, BOB.address, BURNER, CONFIG.coinbase):
        assert machine.account(account) == engine.account(account)


def block(seconds: int, origin: int, *transactions: bytes) -> BatchBlock:
    return BatchBlock(Timestamp(GENESIS_TIME + seconds), origin, transactions)


def test_blocks_of_all_kinds_are_the_same_on_the_machine(rig: Rig, inbox: Inbox) -> None:
    """Transfers, a creation, failures, skipped ones, deposits, forced ones, a tick."""
    inbox.deposit()
    inbox.forced(BOB.raw(nonce=1))
    inbox.forced(b"void")
    creation = ALICE.raw(nonce=1, to=None, value=Wei(0), gas=Gas(200_000), data=STORES)
    burning = BOB.raw(nonce=0, to=BURNER, gas=Gas(30_000))
    inbox.batch(
        [
            block(2, 1, ALICE.raw(nonce=0), b"junk", burning, ALICE.raw(nonce=7)),
            block(4, 3, creation),
        ]
    )
    inbox.deposit(gas=2**24, to=BURNER, value=0)
    inbox.deposit(gas=2**24, to=BURNER, value=0)
    inbox.tick()
    inbox.tick()
    rig.follow(inbox)
    machine = on_machine(inbox)
    assert rig.safe.number == 4
    assert any(rig.store.block(BlockNumber(2)).contracts)  # type: ignore[union-attr]
    same_chain(rig, machine)
    machine.close()


@settings(max_examples=25, deadline=None)
@given(LOGS)
def test_random_inbox_gives_the_same_chain_on_the_machine(steps: list[Step]) -> None:
    inbox, engine = Inbox(), Rig()
    for step in steps:
        step(inbox)
    machine = on_machine(inbox)
    same_chain(engine.follow(inbox), machine)
    engine.close()
    machine.close()


def test_machine_blocks_are_never_promoted_from_the_sequencers(rig: Rig, inbox: Inbox) -> None:
    """The sequencer's engine made the unsafe block, which is what the operator doesn't want."""
    rig.pipeline = Pipeline(rig.store, CONFIG, rig.log, machine_blocks=[BlockNumber(2)])
    rig.feed(inbox)
    for nonce in range(3):
        rig.sequence(ALICE.raw(nonce=nonce))
    rig.post(inbox)
    rig.follow(inbox)
    counters = rig.pipeline.counters()
    assert (counters.promoted, counters.by_machine, counters.executed) == (2, 1, 0)
    assert counters.replaced == 0, "the machine's block is equal, so what follows it stays"
    assert rig.safe == rig.unsafe


@pytest.mark.parametrize("number", [1, 3])
def test_rederived_blocks_are_the_same_again(number: int, rig: Rig, inbox: Inbox) -> None:
    inbox.batch([block(2 * n, 0, ALICE.raw(nonce=n - 1)) for n in (1, 2, 3)])
    before = rig.follow(inbox).chain()
    rig.pipeline.rederive(BlockNumber(number))
    assert rig.safe.number == rig.unsafe.number == number - 1
    assert rig.follow(inbox).chain() == before
