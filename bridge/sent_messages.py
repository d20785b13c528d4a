"""The messages that L2 sent to L1, found in its blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bridge.l1.abi import event_topic
from bridge.outcomes import TokenTransfer
from bridge.withdrawals import MESSAGE_PASSED, Withdrawal, withdrawal_of
from genesis.predeploys import COLLATERAL_TOKEN, L2_TO_L1_MESSAGE_PASSER
from state.blocks import Log
from state.keccak import keccak
from state.reader import ChainReader
from state.receipts import bloom_may_contain
from state.stored import StoredBlock
from state.types import Address, BlockNumber, Hash32

_INITIATED: Final = event_topic("WithdrawalInitiated(address,address,uint256)")
_RETURNED: Final = event_topic("DepositReturned(address,address,uint256)")
_TOKEN_EVENTS: Final = frozenset({_INITIATED, _RETURNED})
"""What the collateral token tells right before it sends the message that releases it on L1."""


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message to L1 and where L2 sent it."""

    withdrawal: Withdrawal
    token: TokenTransfer | None
    """The collateral that it releases, if it does."""
    sender: Address
    """Who sent the L2 transaction."""
    transaction_hash: Hash32
    block_number: BlockNumber

    def concerns(self, account: Address) -> bool:
        """Whether that account sent it or is to receive something."""
        parties = {self.withdrawal.sender, self.withdrawal.target, self.sender}
        if self.token is not None:
            parties |= {self.token.sender, self.token.recipient}
        return account in parties


def messages_in(block: StoredBlock) -> Iterator[SentMessage]:
    """The messages that a block's transactions sent, in order."""
    for index in range(len(block.transactions)):
        yield from messages_of(block, index)


def messages_of(block: StoredBlock, index: int) -> Iterator[SentMessage]:
    """The messages that one transaction of a block sent, in order."""
    told: Log | None = None
    for log in block.receipts[index].logs:
        if log.address == COLLATERAL_TOKEN and log.topics[0] in _TOKEN_EVENTS:
            told = log
        elif log.address == L2_TO_L1_MESSAGE_PASSER and log.topics[:1] == (MESSAGE_PASSED,):
            withdrawal = withdrawal_of(log)
            is_release = withdrawal.sender == COLLATERAL_TOKEN and told is not None
            yield SentMessage(
                withdrawal=withdrawal,
                token=_released(told) if is_release and told is not None else None,
                sender=block.senders[index],
                transaction_hash=keccak(block.transactions[index]),
                block_number=block.header.number,
            )


def may_hold_messages(reader: ChainReader, number: BlockNumber) -> bool:
    """False only if no transaction of that block sent a message, by its bloom filter."""
    header = reader.header(number)
    return header is not None and bloom_may_contain(header.logs_bloom, L2_TO_L1_MESSAGE_PASSER)


def _released(told: Log) -> TokenTransfer:
    """Who gave the collateral up, and who gets it on L1.

    A deposit that couldn't be credited goes back to where it came from.
    """
    sender, recipient = (Address(topic[12:]) for topic in told.topics[1:3])
    is_withdrawal = told.topics[0] == _INITIATED
    amount = int.from_bytes(told.data, "big")
    return TokenTransfer(sender, recipient if is_withdrawal else sender, amount)
