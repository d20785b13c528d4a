"""There and back on a real L1: deposits, proposals, games, proofs, payments."""

import asyncio
import json
from dataclasses import replace

import httpx
import pytest

from bridge.boundary import Boundary
from bridge.deposits import (
    NotADeposit,
    approve_token,
    deposit_ether,
    deposit_token,
    deposit_transaction,
    l2_transaction,
)
from bridge.games import GameStatus, newest_games
from bridge.l1 import contracts
from bridge.l1.abi import Function
from bridge.l1.errors import L1CallReverted
from bridge.l1.rpc import RpcClient
from bridge.l1.transactor import L1Transaction
from bridge.withdrawals import (
    NotAWithdrawal,
    RpcEvidence,
    StoreEvidence,
    WithdrawalNotReady,
    Withdrawer,
    withdrawal_of,
    withdrawals_of,
)
from execution.signing import UnsignedTransaction, sign
from genesis.accounts import dev_accounts
from genesis.networks import ETHER
from genesis.predeploys import COLLATERAL_TOKEN, L2_TO_L1_MESSAGE_PASSER
from node.rpc.rollup.format import boundary_json
from state.errors import Unavailable
from state.proofs import InvalidProof
from state.types import Address, Gas, Wei
from tests.bridge.l1_rig import PARAMETERS, rollup
from tests.limits import WAIT_SECONDS_MAX

ALICE = dev_accounts()[0]
CAROL = Address(b"\xca" * 20)

MINT = Function("mint(address,uint256)")
INITIATE_WITHDRAWAL = Function("initiateWithdrawal(address,uint256,bytes)")
WITHDRAW_TO = Function("withdrawTo(address,uint256)")


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


def l2_call(rig, nonce: int, to: Address, data: bytes, value: int = 0) -> bytes:
    fields = UnsignedTransaction(
        nonce=nonce,
        gas=Gas(500_000),
        to=to,
        value=Wei(value),
        data=data,
        max_fee_per_gas=Wei(10**10),
        max_priority_fee_per_gas=Wei(1),
    )
    return sign(fields, ALICE.key, rig.config.chain_id)


def alice_on_l1(rig):
    return rig.transactor(ALICE.key)


def withdrawer(rig) -> Withdrawer:
    evidence = StoreEvidence(rig.store, rig.pipeline.view)
    return Withdrawer(alice_on_l1(rig), evidence, rig.deployment.portal, rig.deployment.rollup)


def pass_time(anvil, seconds: int) -> None:
    anvil.ask("evm_increaseTime", seconds)
    anvil.mine()


async def withdraw_on_l2(rig, value: int = ETHER):
    """Send ether to Carol on L1, post and derive; returns the withdrawal and its block."""
    nonce = rig.store.state().account(ALICE.address).nonce
    data = INITIATE_WITHDRAWAL.call(CAROL, 100_000, b"")
    result = await rig.sequence(l2_call(rig, nonce, L2_TO_L1_MESSAGE_PASSER, data, value))
    assert not result.skipped
    (withdrawal,) = withdrawals_of(result.sealed.receipts[-1].logs)
    await rig.poster.step()
    await rig.follow()
    return withdrawal, result.sealed.header.number


def test_ether_deposit_arrives_and_has_the_hash_that_was_told(on_rollup):
    async def scenario(rig):
        portal, inbox = rig.deployment.portal, rig.deployment.inbox
        deposit = await deposit_ether(rig.client, portal, CAROL, Wei(3 * ETHER))
        receipt = await alice_on_l1(rig).send(deposit)
        await rig.follow()
        block = (await rig.sequence()).sealed
        expected = l2_transaction(receipt, inbox)
        assert expected.raw in block.transactions
        return rig.store.state().account(CAROL).balance, expected.sender

    balance, sender = on_rollup(scenario)
    assert balance == 3 * ETHER
    assert sender == ALICE.address


def test_deposit_transaction_may_create_a_contract(on_rollup):
    async def scenario(rig):
        code = bytes.fromhex("6001600c60003960016000f300")
        transaction = await deposit_transaction(
            rig.client, rig.deployment.portal, to=None, gas=Gas(200_000), data=code
        )
        await alice_on_l1(rig).send(transaction)
        await rig.follow()
        return (await rig.sequence()).sealed

    block = on_rollup(scenario)
    assert block.contracts[1] is not None
    assert block.receipts[1].succeeded


def test_receipt_without_deposit_raises(on_rollup):
    async def scenario(rig):
        receipt = await alice_on_l1(rig).send(L1Transaction("gift", CAROL, b"", Wei(1)))
        with pytest.raises(NotADeposit):
            l2_transaction(receipt, rig.deployment.inbox)

    on_rollup(scenario)


