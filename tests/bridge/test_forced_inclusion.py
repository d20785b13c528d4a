"""Forced inclusion over a real L1 and the real Inbox: nobody's leave is needed."""

import asyncio
from pathlib import Path

import pytest

from bridge.l1 import contracts
from bridge.l1.errors import L1CallReverted
from bridge.l1.transactor import L1Transaction
from execution.signing import UnsignedTransaction, sign
from genesis.accounts import dev_accounts
from state.types import Address, Gas, Wei
from tests.bridge.conftest import Anvil
from tests.bridge.l1_rig import PARAMETERS, Rig, rollup
from tests.limits import WAIT_SECONDS_MAX

USER, ANYBODY = dev_accounts()[1], dev_accounts()[2]
RECIPIENT = Address(b"\x0f" * 20)


def transfer(rig: Rig) -> bytes:
    fields = UnsignedTransaction(
        nonce=0,
        gas=Gas(21_000),
        to=RECIPIENT,
        value=Wei(9),
        max_fee_per_gas=Wei(10**10),
        max_priority_fee_per_gas=Wei(1),
    )
    return sign(fields, USER.key, rig.config.chain_id)


def received(rig: Rig) -> int:
    account = rig.store.state().account(RECIPIENT)
    return account.balance if account else 0


def test_forced_transaction_with_the_sequencer_dead_is_in_l2_by_anybodys_tick(
    anvil: Anvil, tmp_path: Path
) -> None:
    """No batch ever comes; the tick that brings it is taken after the window and not before."""

    async def scenario() -> None:
        async with rollup(anvil.url, tmp_path) as rig:
            await rig.follow()
            inbox = rig.deployment.inbox
            force = contracts.FORCE_TRANSACTION.call(transfer(rig))
            await rig.transactor(USER.key).send(L1Transaction("force", inbox, force))
            tick = L1Transaction("tick", inbox, contracts.TICK.call())
            with pytest.raises(L1CallReverted):
                await rig.transactor(ANYBODY.key).send(tick)
            await rig.follow()
            assert received(rig) == 0
            anvil.ask("evm_increaseTime", PARAMETERS.window_seconds)
            anvil.mine()
            await rig.transactor(ANYBODY.key).send(tick)
            await rig.follow()
            assert received(rig) == 9
            assert rig.store.heads.safe == rig.store.heads.unsafe

    asyncio.run(asyncio.wait_for(scenario(), WAIT_SECONDS_MAX))


def test_forced_transaction_with_the_sequencer_censoring_is_in_l2_within_the_window(
    anvil: Anvil, tmp_path: Path
) -> None:
    """Batches go on with an old origin; after the window the next one brings it all the same."""

    async def scenario() -> None:
        async with rollup(anvil.url, tmp_path) as rig:
            await rig.follow()
            force = contracts.FORCE_TRANSACTION.call(transfer(rig))
            inbox = rig.deployment.inbox
            await rig.sequence()
            await rig.transactor(USER.key).send(L1Transaction("force", inbox, force))
            await rig.poster.step()
            await rig.follow()
            assert received(rig) == 0
            before = rig.store.heads.unsafe.number
            await rig.sequence(l1_number=0)
            anvil.ask("evm_increaseTime", PARAMETERS.window_seconds)
            anvil.mine()
            await rig.poster.step()
            await rig.follow()
            assert received(rig) == 9
            assert rig.store.heads.safe.number == before + 1

    asyncio.run(asyncio.wait_for(scenario(), WAIT_SECONDS_MAX))
