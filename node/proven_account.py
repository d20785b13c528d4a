"""An account checked without trust: the proof by our own code, its output root by our own L1."""

import json
from dataclasses import dataclass

from bridge.deployment import Deployment, l2_config
from bridge.l1 import wire
from bridge.l1.client import L1Client
from bridge.l1.contracts import l1_errors
from bridge.l1.rpc import RpcClient
from bridge.margin_proof import (
    Commitment,
    InvalidMarginProof,
    MarginProof,
    NotCommitted,
    find_commitment,
    newest_commitment,
    parse_proof,
    verify,
)
from execution.margin.statement import AccountStatement


@dataclass(frozen=True, slots=True)
class ProvenAccount:
    """What an account is, and which proposal on L1 says so."""

    statement: AccountStatement
    proof: MarginProof
    commitment: Commitment


def l1_client(rpc: RpcClient, deployment: Deployment) -> L1Client:
    """A client for the deployment's L1, which refuses another chain once it is asked."""
    return L1Client(rpc, chain_id=deployment.l1_chain_id, errors=l1_errors())


async def fetch_proof(l1: L1Client, deployment: Deployment, l2: RpcClient, account: int) -> bytes:
    """What a node has to say of an account at the newest proposal that stands.

    Raises `NotCommitted` and whatever the endpoints fail with.
    """
    await l1.check_chain()
    commitment = await newest_commitment(l1, deployment.rollup)
    number = wire.to_quantity(commitment.game.l2_block)
    answer = await l2.request("margin_getProof", account, number)
    return json.dumps(answer, indent=1).encode()


async def prove_account(
    l1: L1Client,
    deployment: Deployment,
    text: bytes,
    account: int | None = None,
    *,
    resolved: bool = False,
) -> ProvenAccount:
    """Check a proof from its first byte to a game on L1, with `resolved` one that is over.

    Raises `InvalidMarginProof`, `InvalidProof`, `NotCommitted`.
    """
    proof = parse_proof(text)
    if account is not None and proof.account != account:
        raise InvalidMarginProof(f"it proves account {proof.account}, not {account}")
    statement = verify(proof, l2_config(deployment))
    await l1.check_chain()
    commitment = await find_commitment(l1, deployment.rollup, proof.boundary)
    if commitment.is_disputed or (resolved and not commitment.is_resolved):
        raise NotCommitted(
            f"the proposal 0x{commitment.game.address.hex()} of block {proof.boundary.number} is"
            f" {commitment.words}: wait for its end, or prove the account at another block"
        )
    return ProvenAccount(statement, proof, commitment)