def test_withdrawal_is_paid_after_proposal_window_and_delay(anvil, on_rollup):
    async def scenario(rig):
        withdrawal, number = await withdraw_on_l2(rig)
        ours = withdrawer(rig)
        with pytest.raises(WithdrawalNotReady, match="no output root"):
            await ours.prove(withdrawal, number)
        proposed = (await rig.proposer.step()).proposed
        assert proposed.number == number
        pass_time(anvil, 1)
        with pytest.raises(WithdrawalNotReady, match="isn't proven"):
            await ours.finalize(withdrawal)
        await ours.prove(withdrawal, number)
        with pytest.raises(WithdrawalNotReady, match="can be resolved"):
            await ours.finalize(withdrawal)
        pass_time(anvil, 61)
        report = await rig.proposer.step()
        assert len(report.resolved) == 1
        with pytest.raises(WithdrawalNotReady, match="can be paid from"):
            await ours.finalize(withdrawal)
        pass_time(anvil, 6)
        assert not await ours.is_paid(withdrawal)
        await ours.finalize(withdrawal)
        return await ours.is_paid(withdrawal), await rig.client.balance(CAROL)

    assert on_rollup(scenario) == (True, ETHER)


def test_token_goes_to_l2_and_comes_back(anvil, on_rollup):
    async def scenario(rig):
        token, portal = rig.deployment.token, rig.deployment.portal
        alice = alice_on_l1(rig)
        mint = MINT.call(ALICE.address, 5_000_000)
        await alice.send(L1Transaction("mint", token, mint))
        await alice.send(approve_token(token, portal, 5_000_000))
        await alice.send(await deposit_token(rig.client, portal, ALICE.address, 5_000_000))
        await rig.follow()
        deposited = (await rig.sequence()).sealed
        assert deposited.receipts[1].succeeded
        back = l2_call(rig, 0, COLLATERAL_TOKEN, WITHDRAW_TO.call(CAROL, 2_000_000))
        result = await rig.sequence(back)
        (withdrawal,) = withdrawals_of(result.sealed.receipts[-1].logs)
        await rig.poster.step()
        await rig.follow()
        await rig.proposer.step()
        pass_time(anvil, 1)
        ours = withdrawer(rig)
        await ours.prove(withdrawal, result.sealed.header.number)
        pass_time(anvil, 61)
        await rig.proposer.step()
        pass_time(anvil, 6)
        await ours.finalize(withdrawal)
        (carol,) = await rig.client.call(token, contracts.BALANCE_OF, CAROL)
        (escrow,) = await rig.client.call(token, contracts.BALANCE_OF, portal)
        return carol, escrow

    assert on_rollup(scenario) == (2_000_000, 3_000_000)


def test_proposer_proposes_once_a_safe_head_and_gets_its_bond_back(anvil, on_rollup):
    async def scenario(rig):
        us = rig.operators.proposer.address
        await rig.sequence()
        assert (await rig.proposer.step()).proposed is None  # nothing is safe yet
        await rig.poster.step()
        await rig.follow()
        first = await rig.proposer.step()
        again = await rig.proposer.step()
        before = await rig.client.balance(us)
        pass_time(anvil, 61)
        resolved = await rig.proposer.step()
        too_early = await rig.proposer.step()
        pass_time(anvil, PARAMETERS.payout_delay_seconds)
        claimed = await rig.proposer.step()
        idle = await rig.proposer.step()
        after = await rig.client.balance(us)
        head = await rig.client.header()
        games = [g async for g in newest_games(rig.client, rig.deployment.rollup, at=head.hash)]
        anchor = await rig.client.call(rig.deployment.rollup, contracts.ANCHOR)
        gained = after - before
        return first, again, resolved, too_early, claimed, idle, gained, games, anchor

    first, again, resolved, too_early, claimed, idle, gained, games, anchor = on_rollup(scenario)
    (game,) = games
    assert first.proposed.output_root == game.root_claim == anchor[0]
    assert again.proposed is None
    assert resolved.resolved == claimed.claimed == (game.address,)
    assert too_early == idle == replace(idle, proposed=None, resolved=(), claimed=())
    assert game.status is GameStatus.DEFENDER_WINS
    assert PARAMETERS.bond_wei * 0.9 < gained < PARAMETERS.bond_wei


def test_proposer_is_not_kept_quiet_by_a_false_claim_ahead(on_rollup):
    async def scenario(rig):
        call = contracts.PROPOSE.call(b"\xbb" * 32, 2**20, 1, rig.log.item(0).acc)
        bond = Wei(PARAMETERS.bond_wei)
        await alice_on_l1(rig).send(L1Transaction("lie", rig.deployment.rollup, call, bond))
        await rig.sequence()
        await rig.poster.step()
        await rig.follow()
        return await rig.proposer.step()

    assert on_rollup(scenario).proposed.number == 1


