"""What L2 made of the items of the inbox: which blocks came of a batch, what became of a deposit.

Everything is read from one moment of the chain, so that a commit in between can't tear an answer.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bridge.derive.deposits import transaction_of
from bridge.derive.errors import RecordDamaged
from bridge.derive.records import inputs_of, read_derived
from bridge.items import InboxItem
from bridge.l1.abi import event_topic
from execution.contracts.abi import UndecodableAnswer, UnknownAbiItem, interface
from execution.errors import InvalidTransaction
from execution.transaction import Transaction
from execution.transactions import decode
from genesis.predeploys import COLLATERAL_TOKEN, L2_CROSS_DOMAIN_MESSENGER
from state.blocks import BlockId, Log, Receipt
from state.keccak import keccak
from state.reader import ChainReader
from state.types import Address, BlockNumber, Hash32

_MESSENGER: Final = interface("L2CrossDomainMessenger")
_TOKEN: Final = interface("CollateralToken")
_RELAY_FAILED: Final = event_topic("FailedRelayedMessage(bytes32)")
_RETURNED: Final = event_topic("DepositReturned(address,address,uint256)")


@dataclass(frozen=True, slots=True)
class BatchBlocks:
    """The safe blocks that came of a batch or tick so far; none while `first` is None."""

    first: BlockNumber | None
    last: BlockNumber | None


def blocks_of_batch(reader: ChainReader, item: InboxItem) -> BatchBlocks:
    """Which blocks a batch or tick led to. Blocks take batches in order, so that two searches do.

    Raises `RecordDamaged`.
    """
    first = _first_block_from(reader, item.index)
    after = _first_block_from(reader, item.index + 1)
    if first == after:
        return BatchBlocks(None, None)
    return BatchBlocks(BlockNumber(first), BlockNumber(after - 1))


def _first_block_from(reader: ChainReader, index: int) -> int:
    """The first safe block of item `index` or a later one; one past the safe head for none."""
    low, high = 1, reader.heads.safe.number + 1
    while low < high:
        middle = (low + high) // 2
        derived = read_derived(reader, BlockNumber(middle))
        if derived is None:
            raise RecordDamaged(middle, "it is safe, but nothing says where it comes from")
        if derived.item.index < index:
            low = middle + 1
        else:
            high = middle
    return low


class DepositStatus(StrEnum):
    """How far a deposit or forced transaction has come."""

    WAITING = "waiting"
    """In no block of L2 yet."""
    CREDITED = "credited"
    """Its transaction did what it was to do."""
    FAILED = "failed"
    """Its call failed. What it minted stays with the sender; a message can be replayed."""
    RETURNED = "returned"
    """The token couldn't be credited, and is on its way back to L1 as a withdrawal."""
    SKIPPED = "skipped"
    """No block can hold it: a forced transaction that is not valid, or a void item."""


@dataclass(frozen=True, slots=True)
class TokenTransfer:
    """Collateral that crosses between the layers, in its smallest unit."""

    sender: Address
    recipient: Address
    amount: int


@dataclass(frozen=True, slots=True)
class DepositOutcome:
    """A deposit or forced transaction, and what became of it."""

    item: InboxItem
    hash: Hash32
    """Of the transaction on L2."""
    transaction: Transaction | None
    """None where the item's bytes are no transaction."""
    token: TokenTransfer | None
    """What a deposit of the collateral token credits."""
    status: DepositStatus
    block: BlockId | None

    def concerns(self, account: Address) -> bool:
        """Whether it was sent by or to that account, directly or as a token."""
        parties = {self.item.sender}
        if self.transaction is not None:
            parties.add(self.transaction.sender)
            parties.add(self.transaction.to or self.transaction.sender)
        if self.token is not None:
            parties |= {self.token.sender, self.token.recipient}
        return account in parties


def deposit_outcome(reader: ChainReader, item: InboxItem, chain_id: int) -> DepositOutcome:
    """What became of the deposit or forced transaction `item`. Raises `RecordDamaged`."""
    transaction, digest = _transaction(item, chain_id)
    token = None if transaction is None else token_deposit(transaction)
    place = reader.find_transaction(digest)
    if place is None:
        consumed = inputs_of(reader, reader.heads.unsafe.number).next_deposit
        status = DepositStatus.SKIPPED if item.ordinal < consumed else DepositStatus.WAITING
        return DepositOutcome(item, digest, transaction, token, status, None)
    number, index = place
    receipts = reader.receipts(number)
    if receipts is None:
        raise RecordDamaged(number, "its receipts are gone")
    status = _status(receipts[index])
    return DepositOutcome(item, digest, transaction, token, status, reader.block_id(number))


def _transaction(item: InboxItem, chain_id: int) -> tuple[Transaction | None, Hash32]:
    """The transaction that an item stands for, if it decodes, and its hash."""
    given = transaction_of(item)
    if isinstance(given, Transaction):
        return given, given.hash
    try:
        return decode(given, chain_id=chain_id), keccak(given)
    except InvalidTransaction:
        return None, keccak(given)


def _status(receipt: Receipt) -> DepositStatus:
    if not receipt.succeeded:
        return DepositStatus.FAILED
    for log in receipt.logs:
        if _is_event(log, COLLATERAL_TOKEN, _RETURNED):
            return DepositStatus.RETURNED
        if _is_event(log, L2_CROSS_DOMAIN_MESSENGER, _RELAY_FAILED):
            return DepositStatus.FAILED
    return DepositStatus.CREDITED


def _is_event(log: Log, emitter: Address, topic: bytes) -> bool:
    return log.address == emitter and log.topics[:1] == (topic,)


def token_deposit(transaction: Transaction) -> TokenTransfer | None:
    """What the message of a token deposit credits; None for any other transaction."""
    if transaction.to != L2_CROSS_DOMAIN_MESSENGER or not transaction.is_deposit:
        return None
    try:
        message = _MESSENGER.arguments("relayMessage", transaction.data)
        if _address(message["target"]) != COLLATERAL_TOKEN:
            return None
        credit = _TOKEN.arguments("finalizeDeposit", message["data"])
    except (UnknownAbiItem, UndecodableAnswer):
        return None
    return TokenTransfer(_address(credit["from"]), _address(credit["to"]), credit["amount"])


def _address(decoded: str) -> Address:
    """An address as the ABI decoder gives it."""
    return Address(bytes.fromhex(decoded[2:]))
