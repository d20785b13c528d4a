"""`rollup_getWithdrawals` and `rollup_getDeposits` over a rollup on a real L1, stage by stage."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridge.deposits import approve_token, deposit_token
from bridge.l1.transactor import L1Transaction
from bridge.withdrawal_status import BridgeContracts
from genesis.networks import ETHER
from genesis.predeploys import COLLATERAL_TOKEN
from node import limits
from node.rpc.backend import Backend, Rollup
from node.rpc.evm_work import EvmWork
from node.rpc.feed import ChainFeed
from node.rpc.rollup.inbox import InboxMethods, parse_deposit_query
from node.rpc.rollup.withdrawals import WithdrawalMethods, parse_withdrawal_query
from state.errors import Unavailable
from state.keccak import keccak
from tests.bridge.l1_rig import PARAMETERS, rollup
from tests.bridge.test_withdrawals import (
    ALICE,
    CAROL,
    MINT,
    WITHDRAW_TO,
    alice_on_l1,
    l2_call,
    pass_time,
    withdraw_on_l2,
    withdrawer,
)
from tests.limits import WAIT_SECONDS_MAX


@pytest.fixture
def on_rollup(anvil, tmp_path):
    """Run a coroutine function with a rig over the test's anvil."""

    def run(scenario):
        async def whole():
            async with rollup(anvil.url, tmp_path, PARAMETERS) as rig:
                await rig.follow()
                return await scenario(rig)

        return asyncio.run(asyncio.wait_for(whole(), timeout=WAIT_SECONDS_MAX))

    return run


def backend_of(rig) -> Backend:
    contracts = BridgeContracts(rig.client, rig.deployment.portal, rig.deployment.rollup)
    return Backend(
        store=rig.store,
        config=rig.config,
        feed=ChainFeed(rig.store),
        evm=EvmWork(ThreadPoolExecutor(1)),
        submit=None,
        rollup=Rollup(rig.pipeline.status, rig.pipeline.view, {}, contracts),
    )


def asker(rig, view_seconds=0):
    """Ask for withdrawals, by default each time of L1 as it is then."""
    backend = backend_of(rig)
    methods = WithdrawalMethods(backend, backend.rollup, view_seconds)

    async def ask(**query):
        return await methods.withdrawals(parse_withdrawal_query(query))

    return ask


def test_withdrawal_is_told_through_every_stage(anvil, on_rollup):
    async def scenario(rig):
        ask = asker(rig)
        carol = "0x" + CAROL.hex()
        stages = []

        async def look():
            (one,) = (await ask(address=carol))["withdrawals"]
            stages.append(one)

        withdrawal, number = await withdraw_on_l2(rig)
        await look()
        await rig.proposer.step()
        pass_time(anvil, 1)
        await look()
        ours = withdrawer(rig)
        await ours.prove(withdrawal, number)
        await look()
        pass_time(anvil, 61)
        await look()
        await rig.proposer.step()
        await look()
        pass_time(anvil, 6)
        await look()
        due = await ours.payable_at(withdrawal)
        await ours.finalize(withdrawal)
        await look()
        by_hash = await ask(transactionHash=stages[0]["transactionHash"])
        return withdrawal, due, stages, by_hash

    withdrawal, due, stages, by_hash = on_rollup(scenario)
    assert {one["hash"] for one in stages} == {"0x" + withdrawal.hash.hex()}
    assert {one["value"] for one in stages} == {hex(ETHER)}
    assert [one["status"] for one in stages] == [
        "initiated",
        "provable",
        "proven",
        "proven",
        "proven",
        "final",
        "paid",
    ]
    steps = [one["next"] and one["next"]["action"] for one in stages]
    assert steps == ["wait", "prove", "wait", "resolve", "wait", "finalize", None]
    assert stages[4]["next"]["at"] == stages[5]["next"]["at"] == hex(due)
    assert stages[1]["game"] == stages[5]["game"] is not None
    assert stages[0]["game"] is stages[6]["game"] is None
    assert by_hash["withdrawals"] == stages[-1:]


