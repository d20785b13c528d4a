"""A key that was decrypted, for as long as a command runs."""

from bridge.l1.accounts import Operator
from genesis.accounts import DevAccount
from node.client.signing import TradingKey


class UnlockedKey:
    """Makes what signs; doesn't show, and isn't pickled."""

    __slots__ = ("_key", "operator")

    def __init__(self, key: bytes) -> None:
        """Take 32 bytes. Raises `InvalidKey`."""
        self.operator = Operator(key)
        """Signs transactions of either layer."""
        self._key = key

    def __repr__(self) -> str:
        return f"<UnlockedKey 0x{self.operator.address.hex()}>"

    def __reduce__(self) -> str:
        raise TypeError("keys do not travel")

    @classmethod
    def of_dev_account(cls, account: DevAccount) -> "UnlockedKey":
        """One of a devnet's well-known accounts."""
        return cls(account.key)

    def trading_key(self) -> TradingKey:
        """Signs orders."""
        return TradingKey(self._key)

    def sign_text(self, text: str) -> bytes:
        """The signature of a text, 65 bytes, as wallets make it (EIP-191, version 0x45)."""
        # Here, because it brings the beacon chain's curves: half a second that others do without.
        from eth_account import Account
        from eth_account.messages import encode_defunct

        return bytes(Account.sign_message(encode_defunct(text=text), self._key).signature)
