"""The transaction being executed."""

from dataclasses import dataclass
from typing import Final

from execution.machine.chain import Link, list_hash
from execution.machine.memory import View
from execution.machine.records import Access
from execution.machine.snapshot import Snapshot
from execution.machine.status import Outcome
from execution.machine.words import Word, commit, tag
from execution.transaction import Transaction
from execution.transactions import decode
from state.keccak import keccak
from state.types import ZERO_HASH, Address, Hash32

PENDING_TAG: Final = tag("tx.pending")
TX_TAG: Final = tag("tx")


@dataclass(frozen=True, slots=True)
class PendingTx:
    """A transaction that the block offers: nothing but its bytes is known of it."""

    transaction: Transaction | None
    """Decoded already, which spares the recovery of the sender; None for bytes of a stranger."""
    raw: bytes

    @property
    def is_deposit(self) -> bool:
        """Whether L1 vouches for it; deposits are always given decoded."""
        return self.transaction is not None and self.transaction.is_deposit

    def decode(self, chain_id: int) -> Transaction:
        """The transaction. Raises `InvalidTransaction`."""
        return self.transaction or decode(self.raw, chain_id=chain_id)

    def words(self) -> tuple[Word, ...]:
        """In the order of docs/machine.md."""
        return keccak(self.raw), len(self.raw), self.is_deposit

    def hash(self) -> Hash32:
        """Commits to hash and length of the envelope, and to whether L1 vouches for it.

        Only a deposit that the inbox holds as one may be of type 0x7E: no bytes of a user's can be.
        """
        return commit(PENDING_TAG, self.words())


@dataclass(slots=True)
class Tx:
    """A transaction that has been decoded and passed the checks that need no state."""

    source: Transaction
    raw: bytes
    price: int
    """What one gas costs the sender, in wei."""
    tip: int
    """What of it goes to the coinbase."""
    start: Snapshot
    """The state before the transaction: the original values of EIP-2200."""
    calldata: View
    initcode_hash: Hash32
    """Of a creation, else zero."""
    accesses: Link[Access] | None
    """What is still to be warmed."""
    recipient: Address
    """Who is called, or what is created (once the nonce is known; zero before)."""
    intrinsic: int
    """What the transaction costs before its first instruction."""
    gas: int = 0
    """What is left of the gas limit outside of any frame."""
    outcome: Outcome = Outcome.RUNNING
    output: View | None = None
    ripemd_touched: bool = False
    """0x03 was touched, which outlives a revert (EIP-161, mainnet's block 2,675,119)."""

    def words(self) -> tuple[Word, ...]:
        """In the order of docs/machine.md."""
        tx = self.source
        return (
            keccak(self.raw),
            len(self.raw),
            tx.type,
            tx.sender,
            self.recipient,
            tx.to is None,
            tx.nonce,
            tx.value,
            tx.mint,
            tx.gas,
            tx.max_fee_per_gas,
            self.price,
            self.tip,
            self.start.words()[0],
            *self.calldata.words(),
            self.initcode_hash,
            list_hash(self.accesses),
            self.intrinsic,
            self.gas,
            self.outcome,
            self.ripemd_touched,
        )

    def hash(self) -> Hash32:
        return commit(TX_TAG, self.words())


def transaction_hash(tx: PendingTx | Tx | None) -> Hash32:
    """The machine's word for its transaction."""
    return ZERO_HASH if tx is None else tx.hash()
