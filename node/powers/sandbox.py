"""What only a sandbox allows: accounts edited by decree, and one account posing as another.

What is edited takes effect in a block of its own, so that every state is that of a block.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from execution.impersonation import decode_impersonated, impersonate
from execution.signing import UnsignedTransaction
from execution.transaction import Transaction
from execution.transition import AccountEdit
from genesis.accounts import DevAccount
from node.rpc.eth.signers import UnknownAccount, UnlockedAccounts
from state.types import Address


@dataclass(slots=True)
class Sandbox:
    """One layer's edits and poses. From any thread."""

    posing: set[Address] = field(default_factory=set)
    """Accounts that may be sent for without a signature."""
    everybody_poses: bool = False
    _edits: list[AccountEdit] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def edit(self, edit: AccountEdit) -> None:
        """Change an account in the next block."""
        with self._lock:
            self._edits.append(edit)

    def take_edits(self) -> tuple[AccountEdit, ...]:
        """What the block under way changes; the next one no more."""
        with self._lock:
            edits, self._edits = tuple(self._edits), []
        return edits

    def may_pose(self, account: Address) -> bool:
        """Whether an account may be sent for without a signature."""
        return self.everybody_poses or account in self.posing

    def posed(self, raw: bytes, chain_id: int) -> Transaction | None:
        """The transaction that `raw` is in somebody's name; None if it has to be signed.

        Raises `InvalidTransaction`.
        """
        transaction = decode_impersonated(raw, chain_id=chain_id)
        if transaction is None or not self.may_pose(transaction.sender):
            return None
        return transaction


class PosingAccounts(UnlockedAccounts):
    """Signs for a devnet's accounts, and for nobody's signature where the sandbox lets one pose."""

    def __init__(self, accounts: Sequence[DevAccount], chain_id: int, sandbox: Sandbox) -> None:
        super().__init__(accounts, chain_id)
        self._chain = chain_id
        self._sandbox = sandbox

    def addresses(self) -> tuple[Address, ...]:
        """The devnet's accounts, and then those that pose."""
        own = super().addresses()
        return (*own, *sorted(self._sandbox.posing - set(own)))

    def sign_transaction(self, sender: Address, fields: UnsignedTransaction) -> bytes:
        """Signed, or posed where there is no key. Raises `UnknownAccount`."""
        try:
            return super().sign_transaction(sender, fields)
        except UnknownAccount:
            if not self._sandbox.may_pose(sender):
                raise
            return impersonate(sender, fields, self._chain)