def test_proposer_resolves_no_claim_that_is_not_its_own_chains(anvil, on_rollup):
    async def scenario(rig):
        call = contracts.PROPOSE.call(b"\xbb" * 32, 1, 1, rig.log.item(0).acc)
        bond = Wei(PARAMETERS.bond_wei)
        await alice_on_l1(rig).send(L1Transaction("lie", rig.deployment.rollup, call, bond))
        pass_time(anvil, 61)
        return await rig.proposer.step()

    assert on_rollup(scenario).resolved == ()


def test_proposal_after_reorg_of_its_batch_is_not_made(anvil, on_rollup):
    """The batch is gone from L1, and our node hasn't noticed yet: the contract refuses."""

    async def scenario(rig):
        await rig.sequence()
        await rig.poster.step()
        await rig.follow()
        anvil.ask("anvil_reorg", 1, [])
        with pytest.raises(L1CallReverted, match="InboxMoved"):
            await rig.proposer.step()
        await rig.follow()
        return await rig.proposer.step()

    assert on_rollup(scenario).proposed is None


def test_make_proof_of_a_withdrawal_that_never_was_raises(on_rollup):
    async def scenario(rig):
        withdrawal, number = await withdraw_on_l2(rig)
        await rig.proposer.step()
        ours = withdrawer(rig)
        game = await ours.find_game(number)
        forged = replace(withdrawal, value=Wei(2 * ETHER))
        with pytest.raises(InvalidProof, match="doesn't hold the withdrawal"):
            await ours.make_proof(forged, game)
        wrong_game = replace(game, root_claim=b"\x01" * 32)
        with pytest.raises(InvalidProof, match="isn't the claimed"):
            await ours.make_proof(withdrawal, wrong_game)

    on_rollup(scenario)


def test_withdrawal_of_reads_the_event_and_refuses_others(on_rollup):
    async def scenario(rig):
        data = INITIATE_WITHDRAWAL.call(CAROL, 100_000, b"\x01\x02\x03")
        result = await rig.sequence(l2_call(rig, 0, L2_TO_L1_MESSAGE_PASSER, data, 7))
        return result.sealed.receipts[-1].logs[0]

    log = on_rollup(scenario)
    withdrawal = withdrawal_of(log)
    assert (withdrawal.target, withdrawal.value, withdrawal.data) == (CAROL, 7, b"\x01\x02\x03")
    assert withdrawal.sender == ALICE.address
    for other in (
        replace(log, address=CAROL),
        replace(log, topics=log.topics[:1]),
        replace(log, data=b""),
        replace(log, topics=(*log.topics[:3], b"\x01" * 32)),
    ):
        with pytest.raises(NotAWithdrawal):
            withdrawal_of(other)


def test_store_evidence_of_an_unsafe_block_raises_not_ready(on_rollup):
    async def scenario(rig):
        await rig.sequence()
        evidence = StoreEvidence(rig.store, rig.pipeline.view)
        assert isinstance(await evidence.boundary(0), Boundary)
        with pytest.raises(WithdrawalNotReady):
            await evidence.boundary(1)

    on_rollup(scenario)


def served(answers):
    """Evidence from an RPC that answers each method with a function of its parameters."""

    def handle(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        fields = answers[body["method"]](*body["params"])
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": body["id"], **fields})

    return RpcEvidence(RpcClient("http://l2.example", transport=httpx.MockTransport(handle)))


def test_rpc_evidence_reads_what_our_node_serves(on_rollup):
    async def scenario(rig):
        withdrawal, number = await withdraw_on_l2(rig)
        await rig.proposer.step()
        store = StoreEvidence(rig.store, rig.pipeline.view)

        def output(block):
            found = rig.pipeline.view.boundary(int(block, 16))
            return {"result": {"boundary": boundary_json(found)}}

        def proof(address, slots, block):
            found = rig.store.prove(int(block, 16), bytes.fromhex(address[2:]), [int(slots[0], 16)])
            nodes = ["0x" + node.hex() for node in found.storage[0].nodes]
            return {"result": {"storageProof": [{"proof": nodes}]}}

        rpc = served({"rollup_outputAtBlock": output, "eth_getProof": proof})
        assert await rpc.boundary(number) == await store.boundary(number)
        slot = withdrawal.slot
        assert await rpc.storage_proof(number, slot) == await store.storage_proof(number, slot)
        ours = Withdrawer(alice_on_l1(rig), rpc, rig.deployment.portal, rig.deployment.rollup)
        await ours.make_proof(withdrawal, await ours.find_game(number))

    on_rollup(scenario)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"result": None}, Unavailable),
        ({"result": {}}, Unavailable),
        ({"result": {"boundary": {"version": "0x1"}}}, Unavailable),
        ({"error": {"code": -32000, "message": "block 9 is not derived"}}, WithdrawalNotReady),
    ],
)
def test_rpc_evidence_unusable_answers_raise(answer, error):
    with pytest.raises(error):
        asyncio.run(served({"rollup_outputAtBlock": lambda _: answer}).boundary(9))
