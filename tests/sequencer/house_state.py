"""A clearing house on revm, read as a node reads its store."""

from dataclasses import dataclass, field

from genesis.predeploys import CLEARING_HOUSE
from state.accounts import Account, StateDiff
from state.blocks import Header
from state.keccak import keccak
from state.types import ZERO_HASH, Address, BlockNumber, Gas, Hash32, Wei
from tests.execution.contracts.house import House


@dataclass
class HouseState:
    """The state of a house between two calls; knows what changed since it was read."""

    house: House
    number: int = 0
    read: dict[int, int] = field(default_factory=dict)
    root: Hash32 = ZERO_HASH

    def account(self, address: Address) -> Account | None:
        return Account()

    def storage(self, address: Address, slot: int) -> int:
        assert address == CLEARING_HOUSE
        return self.read.setdefault(slot, self.house.word(slot))

    def code(self, code_hash: Hash32) -> bytes:
        assert code_hash == keccak(b"")
        return b""

    def changes(self) -> StateDiff:
        """What differs from when it was read, as a block would say."""
        now = {slot: self.house.word(slot) for slot in self.read}
        changed = {slot: word for slot, word in now.items() if word != self.read[slot]}
        self.read = now
        return StateDiff(storage={CLEARING_HOUSE: changed})

    def header(self) -> Header:
        """Of a block that a second before now made the state as it is."""
        self.number += 1
        return Header(
            parent_hash=ZERO_HASH,
            state_root=ZERO_HASH,
            number=BlockNumber(self.number),
            gas_limit=Gas(2**25),
            timestamp=type(self.house.now)(self.house.now - 1),
            base_fee_per_gas=Wei(1),
        )
