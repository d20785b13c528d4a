"""Accounts that the node signs for, so that clients without keys can send (`eth_accounts`).

A node holds no users' keys. A devnet's accounts have keys that everybody knows, so signing for them
gives nothing away, and it is what anvil and Hardhat users expect.
"""

from collections.abc import Sequence
from typing import Protocol

from execution.margin.typed_data import sign_digest, word
from execution.signing import UnsignedTransaction, sign
from execution.transactions import UNPROTECTED_V
from genesis.accounts import DevAccount
from node.rpc.errors import CallFailed
from state.keccak import keccak
from state.types import Address, Hash32


class UnknownAccount(CallFailed):
    """The node has no key of that account, in geth's words."""

    def __init__(self) -> None:
        super().__init__("unknown account")


class Signers(Protocol):
    """Who may be sent for; every method raises `UnknownAccount` for another."""

    def addresses(self) -> tuple[Address, ...]:
        """The accounts, in the order that `eth_accounts` lists them."""

    def sign_transaction(self, sender: Address, fields: UnsignedTransaction) -> bytes:
        """The EIP-2718 envelope of `fields`, signed by `sender` for this chain."""

    def sign_digest(self, signer: Address, digest: Hash32) -> bytes:
        """r, s and v (27 or 28) over the digest of a message or of typed data (EIP-191)."""


class NoSigners:
    """A node for others: it signs for nobody."""

    def addresses(self) -> tuple[Address, ...]:
        """None."""
        return ()

    def sign_transaction(self, sender: Address, fields: UnsignedTransaction) -> bytes:
        """Raises `UnknownAccount`."""
        raise UnknownAccount

    def sign_digest(self, signer: Address, digest: Hash32) -> bytes:
        """Raises `UnknownAccount`."""
        raise UnknownAccount


class UnlockedAccounts:
    """Signs for the accounts of a devnet."""

    def __init__(self, accounts: Sequence[DevAccount], chain_id: int) -> None:
        self._accounts = {account.address: account for account in accounts}
        self._chain_id = chain_id

    def addresses(self) -> tuple[Address, ...]:
        """The accounts, in the order given."""
        return tuple(self._accounts)

    def sign_transaction(self, sender: Address, fields: UnsignedTransaction) -> bytes:
        """Signed by the account's key. Raises `UnknownAccount`."""
        return sign(fields, self._account(sender).key, self._chain_id)

    def sign_digest(self, signer: Address, digest: Hash32) -> bytes:
        """Signed by the account's key. Raises `UnknownAccount`."""
        r, s, parity = sign_digest(digest, self._account(signer).key)
        return r + word(s) + bytes([UNPROTECTED_V + parity])

    def _account(self, address: Address) -> DevAccount:
        account = self._accounts.get(address)
        if account is None:
            raise UnknownAccount
        return account


def message_digest(message: bytes) -> Hash32:
    """What is signed for a message, so that no message is a transaction (EIP-191)."""
    return keccak(b"\x19Ethereum Signed Message:\n%d" % len(message) + message)
