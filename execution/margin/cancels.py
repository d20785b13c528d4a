"""Signed requests to the matcher to let go of orders.

They never reach the chain, where raising an epoch or cancelling a nonce does the same without
anybody's help; this is the quick way. The clearing house's domain covers them, so that one of
another chain means nothing here.
"""

from dataclasses import dataclass
from typing import Final

from execution.margin.orders import InvalidOrder, check_range
from execution.margin.typed_data import sign_digest, typed_digest
from state.keccak import keccak
from state.types import ZERO_HASH, Hash32

EVERY_MARKET: Final = 2**32 - 1
"""What `market` is on the wire for all markets; no series ever has this id."""

_CANCEL_TYPE = keccak(b"Cancel(uint64 account,uint32 market,bytes32 order,uint64 time)")


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """What a trader signs: one order by its digest, or all of an account's in a market, or all.

    `time` is when it was signed, in milliseconds since 1970: an old one can't be sent again.
    Raises `InvalidOrder` for what doesn't fit the EIP-712 type.
    """

    account: int
    market: int | None
    order: Hash32 | None
    time: int

    def __post_init__(self) -> None:
        check_range("account", self.account, 0, 1 << 64)
        check_range("time", self.time, 0, 1 << 64)
        if self.market is not None:
            check_range("market", self.market, 0, EVERY_MARKET)
        if self.order is not None and (len(self.order) != 32 or self.order == ZERO_HASH):
            raise InvalidOrder("an order is named by its digest of 32 bytes, not all zero")

    def digest(self, domain: Hash32) -> Hash32:
        """EIP-712 digest, which the owner's key or a session key signs."""
        market = EVERY_MARKET if self.market is None else self.market
        order = int.from_bytes(self.order or ZERO_HASH, "big")
        return typed_digest(domain, _CANCEL_TYPE, (self.account, market, order, self.time))

    def sign(self, key: bytes, domain: Hash32) -> "SignedCancel":
        """Sign with a 32-byte private key (RFC 6979, low s)."""
        r, s, parity = sign_digest(self.digest(domain), key)
        return SignedCancel(self, r, (parity << 255 | s).to_bytes(32, "big"))


@dataclass(frozen=True, slots=True)
class SignedCancel:
    """A request and its compact signature (EIP-2098)."""

    request: CancelRequest
    r: bytes
    vs: bytes
