"""What a call on a house costs with every slot cold, by the chain's own engine.

pyrevm keeps slots warm from one transaction to the next, and what was written counts as written in
this one: its figures leave out half of what storage costs.
"""

from execution.contracts import artifact
from execution.contracts.abi import CLEARING_HOUSE_MODULES as MODULES
from execution.evm.context import BlockContext
from execution.evm.engine import Evm, Outcome
from execution.transaction import Transaction, TransactionType
from genesis.config import ExecutionRules
from genesis.predeploys import CLEARING_HOUSE, CLEARING_HOUSE_MODULES
from state.accounts import Account
from state.keccak import keccak
from state.types import ZERO_ADDRESS, ZERO_HASH, Address, BlockNumber, Gas, Hash32, Timestamp, Wei
from tests.execution.contracts.house import CHAIN_ID, TIMELOCK, House

GAS = Gas(2**30)
_NOT_EMPTY = Hash32(b"\x01" * 32)
"""A storage root at which the engine looks into storage."""


class ColdState:
    """The storage of a house under the code of its router and modules."""

    root = ZERO_HASH

    def __init__(self, house: House) -> None:
        self._house = house
        names = ("ClearingHouse", *MODULES)
        addresses = (CLEARING_HOUSE, *CLEARING_HOUSE_MODULES)
        self._codes = {a: artifact(n).predeploy_code for n, a in zip(names, addresses)}
        self.slots: set[int] = set()
        """Of the router, that were read."""

    def account(self, address: Address) -> Account | None:
        """A contract, or somebody who can pay."""
        code = self._codes.get(address)
        if code is None:
            return Account(balance=Wei(10**24))
        return Account(nonce=1, storage_root=_NOT_EMPTY, code_hash=keccak(code))

    def storage(self, address: Address, slot: int) -> int:
        self.slots.add(slot)
        return self._house.word(slot, address)

    def code(self, code_hash: Hash32) -> bytes:
        return next(code for code in self._codes.values() if keccak(code) == code_hash)


def cold_gas(house: House, data: bytes, sender: Address = TIMELOCK) -> int:
    """Gas of a call that succeeds."""
    outcome = cold_call(house, data, sender)
    assert outcome.succeeded, outcome.error
    return outcome.gas_used


def slots_read(house: House, data: bytes, sender: Address = TIMELOCK) -> int:
    """How many slots a call reads."""
    state = ColdState(house)
    _run(state, house, data, sender, GAS)
    return len(state.slots)


def cold_call(house: House, data: bytes, sender: Address = TIMELOCK, *, gas: Gas = GAS) -> Outcome:
    """A call as a transaction of its own; the house stays as it is."""
    return _run(ColdState(house), house, data, sender, gas)


def _run(state: ColdState, house: House, data: bytes, sender: Address, gas: Gas) -> Outcome:
    context = BlockContext(
        chain_id=CHAIN_ID,
        number=BlockNumber(1),
        timestamp=Timestamp(house.now),
        coinbase=ZERO_ADDRESS,
        gas_limit=GAS,
        base_fee=Wei(0),
        prev_randao=ZERO_HASH,
        ancestor_hash=lambda number: ZERO_HASH,
    )
    evm = Evm(state, context, ExecutionRules(transaction_gas_cap=None))
    transaction = Transaction(
        type=TransactionType.LEGACY,
        hash=ZERO_HASH,
        sender=sender,
        nonce=0,
        gas=gas,
        to=CLEARING_HOUSE,
        value=Wei(0),
        data=data,
    )
    return evm.call(transaction)
