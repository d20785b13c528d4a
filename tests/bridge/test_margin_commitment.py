"""Which proposal on a real L1 stands behind a margin proof, and whether that is enough."""

import asyncio
import json
from dataclasses import replace

import pytest

from bridge.l1 import contracts
from bridge.l1.transactor import L1Transaction
from bridge.margin_proof import (
    InvalidMarginProof,
    MarginProof,
    NotCommitted,
    gather,
    newest_commitment,
)
from execution.contracts.abi import clearing_house
from execution.margin import read_account_count
from execution.signing import UnsignedTransaction, sign
from genesis.accounts import dev_accounts
from genesis.predeploys import CLEARING_HOUSE
from node.proven_account import prove_account
from node.rpc.margin.methods import proof_of_margin_json
from state.errors import Invalid
from state.types import BlockNumber, Gas, Wei
from tests.bridge.l1_rig import PARAMETERS, Rig, rollup
from tests.limits import WAIT_SECONDS_MAX

ALICE = dev_accounts()[0]
FALSE = b"\xfa" * 32
CLAIM = 5
"""Of the members of a claim: what it says."""


@pytest.fixture
def on_rollup(anvil, tmp_path):
    """Run a coroutine function with a rig over the test's anvil."""

    def run(scenario):
        async def whole():
            async with rollup(anvil.url, tmp_path) as rig:
                await rig.follow()
                return await scenario(rig)

        return asyncio.run(asyncio.wait_for(whole(), timeout=WAIT_SECONDS_MAX))

    return run


async def open_account(rig: Rig) -> int:
    """Alice's new account, in a block that is safe and proposed."""
    transaction = UnsignedTransaction(
        nonce=rig.store.state().account(ALICE.address).nonce,
        gas=Gas(500_000),
        to=CLEARING_HOUSE,
        value=Wei(0),
        data=clearing_house().call("createAccount"),
        max_fee_per_gas=Wei(10**10),
        max_priority_fee_per_gas=Wei(1),
    )
    result = await rig.sequence(sign(transaction, ALICE.key, rig.config.chain_id))
    assert not result.skipped
    await rig.poster.step()
    await rig.follow()
    await rig.proposer.step()
    state = rig.store.state()
    return read_account_count(lambda slot: state.storage(CLEARING_HOUSE, slot))


def prove(rig: Rig, account: int, number: BlockNumber | None = None) -> MarginProof:
    number = rig.store.heads.safe.number if number is None else number
    return gather(
        account,
        rig.pipeline.view.boundary(number),
        rig.store.header(number),
        rig.config,
        rig.store.state(number),
        lambda address, slots: rig.store.prove(number, address, slots),
    )


def text(proof: MarginProof) -> bytes:
    return json.dumps(proof_of_margin_json(proof)).encode()


def pass_time(anvil, seconds: int) -> None:
    anvil.ask("evm_increaseTime", seconds)
    anvil.mine()


async def dispute(rig: Rig, game) -> None:
    """Somebody says that the newest root is false, rightly or not."""
    (bond,) = await rig.client.call(game.address, contracts.BOND_AT, 1)
    ((root,),) = await rig.client.call(game.address, contracts.CLAIMS_FROM, 0, 1)
    data = contracts.MOVE.call(0, root[CLAIM], FALSE, True)
    challenger = rig.transactor(rig.operators.challenger.key)
    await challenger.send(L1Transaction("move", game.address, data, Wei(bond)))


def test_prove_account_under_unchallenged_proposal_succeeds_unless_resolved_is_asked(on_rollup):
    async def scenario(rig):
        account = await open_account(rig)
        newest = await newest_commitment(rig.client, rig.deployment.rollup)
        assert newest.game.l2_block == rig.store.heads.safe.number
        proof = text(prove(rig, account))
        with pytest.raises(NotCommitted, match="unchallenged, with"):
            await prove_account(rig.client, rig.deployment, proof, account, resolved=True)
        return await prove_account(rig.client, rig.deployment, proof, account)

    proven = on_rollup(scenario)
    assert proven.statement.owner == ALICE.address
    assert (proven.commitment.status, proven.statement.cash) == ("unchallenged", 0)


def test_prove_account_under_resolved_proposal_succeeds(anvil, on_rollup):
    async def scenario(rig):
        account = await open_account(rig)
        proof = text(prove(rig, account))
        pass_time(anvil, PARAMETERS.dispute_window_seconds + 1)
        await rig.proposer.step()
        return await prove_account(rig.client, rig.deployment, proof, account, resolved=True)

    assert on_rollup(scenario).commitment.status == "resolved"


def test_prove_account_under_disputed_proposal_waits_for_its_end(on_rollup):
    async def scenario(rig):
        account = await open_account(rig)
        newest = await newest_commitment(rig.client, rig.deployment.rollup)
        await dispute(rig, newest.game)
        with pytest.raises(NotCommitted, match="no proposal on L1 is resolved"):
            await newest_commitment(rig.client, rig.deployment.rollup)
        await prove_account(rig.client, rig.deployment, text(prove(rig, account)))

    with pytest.raises(NotCommitted, match="is disputed"):
        on_rollup(scenario)


def test_prove_account_at_a_block_that_nobody_proposed_fails(on_rollup):
    async def scenario(rig):
        account = await open_account(rig)
        await rig.sequence()
        await rig.poster.step()
        await rig.follow()
        await prove_account(rig.client, rig.deployment, text(prove(rig, account)))

    with pytest.raises(NotCommitted, match="no proposal on L1 has the output root"):
        on_rollup(scenario)


@pytest.mark.parametrize(
    "member", ["message_passer_root", "ring_root", "cursor", "origin", "version"]
)
def test_prove_account_with_other_boundary_and_root_to_match_fails(on_rollup, member):
    """Nothing in the proof contradicts it: only L1 knows that no such root was proposed."""

    async def scenario(rig):
        account = await open_account(rig)
        proof = prove(rig, account)
        others = {
            "message_passer_root": FALSE,
            "ring_root": FALSE,
            "cursor": replace(proof.boundary.cursor, offset=77),
            "origin": replace(proof.boundary.origin, item=77),
            "version": 77,
        }
        boundary = replace(proof.boundary, **{member: others[member]})
        forged = replace(proof, boundary=boundary, output_root=boundary.output_root)
        await prove_account(rig.client, rig.deployment, text(forged))

    with pytest.raises(NotCommitted, match="no proposal on L1 has the output root"):
        on_rollup(scenario)


def test_prove_account_other_than_the_one_asked_for_fails(on_rollup):
    async def scenario(rig):
        account = await open_account(rig)
        await prove_account(rig.client, rig.deployment, text(prove(rig, account)), account + 1)

    with pytest.raises(InvalidMarginProof, match="it proves account"):
        on_rollup(scenario)


def test_prove_account_over_another_l1_fails(on_rollup):
    async def scenario(rig):
        account = await open_account(rig)
        parameters = replace(rig.deployment.parameters, l2_chain_id=77)
        other = replace(rig.deployment, plan=replace(rig.deployment.plan, parameters=parameters))
        await prove_account(rig.client, other, text(prove(rig, account)))

    with pytest.raises(Invalid, match="another chain"):
        on_rollup(scenario)
