"""The boundary of a block: what an output root commits to, and where two blocks of a trace meet.

FRAUD_PROOFS.md, "Machine state": a keccak over a domain tag and fixed 32-byte words. The Solidity
twin is `bridge/contracts/libraries/Boundary.sol`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.items import Cursor, Origin
from genesis.config import ChainConfig
from genesis.hashing import config_hash
from genesis.predeploys import L2_TO_L1_MESSAGE_PASSER
from state.accounts import EMPTY_TRIE_ROOT, StateReader, StateUpdate
from state.blocks import Header, SealedBlock
from state.headers import header_hash
from state.keccak import keccak
from state.types import ZERO_HASH, BlockNumber, Hash32

BOUNDARY_VERSION: Final = 1
BOUNDARY_DOMAIN: Final = keccak(b"tallystick.boundary.v1")

RING_DEPTH: Final = 8
RING_SIZE: Final = 2**RING_DEPTH
"""As many blocks as BLOCKHASH reaches (Yellow Paper, appendix H)."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """Everything that the next block depends on, after block `number`."""

    config_hash: Hash32
    number: BlockNumber
    header_hash: Hash32
    state_root: Hash32
    message_passer_root: Hash32
    """Storage root of the L2ToL1MessagePasser: withdrawals are proven against it."""
    ring_root: Hash32
    cursor: Cursor
    origin: Origin
    version: int = BOUNDARY_VERSION

    @property
    def output_root(self) -> Hash32:
        """keccak256 of the domain tag and the twelve words."""
        return keccak(BOUNDARY_DOMAIN + self.encode())

    @property
    def fields(self) -> tuple[int | Hash32, ...]:
        """The values of the Solidity struct Boundary, in order."""
        return (
            self.version,
            self.config_hash,
            self.number,
            self.header_hash,
            self.state_root,
            self.message_passer_root,
            self.ring_root,
            self.cursor.next_batch,
            self.cursor.offset,
            self.cursor.next_deposit,
            self.origin.item,
            self.origin.sequence_number,
        )

    def encode(self) -> bytes:
        """The twelve words, as Solidity's `abi.encode` of the struct."""
        return b"".join(_word(f) if isinstance(f, int) else f for f in self.fields)


BOUNDARY_BYTES: Final = 12 * 32


def decode_boundary(encoded: bytes) -> Boundary:
    """Read what `Boundary.encode` wrote. Raises `ValueError` for another length."""
    if len(encoded) != BOUNDARY_BYTES:
        raise ValueError(f"a boundary has {BOUNDARY_BYTES} bytes, not {len(encoded)}")
    words = [encoded[i : i + 32] for i in range(0, BOUNDARY_BYTES, 32)]
    number = [int.from_bytes(word, "big") for word in words]
    return Boundary(
        version=number[0],
        config_hash=Hash32(words[1]),
        number=BlockNumber(number[2]),
        header_hash=Hash32(words[3]),
        state_root=Hash32(words[4]),
        message_passer_root=Hash32(words[5]),
        ring_root=Hash32(words[6]),
        cursor=Cursor(next_batch=number[7], offset=number[8], next_deposit=number[9]),
        origin=Origin(item=number[10], sequence_number=number[11]),
    )


def output_root(boundary: Boundary) -> Hash32:
    """The output root that a proposal of this block claims."""
    return boundary.output_root


class BlockHashRing:
    """Merkle tree over the hashes of the last 256 blocks, updated in eight hashes a block.

    Leaf `n % 256` is the hash of block n; a leaf that no block has reached yet is zero. The levels
    are kept leaves first, so that level k has 2^(8-k) nodes.
    """

    __slots__ = ("_levels", "_number")

    def __init__(self, number: BlockNumber, hash_of: Callable[[int], Hash32]) -> None:
        """The ring after block `number`, whose hash and ancestors' `hash_of` gives."""
        leaves = [ZERO_HASH] * RING_SIZE
        for n in range(max(0, number - RING_SIZE + 1), number + 1):
            leaves[n % RING_SIZE] = hash_of(n)
        self._levels = _levels_above(leaves)
        self._number = number

    @property
    def number(self) -> BlockNumber:
        """The last block in the ring."""
        return self._number

    @property
    def root(self) -> Hash32:
        return self._levels[RING_DEPTH][0]

    def root_after(self, block_hash: Hash32) -> Hash32:
        """The root once the next block is in, without putting it in."""
        return self._path(block_hash)[-1]

    def append(self, block_hash: Hash32) -> None:
        """Put the next block's hash in the place of the one 256 blocks before."""
        path = self._path(block_hash)
        self._number = BlockNumber(self._number + 1)
        position = self._number % RING_SIZE
        for depth, node in enumerate(path):
            self._levels[depth][position >> depth] = node

    def _path(self, leaf: Hash32) -> list[Hash32]:
        """The nodes from the next leaf up to the root, were `leaf` there."""
        position = (self._number + 1) % RING_SIZE
        path = [leaf]
        for depth in range(RING_DEPTH):
            sibling = self._levels[depth][position ^ 1]
            pair = sibling + path[-1] if position & 1 else path[-1] + sibling
            path.append(keccak(pair))
            position >>= 1
        return path


def ring_root(number: BlockNumber, hash_of: Callable[[int], Hash32]) -> Hash32:
    """The ring's root after block `number`, from scratch."""
    return BlockHashRing(number, hash_of).root


def _levels_above(leaves: list[Hash32]) -> list[list[Hash32]]:
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([keccak(below[i] + below[i + 1]) for i in range(0, len(below), 2)])
    return levels


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def genesis_boundary(config: ChainConfig, genesis: SealedBlock) -> Boundary:
    """The boundary that the chain starts from: the `Rollup` contract's first anchor."""
    passer = genesis.update.accounts.get(L2_TO_L1_MESSAGE_PASSER)
    root = EMPTY_TRIE_ROOT if passer is None else passer.storage_root
    return first_boundary(config_hash(config), genesis.header, root)


def first_boundary(config: Hash32, header: Header, passer_root: Hash32) -> Boundary:
    """The boundary after a genesis header, given the configuration's hash."""
    block_hash = header_hash(header)
    return Boundary(
        config_hash=config,
        number=header.number,
        header_hash=block_hash,
        state_root=header.state_root,
        message_passer_root=passer_root,
        ring_root=ring_root(header.number, lambda _: block_hash),
        cursor=Cursor(),
        origin=Origin(),
    )


def message_passer_root(state: StateReader, update: StateUpdate | None = None) -> Hash32:
    """Storage root of the L2ToL1MessagePasser in `state`, or after `update` of it."""
    if update is not None and L2_TO_L1_MESSAGE_PASSER in update.accounts:
        passer = update.accounts[L2_TO_L1_MESSAGE_PASSER]
    else:
        passer = state.account(L2_TO_L1_MESSAGE_PASSER)
    return EMPTY_TRIE_ROOT if passer is None else passer.storage_root
