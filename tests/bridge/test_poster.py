"""Batches on a real L1: what is posted is what is derived, whatever comes in between."""

import asyncio
from dataclasses import replace
from hashlib import shake_128

import pytest

from bridge.checked import Checked, unchecked
from bridge.items import ItemKind
from bridge.l1 import contracts
from bridge.l1.accounts import Operator
from bridge.l1.errors import L1CallReverted, L1Unavailable
from bridge.l1.transactor import L1Transaction, Transactor
from bridge.poster import Poster, make_batch
from bridge.proposer import Proposer
from execution.signing import UnsignedTransaction, sign
from genesis.accounts import dev_accounts
from state.batch_codec import BatchBlock, decode_batch, read_block
from state.errors import InternalError
from state.limits import BATCH_DECODED_BYTES_MAX, BATCH_POSTED_BYTES_MAX
from state.types import Address, BlockNumber, Gas, Timestamp, Wei
from tests.bridge.l1_rig import PARAMETERS, POLL, Rig, rollup
from tests.limits import WAIT_SECONDS_MAX

ALICE = dev_accounts()[0]
BOB = Address(b"\xb0" * 20)


class Killed(Exception):
    """Ends a poster between sending and receipt."""


@pytest.fixture
def on_rollup(anvil, tmp_path):
    """Run a coroutine function with a rig over the test's anvil."""

    def run(scenario, parameters=PARAMETERS):
        async def whole():
            async with rollup(anvil.url, tmp_path, parameters) as rig:
                await rig.follow()
                return await scenario(rig)

        return asyncio.run(asyncio.wait_for(whole(), timeout=WAIT_SECONDS_MAX))

    return run


def gift(rig: Rig, nonce: int, wei: int = 1) -> bytes:
    fields = UnsignedTransaction(
        nonce=nonce,
        gas=Gas(21_000),
        to=BOB,
        value=Wei(wei),
        max_fee_per_gas=Wei(10**10),
        max_priority_fee_per_gas=Wei(1),
    )
    return sign(fields, ALICE.key, rig.config.chain_id)


def poster_of(rig: Rig, *, checked: Checked = unchecked, **options) -> Poster:
    transactor = Transactor(
        rig.client, Operator.of_dev_account(rig.operators.batcher), poll_seconds=POLL, **options
    )
    return Poster(rig.store, rig.config, rig.log, rig.pipeline.view, transactor, checked=checked)


async def force(rig: Rig) -> None:
    """Have a stranger append a forced transaction that is no transaction."""
    call = contracts.FORCE_TRANSACTION.call(b"\xff")
    stranger = rig.transactor(rig.operators.keeper.key)
    await stranger.send(L1Transaction("forced", rig.deployment.inbox, call))


def test_step_posts_unsafe_blocks_and_they_become_safe_unchanged(on_rollup):
    async def scenario(rig):
        for nonce in range(5):
            await rig.sequence(gift(rig, nonce))
        before = rig.store.heads.unsafe
        posted = await rig.poster.step()
        await rig.follow()
        return before, posted, rig.store.heads, rig.pipeline.counters(), rig.log.tip

    before, posted, heads, counters, tip = on_rollup(scenario)
    assert (posted.first, posted.last) == (1, 5)
    assert heads.safe == heads.unsafe == before
    assert (counters.promoted, counters.executed, counters.replaced) == (5, 0, 0)
    assert tip.kind is ItemKind.BATCH
    assert posted.data_bytes == len(tip.data)


def test_step_with_nothing_unsafe_posts_nothing(on_rollup):
    async def scenario(rig):
        return await rig.poster.step(), rig.log.count

    assert on_rollup(scenario) == (None, 1)


def test_step_waits_until_what_it_posted_is_derived(on_rollup):
    async def scenario(rig):
        await rig.sequence(gift(rig, 0))
        first = await rig.poster.step()
        second = await rig.poster.step()  # the log doesn't know the batch yet
        await rig.watcher.poll()
        third = await rig.poster.step()  # the log does, the pipeline doesn't
        await rig.follow()
        await rig.sequence(gift(rig, 1))
        return first, second, third, await rig.poster.step()

    first, second, third, fourth = on_rollup(scenario)
    assert (first.first, first.last) == (1, 1)
    assert (second, third) == (None, None)
    assert (fourth.first, fourth.last) == (2, 2)


def test_step_after_a_strangers_item_waits_for_the_log_then_posts_the_same_blocks(on_rollup):
    async def scenario(rig):
        await rig.sequence(gift(rig, 0))
        before = rig.store.heads.unsafe
        await force(rig)
        early = await rig.poster.step()
        await rig.follow()
        posted = await rig.poster.step()
        await rig.follow()
        return early, posted, before, rig.store.heads

    early, posted, before, heads = on_rollup(scenario)
    assert early is None
    assert (posted.first, posted.last) == (1, 1)
    assert heads.safe == before


