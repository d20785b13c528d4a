"""The items of the machine's lists."""

from dataclasses import dataclass
from typing import Final

from execution.machine.words import Word, tag
from state.blocks import Log
from state.keccak import keccak
from state.rlp import encode
from state.types import Address, Hash32

LOG_TAG: Final = tag("log")
DESTRUCTED_TAG: Final = tag("destructed")
ACCESS_TAG: Final = tag("access")
TRANSACTION_TAG: Final = tag("transaction")
RECEIPT_TAG: Final = tag("receipt")


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A log, and how many bytes it and those before it take in the receipt."""

    log: Log
    bytes_so_far: int

    def link(self) -> tuple[Hash32, tuple[Word, ...]]:
        return LOG_TAG, (keccak(encode_log(self.log)), self.bytes_so_far)


def encode_log(log: Log) -> bytes:
    """rlp([address, topics, data]), as in the receipt."""
    return encode([log.address, log.topics, log.data])


@dataclass(frozen=True, slots=True)
class Destructed:
    """A contract to delete when the transaction ends."""

    address: Address

    def link(self) -> tuple[Hash32, tuple[Word, ...]]:
        return DESTRUCTED_TAG, (self.address,)


@dataclass(frozen=True, slots=True)
class Access:
    """An entry of the access list: an address, or a slot of it."""

    address: Address
    slot: int | None

    def link(self) -> tuple[Hash32, tuple[Word, ...]]:
        return ACCESS_TAG, (self.address, self.slot is not None, self.slot or 0)


@dataclass(frozen=True, slots=True)
class Included:
    """A transaction or receipt of the block, as its list commits to it: by hash and length."""

    tag: Hash32
    encoded: bytes

    def link(self) -> tuple[Hash32, tuple[Word, ...]]:
        return self.tag, (keccak(self.encoded), len(self.encoded))
