"""What a block stands on: its parent, the inbox, and the rules."""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.boundary import BlockHashRing, Boundary
from bridge.machine.errors import GroundMismatch
from bridge.machine.prefix import Prefix
from genesis.config import ChainConfig
from genesis.hashing import config_hash
from state.accounts import State
from state.blocks import Header
from state.headers import header_hash
from state.types import BlockNumber, Hash32

Ancestors = Callable[[BlockNumber], Hash32 | None]
"""The hash of a block by its number; None where there is none."""


@dataclass(frozen=True, slots=True)
class Ground:
    """All that is fixed before a block's first step. Raises `GroundMismatch`."""

    parent: Boundary
    header: Header
    """The parent's, which the boundary has the hash of."""
    state: State
    """After the parent."""
    ancestor_hash: Ancestors
    prefix: Prefix
    config: ChainConfig

    def __post_init__(self) -> None:
        parent = self.parent
        checks = {
            "configuration": config_hash(self.config) == parent.config_hash,
            "number": self.header.number == parent.number,
            "header": header_hash(self.header) == parent.header_hash,
            "state root": self.state.root == parent.state_root,
        }
        wrong = ", ".join(name for name, holds in checks.items() if not holds)
        if wrong:
            raise GroundMismatch(f"not what the boundary of block {parent.number} says: {wrong}")

    def ring_root_after(self, block_hash: Hash32) -> Hash32:
        """The root of the ring of block hashes once this block is in it."""
        ring = BlockHashRing(self.parent.number, self._hash_of)
        if ring.root != self.parent.ring_root:
            raise GroundMismatch(f"the ancestors of block {self.parent.number} + 1 are not its own")
        return ring.root_after(block_hash)

    def _hash_of(self, number: int) -> Hash32:
        found = self.ancestor_hash(BlockNumber(number))
        if found is None:
            raise GroundMismatch(f"block {number}, an ancestor, has no hash")
        return found
