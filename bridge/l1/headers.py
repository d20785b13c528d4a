"""L1 block headers of any fork since London, trusted only when they have the hash they claim."""

from dataclasses import dataclass

from bridge.l1 import wire
from bridge.l1.errors import L1EndpointInconsistent
from bridge.l1.wire import Json
from state.blocks import BlockId
from state.keccak import keccak
from state.rlp import encode, encode_uint
from state.types import BlockNumber, Hash32, Timestamp, Wei

_FIELDS = (
    ("parentHash", False),
    ("sha3Uncles", False),
    ("miner", False),
    ("stateRoot", False),
    ("transactionsRoot", False),
    ("receiptsRoot", False),
    ("logsBloom", False),
    ("difficulty", True),
    ("number", True),
    ("gasLimit", True),
    ("gasUsed", True),
    ("timestamp", True),
    ("extraData", False),
    ("mixHash", False),
    ("nonce", False),
    ("baseFeePerGas", True),
)
"""Name and whether it is a number, in RLP order, up to London (EIP-1559)."""

_LATER_FIELDS = (
    ("withdrawalsRoot", False),  # Shanghai, EIP-4895
    ("blobGasUsed", True),  # Cancun, EIP-4844
    ("excessBlobGas", True),
    ("parentBeaconBlockRoot", False),  # Cancun, EIP-4788
    ("requestsHash", False),  # Prague, EIP-7685
    ("blockAccessListHash", False),  # Amsterdam, EIP-7928
)
"""Added by later forks in this order; the first that is missing tells the fork."""


@dataclass(frozen=True, slots=True)
class L1Header:
    """What we use of an L1 header; `hash` is the hash of all its fields."""

    hash: Hash32
    parent_hash: Hash32
    number: BlockNumber
    timestamp: Timestamp
    base_fee: Wei
    prev_randao: Hash32
    state_root: Hash32

    @property
    def id(self) -> BlockId:
        return BlockId(self.number, self.hash)


def parse_header(block: Json) -> L1Header:
    """Read a block object of JSON-RPC. Raises `L1EndpointInconsistent` for a wrong hash."""
    computed = keccak(encode(_rlp_fields(block)))
    claimed = wire.hash_(block.get("hash"), "the block's hash")
    if computed != claimed:
        raise L1EndpointInconsistent(
            f"the L1 endpoint sent a block that calls itself 0x{claimed.hex()}, but whose header"
            f" hashes to 0x{computed.hex()}"
        )
    return L1Header(
        hash=claimed,
        parent_hash=wire.hash_(block["parentHash"], "parentHash"),
        number=BlockNumber(wire.quantity(block["number"], "number")),
        timestamp=Timestamp(wire.quantity(block["timestamp"], "timestamp")),
        base_fee=Wei(wire.quantity(block["baseFeePerGas"], "baseFeePerGas")),
        prev_randao=wire.hash_(block["mixHash"], "mixHash"),
        state_root=wire.hash_(block["stateRoot"], "stateRoot"),
    )


def _rlp_fields(block: Json) -> list[bytes]:
    fields = [_field(block, name, number) for name, number in _FIELDS]
    for name, number in _LATER_FIELDS:
        if block.get(name) is None:
            break
        fields.append(_field(block, name, number))
    return fields


def _field(block: Json, name: str, number: bool) -> bytes:
    value = block.get(name)
    return encode_uint(wire.quantity(value, name)) if number else wire.data(value, name)
