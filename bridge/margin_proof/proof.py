"""The proof itself: gathered beside a node's state, parsed strictly, verified without trust."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.boundary import Boundary
from bridge.margin_proof.errors import InvalidMarginProof
from bridge.margin_proof.form import ProofForm, parse_form
from bridge.margin_proof.limits import PROOF_SLOTS_MAX, VERIFY_GAS_MAX
from bridge.margin_proof.recording import ProvenState, RecordingState
from execution.margin.calls import HouseCalls
from execution.margin.statement import AccountStatement, read_statement
from execution.transition import context_of
from genesis.config import ChainConfig
from genesis.hashing import config_hash
from state.accounts import StateReader
from state.blocks import Header
from state.headers import header_hash
from state.proofs import AccountProof, InvalidProof, verify_account_proof
from state.types import Address, BlockNumber, Gas, Hash32

_GAS: Final = Gas(VERIFY_GAS_MAX)

Prove = Callable[[Address, Sequence[int]], AccountProof]
"""Proves an account and slots of it under the block's state root."""


@dataclass(frozen=True, slots=True)
class MarginProof:
    """Everything that one sub-account's statement after one block follows from."""

    account: int
    output_root: Hash32
    boundary: Boundary
    header: Header
    accounts: tuple[AccountProof, ...]


def gather(
    account: int,
    boundary: Boundary,
    header: Header,
    config: ChainConfig,
    state: StateReader,
    prove: Prove,
) -> MarginProof:
    """Prove what the contract reads for a statement. Raises `UnknownAccount`."""
    recording = RecordingState(state)
    read_statement(_house(recording, header, config), account)
    proofs = tuple(prove(address, slots) for address, slots in recording.read.items())
    return MarginProof(account, boundary.output_root, boundary, header, proofs)


def parse_proof(text: bytes) -> MarginProof:
    """Read a proof as `margin_getProof` answers it, and nothing else.

    Raises `InvalidMarginProof`.
    """
    form: ProofForm = parse_form(text)
    return MarginProof(
        account=form.account,
        output_root=form.output_root,
        boundary=form.boundary.value,
        header=form.header,
        accounts=tuple(proof.value for proof in form.proofs),
    )


def verify(proof: MarginProof, config: ChainConfig) -> AccountStatement:
    """The statement that a proof proves to whoever trusts its output root.

    That this root is on L1 is the caller's to check. Raises `InvalidMarginProof`, or `InvalidProof`
    where a trie's node doesn't fit.
    """
    _check_block(proof, config)
    slots = sum(len(account.storage) for account in proof.accounts)
    if slots > PROOF_SLOTS_MAX:
        raise InvalidMarginProof(f"{slots} slots, where no account needs {PROOF_SLOTS_MAX}")
    for account in proof.accounts:
        verify_account_proof(proof.boundary.state_root, account)
    proven = RecordingState(ProvenState(proof.boundary.state_root, proof.accounts))
    statement = read_statement(_house(proven, proof.header, config), proof.account)
    _check_nothing_else(proof, proven)
    return statement


def _check_block(proof: MarginProof, config: ChainConfig) -> None:
    """From the output root down to the state root."""
    boundary, header = proof.boundary, proof.header
    claims = (
        (boundary.output_root == proof.output_root, "the boundary has another output root"),
        (boundary.config_hash == config_hash(config), "the boundary is of another chain"),
        (boundary.header_hash == header_hash(header), "the boundary is of another header"),
        (boundary.number == header.number, "the boundary is of another block number"),
        (boundary.state_root == header.state_root, "the boundary is of another state"),
    )
    for holds, otherwise in claims:
        if not holds:
            raise InvalidMarginProof(otherwise)


def _check_nothing_else(proof: MarginProof, proven: RecordingState) -> None:
    """What nobody reads proves nothing, and must not look as if it did."""
    for account in proof.accounts:
        read = proven.read.get(account.address)
        if read is None or set(read) != {slot.slot for slot in account.storage}:
            raise InvalidMarginProof(
                f"of 0x{account.address.hex()} the proof holds more than the contract reads"
            )


def _house(state: StateReader, header: Header, config: ChainConfig) -> HouseCalls:
    """The ClearingHouse after the block, at the block's own time, as eth_call has it."""
    return HouseCalls(state, context_of(header, config, _no_ancestor), config.rules, _GAS)


def _no_ancestor(number: BlockNumber) -> Hash32 | None:
    raise InvalidMarginProof(f"the contract asks for the hash of block {number}, not proven here")


__all__ = ["InvalidProof", "MarginProof", "gather", "parse_proof", "verify"]