def test_step_deposit_included_before_the_batch_changes_nothing(anvil, on_rollup):
    """The deposit gets into the same L1 block, ahead of the batch."""

    async def scenario(rig):
        await rig.sequence(gift(rig, 0))
        before = rig.store.heads.unsafe
        anvil.automine(False)
        call = contracts.FORCE_TRANSACTION.call(b"\xff")
        transaction = {
            "from": "0x" + ALICE.address.hex(),
            "to": "0x" + rig.deployment.inbox.hex(),
            "data": "0x" + call.hex(),
            "maxPriorityFeePerGas": hex(10**11),
            "maxFeePerGas": hex(10**12),
        }
        anvil.ask("eth_sendTransaction", transaction)

        async def mine(_):
            anvil.mine()

        posted = await poster_of(rig, sleep=mine).step()
        await rig.follow()
        kinds = [rig.log.item(index).kind for index in range(rig.log.count)]
        return posted, kinds, before, rig.store.heads.safe, rig.pipeline.counters().replaced

    posted, kinds, before, safe, replaced = on_rollup(scenario)
    assert kinds == [ItemKind.TICK, ItemKind.FORCED, ItemKind.BATCH]
    assert (posted.last, safe, replaced) == (1, before, 0)


def test_step_late_in_the_window_names_its_index_and_reverts_behind_a_tick(anvil, on_rollup):
    async def scenario(rig):
        await rig.sequence(gift(rig, 0))
        anvil.ask("evm_increaseTime", 700)
        anvil.mine()
        anvil.automine(False)
        call = contracts.TICK.call()
        transaction = {
            "from": "0x" + ALICE.address.hex(),
            "to": "0x" + rig.deployment.inbox.hex(),
            "data": "0x" + call.hex(),
            "maxPriorityFeePerGas": hex(10**11),
            "maxFeePerGas": hex(10**12),
        }
        anvil.ask("eth_sendTransaction", transaction)

        async def mine(_):
            anvil.mine()

        posted = await poster_of(rig, sleep=mine).step()
        # Where anvil's estimate sees the tick that waits, nothing was sent and no block mined.
        anvil.automine(True)
        anvil.mine()
        await rig.follow()
        kinds = [rig.log.item(index).kind for index in range(rig.log.count)]
        return posted, kinds

    posted, kinds = on_rollup(scenario)
    assert posted is None
    assert kinds == [ItemKind.TICK, ItemKind.TICK]


def test_step_late_in_the_window_is_not_kept_out_by_deposits_for_ever(anvil, on_rollup):
    async def scenario(rig):
        await rig.sequence(gift(rig, 0))
        anvil.ask("evm_increaseTime", 700)
        anvil.mine()
        anvil.automine(False)

        async def mine(_):
            anvil.mine()

        poster = poster_of(rig, sleep=mine)

        tries = 0
        posted = None
        while posted is None:
            tries += 1
            nonce = anvil.ask("eth_getTransactionCount", "0x" + ALICE.address.hex(), "latest")
            transaction = {
                "from": "0x" + ALICE.address.hex(),
                "to": "0x" + rig.deployment.inbox.hex(),
                "data": "0x" + contracts.FORCE_TRANSACTION.call(b"\xff").hex(),
                "maxPriorityFeePerGas": hex(10**11),
                "maxFeePerGas": hex(10**12),
                "nonce": nonce,
            }
            anvil.ask("eth_sendTransaction", transaction)
            posted = await poster.step()
            anvil.mine()
            await rig.follow()
        return tries, posted, rig.store.heads

    tries, posted, heads = on_rollup(scenario)
    assert tries == 3
    assert (posted.first, posted.last) == (1, 1)
    assert heads.safe.number >= 1


def test_poster_killed_with_a_batch_in_the_pool_posts_each_block_once(anvil, on_rollup):
    async def scenario(rig):
        await rig.sequence(gift(rig, 0))
        anvil.automine(False)

        async def die(_):
            raise Killed

        with pytest.raises(Killed):
            await poster_of(rig, sleep=die).step()
        await rig.sequence(gift(rig, 1))

        async def mine(_):
            anvil.mine()

        posted = await poster_of(rig, sleep=mine).step()
        anvil.mine(3)
        await rig.follow()
        return posted, rig.log.count, rig.store.heads, rig.pipeline.counters().replaced

    posted, count, heads, replaced = on_rollup(scenario)
    assert (posted.first, posted.last) == (1, 2)
    assert count == 2
    assert (heads.safe, replaced) == (heads.unsafe, 0)


