"""Whole blocks, as the chain makes them, once more on the machine."""

from execution.machine.chain import items
from execution.machine.machine import Machine
from execution.transactions import decode_any, make_deposit
from execution.transition import context_of
from genesis.accounts import derive_account
from state.memory_state import MemoryState
from state.trie import list_root
from state.types import Address, BlockNumber, Gas, Hash32, Wei
from tests.execution.chain import BLOCK_SECONDS, MemoryChain, carry, contract, funded, skip
from tests.execution.contracts.house import OPERATORS, House
from tests.execution.contracts.test_engine import calls, chain_with, signed, token_storage
from tests.execution.wallet import Wallet

ALICE, BOB = Wallet(1), Wallet(2)
COUNTER = Address(b"\xa1" * 20)
COUNTING = "5f546001018060005560005260206000a0" + "43600190034060015500"
"""Counts in slot 0, logs the count, keeps the parent's hash in slot 1."""


def check_newest_block(chain: MemoryChain, before: MemoryState) -> Machine:
    """Run the newest block's transactions on `before` and compare all that its header says."""
    sealed = chain.head
    header = sealed.header
    machine = Machine(before, context_of(header, chain.config, chain.hash_of), chain.config.rules)
    for raw, sender in zip(sealed.transactions, sealed.senders):
        tx = decode_any(raw, chain_id=chain.config.chain_id, sender=sender)
        machine.apply(tx, Gas(header.gas_limit - machine.state.block.gas_used))
    block = machine.state.block
    receipts = [item.encoded for item in items(block.receipts)][::-1]
    transactions = [item.encoded for item in items(block.transactions)][::-1]
    assert machine.state.world.root() == header.state_root
    assert list_root(receipts) == header.receipts_root
    assert list_root(transactions) == header.transactions_root
    assert block.gas_used == header.gas_used
    assert block.bloom == header.logs_bloom
    return machine


def test_trade_on_the_clearing_house_gives_the_same_block() -> None:
    house = House()
    senders = (derive_account(0).address, derive_account(1).address)
    chain = chain_with(token_storage(senders), (*senders, OPERATORS.matcher.address))
    steps = calls(house)
    house.advance(BLOCK_SECONDS)
    before = chain.state
    assert chain.extend(skip(*signed(steps))).skipped == ()
    machine = check_newest_block(chain, before)
    assert machine.steps > 10_000


def test_blocks_of_deposits_and_transfers_give_the_same_roots() -> None:
    code = bytes.fromhex(COUNTING)
    chain = MemoryChain(funded(ALICE, BOB) | {COUNTER: contract(code)})
    for number in range(1, 4):
        deposit = make_deposit(
            source_hash=Hash32(bytes([number]) * 32),
            sender=Address(b"\xd0" * 20),
            to=COUNTER,
            mint=Wei(number),
            value=Wei(0),
            gas=Gas(100_000),
            data=b"",
        )
        before = chain.state
        ALICE.nonce, BOB.nonce = number - 1, number - 1
        paid = ALICE.raw(to=COUNTER, gas=Gas(100_000), value=Wei(1))
        chain.extend([*carry(deposit), *skip(paid, BOB.raw(), BOB.raw())])
        machine = check_newest_block(chain, before)
        assert len(chain.head.transactions) == 3
        assert machine.state.block.ancestor(number - 1) == chain.hash_of(BlockNumber(number - 1))
    assert chain.state.storage(COUNTER, 0) == 6