def test_token_is_told_on_its_way_there_and_back(on_rollup):
    async def scenario(rig):
        alice = alice_on_l1(rig)
        mint = MINT.call(ALICE.address, 5_000_000)
        await alice.send(L1Transaction("mint", rig.deployment.token, mint))
        await alice.send(approve_token(rig.deployment.token, rig.deployment.portal, 5_000_000))
        for to, amount in ((ALICE.address, 3_000_000), (COLLATERAL_TOKEN, 2_000_000)):
            await alice.send(await deposit_token(rig.client, rig.deployment.portal, to, amount))
        await rig.follow()
        await rig.sequence()
        back = l2_call(rig, 0, COLLATERAL_TOKEN, WITHDRAW_TO.call(CAROL, 1_000_000))
        await rig.sequence(back)
        deposits = await InboxMethods(backend_of(rig)).deposits(parse_deposit_query({}))
        query = {"address": "0x" + ALICE.address.hex()}
        return deposits, await asker(rig)(**query), back

    deposits, sent, back = on_rollup(scenario)
    alice = "0x" + ALICE.address.hex()
    token = "0x" + COLLATERAL_TOKEN.hex()
    returned, credited = deposits["deposits"]
    assert (credited["status"], returned["status"]) == ("credited", "returned")
    assert credited["token"] == {"from": alice, "to": alice, "amount": hex(3_000_000)}
    assert returned["token"] == {"from": alice, "to": token, "amount": hex(2_000_000)}
    withdrawn, going_back = sent["withdrawals"]
    assert withdrawn["transactionHash"] == "0x" + keccak(back).hex()
    assert withdrawn["token"] == {
        "from": alice,
        "to": "0x" + CAROL.hex(),
        "amount": hex(1_000_000),
    }
    assert going_back["token"] == {"from": alice, "to": alice, "amount": hex(2_000_000)}
    assert going_back["transactionHash"] == returned["hash"]
    assert sent["toBlock"] is None


def test_pages_of_withdrawals_hold_whole_blocks(on_rollup):
    async def scenario(rig):
        for _ in range(3):
            await withdraw_on_l2(rig)
        ask, query = asker(rig), {"address": "0x" + CAROL.hex(), "limit": "0x2"}
        first = await ask(**query)
        return first, await ask(**query, toBlock=first["toBlock"])

    first, second = on_rollup(scenario)
    numbers = [int(one["blockNumber"], 16) for page in (first, second)
               for one in page["withdrawals"]]  # fmt: skip
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 3
    assert second["toBlock"] is None


def test_view_of_l1_serves_for_a_while(anvil, on_rollup):
    async def scenario(rig):
        ask, query = asker(rig, view_seconds=3600), {"address": "0x" + CAROL.hex()}
        first = await ask(**query)
        anvil.mine()
        return first, await ask(**query), await asker(rig)(**query)

    first, second, fresh = on_rollup(scenario)
    assert first["l1"] == second["l1"] != fresh["l1"]


def test_search_for_withdrawals_stops_where_it_says(on_rollup, monkeypatch):
    async def scenario(rig):
        _, number = await withdraw_on_l2(rig)
        await rig.sequence()
        monkeypatch.setattr(limits, "RPC_WITHDRAWAL_BLOCKS_MAX", 1)
        ask, query = asker(rig), {"address": "0x" + CAROL.hex()}
        first = await ask(**query)
        return number, first, await ask(**query, toBlock=first["toBlock"])

    number, first, second = on_rollup(scenario)
    assert (first["withdrawals"], first["toBlock"]) == ([], hex(number))
    assert [one["blockNumber"] for one in second["withdrawals"]] == [hex(number)]


def test_l1_that_is_away_is_unavailable_and_asked_again_later(anvil, on_rollup):
    async def scenario(rig):
        await withdraw_on_l2(rig)
        ask, query = asker(rig), {"address": "0x" + CAROL.hex()}
        anvil.stop()
        with pytest.raises(Unavailable):
            await ask(**query)
        anvil.start()
        return (await ask(**query))["withdrawals"][0]["status"]

    assert on_rollup(scenario) == "initiated"