def test_poster_after_reorg_posts_again_what_was_taken_back(anvil, on_rollup):
    async def scenario(rig):
        await rig.sequence(gift(rig, 0))
        await rig.poster.step()
        await rig.follow()
        safe = rig.store.heads.safe
        anvil.ask("anvil_reorg", 1, [])
        await rig.follow()
        assert rig.store.heads.safe.number == 0
        assert rig.store.heads.unsafe == safe
        posted = await rig.poster.step()
        await rig.follow()
        return safe, posted, rig.store.heads

    safe, posted, heads = on_rollup(scenario)
    assert (posted.first, posted.last) == (1, 1)
    assert heads.safe == safe


def test_poster_through_an_l1_outage_goes_on(anvil, on_rollup):
    async def scenario(rig):
        await rig.sequence(gift(rig, 0))
        anvil.stop()
        with pytest.raises(L1Unavailable):
            await rig.poster.step()
        anvil.start()
        await rig.follow()
        posted = await rig.poster.step()
        await rig.follow()
        return posted, rig.store.heads

    posted, heads = on_rollup(scenario)
    assert posted.last == 1
    assert heads.safe == heads.unsafe


def test_step_block_ahead_of_l1_time_waits(anvil, on_rollup):
    async def scenario(rig):
        await rig.sequence(seconds=1)
        head = await rig.client.header()
        parent = rig.store.header(rig.store.heads.unsafe.number)
        for _ in range(8):
            await rig.sequence(seconds=60)
        ahead = rig.store.header(rig.store.heads.unsafe.number)
        assert ahead.timestamp > head.timestamp + 120 > parent.timestamp
        posted = await rig.poster.step()
        await rig.follow()
        return posted, rig.store.heads, rig.pipeline.counters().replaced

    parameters = replace(PARAMETERS, drift_seconds=120)
    posted, heads, replaced = on_rollup(scenario, parameters)
    assert 0 < posted.last < heads.unsafe.number
    assert (heads.safe.number, replaced) == (posted.last, 0)


def test_step_with_another_key_than_the_sequencers_says_so(on_rollup):
    async def scenario(rig):
        await rig.sequence()
        stranger = rig.transactor(rig.operators.keeper.key)
        poster = Poster(rig.store, rig.config, rig.log, rig.pipeline.view, stranger)
        with pytest.raises(L1CallReverted, match="OnlySequencer"):
            await poster.step()

    on_rollup(scenario)


def test_step_with_l1_gone_says_unavailable(anvil, on_rollup):
    async def scenario(rig):
        await rig.sequence(gift(rig, 0))
        posted = await rig.poster.step()
        anvil.stop()
        with pytest.raises(L1Unavailable):
            await rig.poster.step()
        return posted

    assert on_rollup(scenario).last == 1


def noise(size: int, seed: int) -> bytes:
    """Bytes that don't compress."""
    return shake_128(seed.to_bytes(4, "big")).digest(size)


def blocks_of(*payloads: bytes) -> list[BatchBlock]:
    return [
        BatchBlock(Timestamp(1_000 + index), 0, (payload,))
        for index, payload in enumerate(payloads)
    ]


def test_make_batch_noise_is_split_under_the_posted_cap():
    blocks = blocks_of(*(noise(20_000, seed) for seed in range(10)))
    batch = make_batch(blocks)
    assert batch.blocks == 4
    assert len(batch.data) <= BATCH_POSTED_BYTES_MAX
    payload = decode_batch(batch.data)
    offset, found = 0, []
    while offset < len(payload):
        block, offset = read_block(payload, offset)
        found.append(block)
    assert found == blocks[:4]


def test_make_batch_repetitive_blocks_go_up_to_the_decoded_cap():
    blocks = blocks_of(*(b"\x07" * 20_000 for _ in range(13)))
    batch = make_batch(blocks)
    assert batch.blocks == 13
    assert 250_000 < len(decode_batch(batch.data)) <= BATCH_DECODED_BYTES_MAX


def test_make_batch_block_that_fits_none_is_our_own_fault():
    with pytest.raises(InternalError):
        make_batch(blocks_of(noise(90_000, 1)))


def test_block_that_is_not_checked_is_neither_posted_nor_proposed(on_rollup):
    async def scenario(rig):
        checked = [BlockNumber(0)]
        poster = poster_of(rig, checked=lambda: checked[0])
        for nonce in range(3):
            await rig.sequence(gift(rig, nonce))
        first = await poster.step()
        checked[0] = BlockNumber(2)
        second = await poster.step()
        await rig.follow()
        third = await poster.step()
        proposer = Proposer(
            rig.store, rig.log, rig.pipeline.view,
            rig.transactor(rig.operators.proposer.key), rig.deployment.rollup,
            checked=lambda: BlockNumber(1),
        )  # fmt: skip
        return first, second, third, rig.store.heads.safe.number, await proposer.step()

    first, second, third, safe, report = on_rollup(scenario)
    assert (first, third) == (None, None)
    assert (second.first, second.last, safe) == (1, 2, 2)
    assert report.proposed.number == 1
