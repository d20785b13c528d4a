"""Signed orders and requests to cancel (EIP-712), from what a trader wants."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from execution.margin import CancelRequest, Order, SignedCancel, SignedOrder, domain_separator
from genesis.accounts import address_of
from node.client.drafts import Draft
from node.client.nonces import NonceSource
from state.clock import Clock
from state.errors import Invalid
from state.types import Address, Hash32, Timestamp

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

_KEY_BYTES = 32


class InvalidKey(Invalid):
    """Not a private key of secp256k1."""


class TradingKey:
    """An owner's key, or a session key. It doesn't show, and isn't pickled."""

    __slots__ = ("_key", "address")

    def __init__(self, key: bytes) -> None:
        """Take 32 bytes. Raises `InvalidKey`."""
        if len(key) != _KEY_BYTES:
            raise InvalidKey(f"a private key has {_KEY_BYTES} bytes, not {len(key)}")
        try:
            self.address: Address = address_of(key)
        except ValueError:
            raise InvalidKey("a private key is positive and below the curve's order") from None
        self._key = key

    @classmethod
    def of(cls, key: "bytes | LocalAccount | TradingKey") -> "TradingKey":
        """From 32 bytes or an account of eth_account. Raises `InvalidKey`."""
        if isinstance(key, TradingKey):
            return key
        return cls(key if isinstance(key, bytes) else bytes(key.key))

    def __repr__(self) -> str:
        return f"<TradingKey 0x{self.address.hex()}>"

    def __reduce__(self) -> str:
        raise TypeError("keys do not travel")

    def order(self, order: Order, domain: Hash32) -> SignedOrder:
        """Sign an order."""
        return order.sign(self._key, domain)

    def cancel(self, request: CancelRequest, domain: Hash32) -> SignedCancel:
        """Sign a request to cancel."""
        return request.sign(self._key, domain)


@dataclass(slots=True)
class Signer:
    """Signs for one margin account on one chain."""

    account: int
    key: TradingKey
    chain_id: int
    nonces: NonceSource
    clock: Clock
    _cancelled_at: int = field(default=0)
    """Time of the last request to cancel all, in ms: the next has to be newer."""

    @property
    def domain(self) -> Hash32:
        """The clearing house's EIP-712 domain."""
        return domain_separator(self.chain_id)

    def order(self, draft: Draft) -> SignedOrder:
        """Give a draft a nonce and an expiry, and sign it. Raises `InvalidOrder`."""
        order = Order(
            account=self.account,
            market=draft.market,
            is_buy=draft.is_buy,
            size=draft.size,
            price=draft.price,
            max_fee_ppm=draft.max_fee_ppm,
            nonce=self.nonces.take(),
            expiry=Timestamp(self.clock.now() + draft.seconds),
            flags=draft.flags,
        )
        return self.key.order(order, self.domain)

    def hash(self, signed: SignedOrder) -> Hash32:
        """The digest that names an order."""
        return signed.order.digest(self.domain)

    def cancel(self, order: Hash32) -> SignedCancel:
        """Ask for one order to be let go."""
        request = CancelRequest(self.account, None, order, self.clock.milliseconds())
        return self.key.cancel(request, self.domain)

    def cancel_all(self, market: int | None) -> SignedCancel:
        """Ask for all orders to be let go, or all in one market."""
        self._cancelled_at = max(self.clock.milliseconds(), self._cancelled_at + 1)
        request = CancelRequest(self.account, market, None, self._cancelled_at)
        return self.key.cancel(request, self.domain)
