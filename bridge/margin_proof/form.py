"""The JSON of a margin proof: every member required, none other taken, each of bounded length.

Accounts and slots are as in eth_getProof (EIP-1186), the boundary is as in rollup_outputAtBlock.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from bridge.boundary import Boundary
from bridge.items import Cursor, Origin
from bridge.margin_proof.errors import InvalidMarginProof
from bridge.margin_proof.limits import (
    ACCOUNT_MAX,
    HEADER_CHARACTERS_MAX,
    NODE_CHARACTERS_MAX,
    PROOF_ACCOUNTS_MAX,
    PROOF_BYTES_MAX,
    PROOF_SLOTS_MAX,
)
from state.accounts import Account
from state.blocks import Header
from state.headers import decode_header, encode_header
from state.limits import PROOF_NODES_MAX
from state.proofs import AccountProof, StorageProof
from state.rlp import InvalidRLP
from state.types import Address, BlockNumber, Hash32, Wei

_DATA: Final = r"\A0x([0-9a-f]{2})*\Z"

Quantity = Annotated[str, Meta(pattern=r"\A0x(0|[1-9a-f][0-9a-f]{0,63})\Z", max_length=66)]
Short = Annotated[str, Meta(pattern=r"\A0x(0|[1-9a-f][0-9a-f]{0,15})\Z", max_length=18)]
"""A quantity of 64 bits."""
Word = Annotated[str, Meta(pattern=r"\A0x[0-9a-f]{64}\Z", max_length=66)]
Bytes20 = Annotated[str, Meta(pattern=r"\A0x[0-9a-f]{40}\Z", max_length=42)]
Node = Annotated[str, Meta(pattern=_DATA, max_length=NODE_CHARACTERS_MAX)]
Nodes = Annotated[tuple[Node, ...], Meta(max_length=PROOF_NODES_MAX)]


class _Form(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Members by their JSON names, nothing besides."""


class BoundaryForm(_Form, frozen=True):
    """What an output root is the hash of."""

    version: Short
    config_hash: Word
    number: Short
    header_hash: Word
    state_root: Word
    message_passer_storage_root: Word
    block_hash_ring_root: Word
    next_batch: Short
    offset: Short
    next_deposit: Short
    origin_item: Short
    sequence_number: Short

    @property
    def value(self) -> Boundary:
        return Boundary(
            version=_number(self.version),
            config_hash=_hash(self.config_hash),
            number=BlockNumber(_number(self.number)),
            header_hash=_hash(self.header_hash),
            state_root=_hash(self.state_root),
            message_passer_root=_hash(self.message_passer_storage_root),
            ring_root=_hash(self.block_hash_ring_root),
            cursor=Cursor(
                _number(self.next_batch), _number(self.offset), _number(self.next_deposit)
            ),
            origin=Origin(_number(self.origin_item), _number(self.sequence_number)),
        )


class SlotForm(_Form, frozen=True):
    """A slot, its value and the nodes that show it."""

    key: Quantity
    value: Quantity
    proof: Nodes

    @property
    def content(self) -> StorageProof:
        return StorageProof(_number(self.key), _number(self.value), _nodes(self.proof))


class AccountForm(_Form, frozen=True):
    """An account, the nodes that show it, and slots of it."""

    address: Bytes20
    account_proof: Nodes
    balance: Quantity
    code_hash: Word
    nonce: Short
    storage_hash: Word
    storage_proof: Annotated[tuple[SlotForm, ...], Meta(max_length=PROOF_SLOTS_MAX)]

    @property
    def value(self) -> AccountProof:
        account = Account(
            nonce=_number(self.nonce),
            balance=Wei(_number(self.balance)),
            storage_root=_hash(self.storage_hash),
            code_hash=_hash(self.code_hash),
        )
        return AccountProof(
            address=Address(_bytes(self.address)),
            # EIP-1186 has no null: an absent account looks empty, and no empty one is kept.
            account=None if account == Account() else account,
            nodes=_nodes(self.account_proof),
            storage=tuple(slot.content for slot in self.storage_proof),
        )


class _ProofJson(_Form, frozen=True):
    account: Annotated[int, Meta(ge=1, le=ACCOUNT_MAX)]
    output_root: Word
    boundary: BoundaryForm
    header: Annotated[str, Meta(pattern=_DATA, max_length=HEADER_CHARACTERS_MAX)]
    proofs: Annotated[tuple[AccountForm, ...], Meta(max_length=PROOF_ACCOUNTS_MAX)]


class ProofForm:
    """A whole proof whose every member has the right form."""

    def __init__(self, fields: _ProofJson, header: Header) -> None:
        self.account = fields.account
        self.output_root = _hash(fields.output_root)
        self.boundary = fields.boundary
        self.header = header
        self.proofs = fields.proofs


def parse_form(text: bytes) -> ProofForm:
    """Read the JSON of a proof. Raises `InvalidMarginProof`."""
    if len(text) > PROOF_BYTES_MAX:
        raise InvalidMarginProof(f"a margin proof has at most {PROOF_BYTES_MAX} bytes")
    try:
        fields = msgspec.json.decode(text, type=_ProofJson)
        header = _header(_bytes(fields.header))
    except (msgspec.MsgspecError, InvalidRLP, RecursionError) as error:
        raise InvalidMarginProof(f"no margin proof: {error}") from error
    return ProofForm(fields, header)


def _header(encoded: bytes) -> Header:
    """A header in its only encoding: its hash is of the fields, not of what was sent."""
    header = decode_header(encoded)
    if encode_header(header) != encoded:
        raise InvalidMarginProof("the header is not in its canonical encoding")
    return header


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value[2:])


def _nodes(values: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(_bytes(value) for value in values)


def _hash(value: str) -> Hash32:
    return Hash32(_bytes(value))


def _number(value: str) -> int:
    return int(value, 16)
