"""The inbox log as L1 would build it, for tests: appends items and keeps L1's time."""

from collections.abc import Iterable

from bridge.derive.accumulator import next_item
from bridge.derive.deposits import Deposit, encode_deposit
from bridge.items import InboxItem, ItemKind
from state.batch_codec import BatchBlock, encode_batch, encode_blocks
from state.keccak import keccak
from state.types import Address, Gas, Timestamp, Wei

GENESIS_TIME = Timestamp(1_700_000_000)
SEQUENCER = Address(b"\x5e" * 20)
DEPOSITOR = Address(b"\xde" * 20)
RECIPIENT = Address(b"\x4e" * 20)
L1_BLOCK_SECONDS = 12
ETHER = 10**18


class Inbox:
    """Item 0, the constructor's tick, is there from the start. `fork` is an L1 reorg."""

    def __init__(self, salt: bytes = b"") -> None:
        self.items: list[InboxItem] = []
        self.salt = salt
        self.l1_number = 100
        self.l1_time = GENESIS_TIME
        self.append(ItemKind.TICK, SEQUENCER, b"")

    @property
    def tip(self) -> InboxItem:
        return self.items[-1]

    def mine(self, blocks: int = 1, seconds: int = L1_BLOCK_SECONDS) -> None:
        """Let L1 blocks pass: later items are in a later one."""
        self.l1_number += blocks
        self.l1_time = Timestamp(self.l1_time + blocks * seconds)

    def wait(self, seconds: int) -> None:
        """Let L1 time pass."""
        self.mine(1, seconds)

    def append(self, kind: ItemKind, sender: Address, data: bytes) -> InboxItem:
        name = self.salt + self.l1_number.to_bytes(8, "big")
        item = next_item(
            self.items[-1] if self.items else None,
            kind=kind,
            sender=sender,
            data=data,
            l1_number=self.l1_number,
            l1_time=self.l1_time,
            l1_base_fee=Wei(7 + self.l1_number),
            prev_randao=keccak(b"randao" + name),
            l1_hash=keccak(b"parent" + name),
        )
        self.items.append(item)
        return item

    def batch(self, blocks: Iterable[BatchBlock]) -> InboxItem:
        return self.posted(encode_batch(encode_blocks(tuple(blocks))))

    def posted(self, data: bytes) -> InboxItem:
        """A batch with whatever bytes the sequencer posts."""
        return self.append(ItemKind.BATCH, SEQUENCER, data)

    def deposit(
        self,
        *,
        mint: int = ETHER,
        value: int = ETHER,
        gas: int = 100_000,
        to: Address | None = RECIPIENT,
        data: bytes = b"",
        sender: Address = DEPOSITOR,
    ) -> InboxItem:
        encoded = encode_deposit(Deposit(Wei(mint), Wei(value), Gas(gas), to, data))
        return self.append(ItemKind.DEPOSIT, sender, encoded)

    def forced(self, raw: bytes, sender: Address = DEPOSITOR) -> InboxItem:
        return self.append(ItemKind.FORCED, sender, raw)

    def tick(self) -> InboxItem:
        return self.append(ItemKind.TICK, DEPOSITOR, b"")

    def fork(self, index: int, salt: bytes) -> "Inbox":
        """Another L1 history that shares the items before `index`, at the time of the last."""
        twin = Inbox()
        twin.items = self.items[:index]
        twin.salt = salt
        twin.l1_number = twin.tip.l1_number
        twin.l1_time = twin.tip.l1_time
        return twin
