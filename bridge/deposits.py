"""Deposits from L1: what to send to the Portal, and which L2 transaction comes of it."""

from bridge.derive.deposits import transaction_of
from bridge.items import InboxItem, ItemKind
from bridge.l1 import contracts
from bridge.l1.client import L1Client, L1Receipt
from bridge.l1.events import ItemAppended, item_appended
from bridge.l1.transactor import L1Transaction
from execution.transaction import Transaction
from state.errors import Invalid
from state.types import ZERO_ADDRESS, ZERO_HASH, Address, Gas, Hash32, Timestamp, Wei

ETHER_DEPOSIT_GAS = Gas(50_000)
"""Gas limit on L2 of a deposit that only moves ether: 21,000 and room for a small receiver."""

TOKEN_DEPOSIT_GAS = Gas(500_000)
"""Gas limit on L2 of a token deposit; the Portal asks for 426,312 at the least."""

_NOTHING = Wei(0)


class NotADeposit(Invalid):
    """A receipt in which the Inbox took no deposit."""


async def deposit_ether(client: L1Client, portal: Address, to: Address, wei: Wei) -> L1Transaction:
    """Mint `wei` for the sender on L2 and send it on to `to`, in one deposit."""
    return await deposit_transaction(
        client, portal, to=to, mint=wei, value=wei, gas=ETHER_DEPOSIT_GAS
    )


async def deposit_transaction(
    client: L1Client,
    portal: Address,
    *,
    to: Address | None,
    mint: Wei = _NOTHING,
    value: Wei = _NOTHING,
    gas: Gas = ETHER_DEPOSIT_GAS,
    data: bytes = b"",
) -> L1Transaction:
    """A transaction on L2 in the sender's name; `to` None creates a contract.

    L1 pays `mint` and `gas` times the Portal's price for it, both in wei.
    """
    call = contracts.DEPOSIT_TRANSACTION.call(to or ZERO_ADDRESS, value, gas, to is None, data)
    price = await deposit_gas_price(client, portal)
    return L1Transaction("deposit", portal, call, Wei(mint + gas * price))


async def deposit_token(
    client: L1Client,
    portal: Address,
    to: Address,
    amount: int,
    gas: Gas = TOKEN_DEPOSIT_GAS,
) -> L1Transaction:
    """Lock `amount` of the collateral token (its smallest unit) and mint it for `to` on L2.

    The Portal needs an allowance first: `approve_token`.
    """
    call = contracts.DEPOSIT_TOKEN.call(to, amount, gas)
    price = await deposit_gas_price(client, portal)
    return L1Transaction("token deposit", portal, call, Wei(gas * price))


def approve_token(token: Address, spender: Address, amount: int) -> L1Transaction:
    """Allow `spender` to take `amount` of a token (ERC-20)."""
    return L1Transaction("token approval", token, contracts.APPROVE.call(spender, amount))


async def deposit_gas_price(client: L1Client, portal: Address) -> Wei:
    """What the Portal asks for one gas of a deposit, in wei."""
    (price,) = await client.call(portal, contracts.DEPOSIT_GAS_PRICE)
    return Wei(price)


def l2_transaction(receipt: L1Receipt, inbox: Address) -> Transaction:
    """The L2 transaction that the deposit in a receipt becomes; its hash is to be waited for.

    Raises `NotADeposit`.
    """
    for log in receipt.logs:
        event = item_appended(log) if log.address == inbox else None
        if event is not None and event.kind is ItemKind.DEPOSIT:
            transaction = transaction_of(_item(event))
            if isinstance(transaction, Transaction):
                return transaction
    raise NotADeposit(f"L1 transaction 0x{receipt.hash.hex()} made no deposit")


def _item(event: ItemAppended) -> InboxItem:
    """The deposit as an inbox item: its transaction follows from sender, data and `acc` alone."""
    return InboxItem(
        index=event.index,
        kind=event.kind,
        deposits=0,
        sender=event.sender,
        data=event.data,
        l1_number=0,
        l1_time=Timestamp(0),
        l1_base_fee=Wei(0),
        prev_randao=ZERO_HASH,
        l1_hash=ZERO_HASH,
        acc=Hash32(event.acc),
    )
