"""What a machine's state says, in words: for the steps that have no stack to show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bridge.machine.block_machine import BlockMachine
from execution.machine.machine import Machine
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN, L1_BLOCK, L2_TO_L1_MESSAGE_PASSER
from state.rlp import decode
from state.types import Address

ETHER: Final = 10**18

_LIST: Final = 0xC0
"""RLP of a list begins here; below is the type of an envelope (EIP-2718)."""

_SMALL_BITS: Final = 64
"""Numbers up to here are written out."""

_NAMES: Final[Mapping[Address, str]] = {
    CLEARING_HOUSE: "ClearingHouse",
    COLLATERAL_TOKEN: "CollateralToken",
    L1_BLOCK: "L1Block",
    L2_TO_L1_MESSAGE_PASSER: "L2ToL1MessagePasser",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is said of a state before a step, and in two ways of the one after it."""

    name: str
    before: str
    right: str
    claimed: str


@dataclass(frozen=True, slots=True)
class _Touched:
    """Accounts and slots that one of several states has written."""

    accounts: frozenset[Address]
    slots: frozenset[tuple[Address, int]]

    @classmethod
    def by(cls, *machines: BlockMachine) -> "_Touched":
        diffs = [machine.diff() for machine in machines]
        return cls(
            frozenset(account for diff in diffs for account in diff.accounts),
            frozenset(
                (account, slot)
                for diff in diffs
                for account, slots in diff.storage.items()
                for slot in slots
            ),
        )


def contradictions(
    before: BlockMachine, right: BlockMachine, claimed: BlockMachine
) -> tuple[Fact, ...]:
    """What two states after the same step say differently."""
    touched = _Touched.by(right, claimed)
    was, is_, is_said = (_facts(machine, touched) for machine in (before, right, claimed))
    return tuple(
        Fact(name, was.get(name, "-"), is_.get(name, "-"), is_said.get(name, "-"))
        for name in sorted({*is_, *is_said})
        if is_.get(name) != is_said.get(name)
    )


def _facts(machine: BlockMachine, touched: _Touched) -> Mapping[str, str]:
    found = {"status": machine.status.name}
    if machine.machine is not None:
        found |= _of_block(machine.machine)
        found |= _of_accounts(machine.machine, touched)
    if machine.header is not None:
        boundary = machine.boundary
        found["state root in the output root"] = _short(boundary.state_root)
        found["block hash in the output root"] = _short(boundary.header_hash)
    return found


def _of_block(machine: Machine) -> Iterator[tuple[str, str]]:
    state = machine.state
    yield "time of the block", str(state.block.context.timestamp)
    yield "transactions in the block", str(state.block.count)
    yield "transaction about to run", _short(state.tx.hash()) if state.tx else "none"
    if state.block.receipts is not None:
        yield "last receipt", _outcome(state.block.receipts.item.encoded)


def _of_accounts(machine: Machine, touched: _Touched) -> Iterator[tuple[str, str]]:
    world = machine.state.world
    for account in touched.accounts:
        yield f"balance of {named(account)}", f"{world.values(account).balance / ETHER:,.6f} ETH"
    for account, slot in touched.slots:
        name = f"slot {_short(slot.to_bytes(32, 'big'))} of {named(account)}"
        yield name, _value(world.storage(account, slot))


def _outcome(receipt: bytes) -> str:
    """What a receipt says of its transaction (EIP-658)."""
    fields = decode(receipt if receipt[0] >= _LIST else receipt[1:])
    return "success" if fields[0] == b"\x01" else "failed"


def named(account: Address) -> str:
    """A contract of every L2 by its name, any other account by its ends."""
    return _NAMES.get(account) or _short(account)


def _value(value: int) -> str:
    return hex(value) if value.bit_length() <= _SMALL_BITS else _short(value.to_bytes(32, "big"))


def _short(value: bytes) -> str:
    digits = value.hex()
    return f"0x{digits[:6]}…{digits[-4:]}"
