"""Lies about a block, to try the dispute with: each is one wrong step, and what follows from it.

A liar's trace is the right one up to the step where it strikes. From there on the machine goes on
by its own rules from a state that is wrong, as it would in a node with a defect. So a dispute ends
at just that step, wherever in the block it is. For devnets and tests; nothing here can make a
wrong root stand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from bridge.boundary import Boundary
from bridge.dispute.limits import STATES_KEPT_MAX
from bridge.dispute.trace import BLOCK_STEPS, ChainTrace, LocalChain, StepProof, Subject
from bridge.machine.bare import boundary_machine_hash
from bridge.machine.block_machine import BlockMachine
from bridge.machine.prefix import Prefix
from bridge.machine.witness import block_witness
from bridge.withdrawals import Withdrawal
from execution.machine.chain import Link
from execution.machine.machine import Machine
from execution.machine.records import RECEIPT_TAG, Included
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.transactions import make_deposit
from genesis.predeploys import CLEARING_HOUSE, L2_TO_L1_MESSAGE_PASSER
from state.errors import InternalError, Invalid
from state.keccak import keccak
from state.types import Address, BlockNumber, Gas, Hash32, Timestamp, Wei

STOLEN: Final = Wei(10**18)
"""What the liar's account gets out of nothing: one ether."""

AMOUNT_SCALE: Final = 10**10
"""Price (8 decimals) times size (8 decimals) over this is an amount in USD (6 decimals)."""

TENTH: Final = 10
"""What the liar makes of an amount: a tenth, which no later rounding hides."""

_DIV, _SDIV = 0x04, 0x05
_SIGN_BIT: Final = 2**255
_LIST, _LONG_LIST = 0xC0, 0xF7
_STATUS_FLIP: Final = 0x01 ^ 0x80
"""Between the RLP of 1 and that of 0."""


class FaultKind(StrEnum):
    """What is lied about; the values are those of `devnet --fault`."""

    STATE_ROOT = "state-root"
    BALANCE = "balance"
    SKIPPED_TRANSACTION = "skipped-transaction"
    INVENTED_TRANSACTION = "invented-transaction"
    RECEIPT = "receipt"
    GAS = "gas"
    DERIVATION = "derivation"
    MARGIN = "margin"
    WITHDRAWAL = "withdrawal"
    ATTACK = "attack"
    """No wrong root: a right one is disputed, by a trace that is wrong in one instruction."""


class InvalidFault(Invalid):
    """A fault that isn't written as KIND or KIND@BLOCK."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A lie, and the first block that it may be told about."""

    kind: FaultKind
    first_block: BlockNumber = BlockNumber(1)

    @classmethod
    def parse(cls, text: str) -> Fault:
        """KIND or KIND@BLOCK. Raises `InvalidFault`."""
        name, at, number = text.partition("@")
        kinds = ", ".join(FaultKind)
        if name not in set(FaultKind):
            raise InvalidFault(f"no fault is called {name!r}; there are {kinds}")
        if not at:
            return cls(FaultKind(name))
        if not number.isascii() or not number.isdigit() or int(number) == 0:
            raise InvalidFault(f"{number!r} is no block to lie about; write {name}@12")
        return cls(FaultKind(name), BlockNumber(int(number)))

    def __str__(self) -> str:
        return f"{self.kind}@{self.first_block}"


class LyingMachine(BlockMachine):
    """A block's machine that once changes the state behind a step."""

    def __init__(self, chain: LocalChain, subject: Subject, prefix: Prefix, kind: FaultKind):
        """About to execute, and to lie about, the last block of a game."""
        parent = BlockNumber(subject.l2_block - 1)
        super().__init__(
            chain.boundary(parent),
            chain.view.header(parent),
            chain.store.state(parent),
            chain.view.hash_of,
            prefix,
            chain.config,
            subject.l2_block,
        )
        self.struck_at: int | None = None
        """The step within the block that went wrong; None as long as none has."""
        self._lie = _LIES[kind]

    def step(self) -> None:
        """One step; the first one that the lie is about is followed by it."""
        is_due = self.struck_at is None and not self.is_done and self._lie.is_due(self)
        super().step()
        if is_due:
            self.struck_at = self.steps - 1
            self._lie.strike(self)

    def _go_on(self, end: int) -> None:
        """One step after the other: each may be the one to lie after."""
        while self.steps < end and not self.is_done:
            self.step()

    def claim_instead(self, boundary: Boundary) -> None:
        """Give the sealed block another boundary."""
        self.boundary = boundary
        self._root = boundary.output_root

    def unlearn_end(self) -> None:
        """Take back that the transactions are at their end."""
        self._executing.state.status = Status.NEXT
        self._learn(replace(self._known, left=0))

    @property
    def executing(self) -> Machine:
        """The inner machine. Every lie but the one about the boundary strikes while it is there."""
        return self._executing

    @property
    def thief(self) -> Address:
        """Who gains."""
        return self.ground.config.coinbase


class LyingTrace:
    """The trace of a game whose last block is lied about: right up to there, wrong from there."""

    def __init__(self, chain: LocalChain, subject: Subject, kind: FaultKind) -> None:
        """Raises `Unavailable` as `ChainTrace` does."""
        self.kind = kind
        self._truth = ChainTrace(chain, subject)
        self._chain = chain
        self._subject = subject
        self._prefix = Prefix(chain.log, subject.inbox_count)
        self._lied_from = subject.first_step_of_last_block
        self._machine: LyingMachine | None = None
        self._claims: dict[int, Hash32] = {}
        end = self._new_machine()
        end.run()
        self.boundary: Boundary = end.boundary
        """The boundary that the lie ends in."""
        self.struck_at: int | None = (
            None if end.struck_at is None else self._lied_from + end.struck_at
        )
        """The trace index of the one step that is wrong; None if the block has no such step."""

    @property
    def output_root(self) -> Hash32:
        """The wrong output root."""
        return self.boundary.output_root

    def claim_at(self, trace_index: int) -> Hash32:
        """The state's hash after `trace_index` + 1 steps, as the liar has it.

        Remembered: a player asks for all its claims at each look, and a block takes a while.
        """
        found = self._claims.get(trace_index)
        if found is None:
            if len(self._claims) >= STATES_KEPT_MAX:
                self._claims.clear()
            found = self._claims[trace_index] = self._claim_at(trace_index)
        return found

    def _claim_at(self, trace_index: int) -> Hash32:
        step = trace_index + 1 - self._lied_from
        if step <= 0:
            return self._truth.claim_at(trace_index)
        if step >= BLOCK_STEPS:
            return boundary_machine_hash(self.output_root)
        machine = self._machine
        if machine is None or machine.steps > step:
            machine = self._machine = self._new_machine()
        machine.advance(step - machine.steps)
        return machine.machine_hash()

    def machine_after(self, steps: int) -> LyingMachine:
        """The liar's machine so many steps from the anchor, within the block lied about; whoever
        asks may step it."""
        machine = self._new_machine()
        machine.advance(steps - self._lied_from)
        return machine

    def proof(self, trace_index: int) -> StepProof:
        """The proof of a step; of the one that the lie is about, L1 proves something else."""
        if trace_index < self._lied_from:
            return self._truth.proof(trace_index)
        machine = self.machine_after(trace_index)
        before, witness = machine.machine_hash(), block_witness(machine)
        return StepProof(trace_index, before, self.claim_at(trace_index), witness)

    def _new_machine(self) -> LyingMachine:
        return LyingMachine(self._chain, self._subject, self._prefix, self.kind)


def lie_about(chain: LocalChain, subject: Subject, kind: FaultKind) -> LyingTrace | None:
    """A lie about the last block of a subject; None where there is nothing to lie about, or where
    the lie leads to the right output root after all. Raises `Unavailable`."""
    lie = LyingTrace(chain, subject, kind)
    if lie.struck_at is None:
        return None
    is_right = lie.output_root == chain.view.output_root(subject.l2_block)
    return None if is_right and kind is not FaultKind.ATTACK else lie


def lie_behind(chain: LocalChain, subject: Subject, output_root: Hash32) -> LyingTrace | None:
    """The lie that leads to a wrong root; None for one of another make. Raises `Unavailable`."""
    for kind in FaultKind:
        lie = None if kind is FaultKind.ATTACK else lie_about(chain, subject, kind)
        if lie is not None and lie.output_root == output_root:
            return lie
    return None


def forged_withdrawal(thief: Address) -> Withdrawal:
    """The message that a lie about withdrawals says was sent: one ether for the thief."""
    return Withdrawal(
        nonce=2**255, sender=thief, target=thief, value=STOLEN, gas_limit=100_000, data=b""
    )


# When to strike


def _in(status: Status) -> Callable[[LyingMachine], bool]:
    return lambda machine: machine.status is status


def _offers_transaction(machine: LyingMachine) -> bool:
    """The next step takes one of the sequencer's transactions."""
    return _left_of_payload(machine) > 0


def _runs_out_of_transactions(machine: LyingMachine) -> bool:
    return _left_of_payload(machine) == 0


def _left_of_payload(machine: LyingMachine) -> int:
    """How many of the sequencer's transactions are left to take; -1 where none is about to be."""
    inputs = machine.inputs
    if machine.status is not Status.NEXT or inputs is None or inputs.taking:
        return -1
    return inputs.left


def _divides_to_amount(machine: LyingMachine) -> bool:
    """The next step divides price times size to an amount, in the clearing house."""
    if machine.status is not Status.RUN:
        return False
    frame = _state(machine).running_frame
    if frame.address != CLEARING_HOUSE or frame.program.padded[frame.pc] not in (_DIV, _SDIV):
        return False
    divisor, dividend = frame.stack[-2:] if len(frame.stack) > 1 else (0, 0)
    return divisor == AMOUNT_SCALE and AMOUNT_SCALE * TENTH <= dividend < _SIGN_BIT


# What to change


def _claim_other_state_root(machine: LyingMachine) -> None:
    other = keccak(machine.boundary.state_root)
    machine.claim_instead(replace(machine.boundary, state_root=other))


def _steal(machine: LyingMachine) -> None:
    _state(machine).world.add_balance(machine.thief, STOLEN)


def _drop_offered(machine: LyingMachine) -> None:
    _state(machine).forget_transaction()


def _mint_by_invented_deposit(machine: LyingMachine) -> None:
    machine.unlearn_end()
    deposit = make_deposit(
        source_hash=keccak(b"invented"),
        sender=machine.thief,
        to=machine.thief,
        mint=STOLEN,
        value=Wei(0),
        gas=Gas(21_000),
        data=b"",
    )
    machine.executing.offer(deposit)


def _flip_status(machine: LyingMachine) -> None:
    """The receipt says of a success that it failed, or the other way round (EIP-658)."""
    block = _state(machine).block
    last = block.receipts
    if last is None:
        raise InternalError("RECEIPT has added no receipt")
    encoded = bytearray(last.item.encoded)
    start = 0 if encoded[0] >= _LIST else 1  # behind the type (EIP-2718)
    encoded[start + 1 + encoded[start] - _LONG_LIST] ^= _STATUS_FLIP
    block.receipts = Link(Included(RECEIPT_TAG, bytes(encoded)), last.previous)


def _leave_gas(machine: LyingMachine) -> None:
    _state(machine).running_frame.gas += 1


def _shift_time(machine: LyingMachine) -> None:
    block = _state(machine).block
    block.context = replace(block.context, timestamp=Timestamp(block.context.timestamp + 1))


def _take_a_tenth(machine: LyingMachine) -> None:
    _state(machine).running_frame.stack[-1] //= TENTH


def _forge_withdrawal(machine: LyingMachine) -> None:
    slot = forged_withdrawal(machine.thief).slot
    _state(machine).world.set_storage(L2_TO_L1_MESSAGE_PASSER, slot, 1)


def _state(machine: LyingMachine) -> MachineState:
    return machine.executing.state


@dataclass(frozen=True, slots=True)
class _Lie:
    """After which step to strike, asked before each, and what to change then."""

    is_due: Callable[[LyingMachine], bool]
    strike: Callable[[LyingMachine], None]


_LIES: Final[Mapping[FaultKind, _Lie]] = {
    FaultKind.STATE_ROOT: _Lie(_in(Status.SEAL), _claim_other_state_root),
    FaultKind.BALANCE: _Lie(_in(Status.SETTLE), _steal),
    FaultKind.SKIPPED_TRANSACTION: _Lie(_offers_transaction, _drop_offered),
    FaultKind.INVENTED_TRANSACTION: _Lie(_runs_out_of_transactions, _mint_by_invented_deposit),
    FaultKind.RECEIPT: _Lie(_in(Status.RECEIPT), _flip_status),
    FaultKind.GAS: _Lie(_in(Status.RUN), _leave_gas),
    FaultKind.DERIVATION: _Lie(_in(Status.ORIGIN), _shift_time),
    FaultKind.MARGIN: _Lie(_divides_to_amount, _take_a_tenth),
    FaultKind.WITHDRAWAL: _Lie(_in(Status.RECEIPT), _forge_withdrawal),
    FaultKind.ATTACK: _Lie(_in(Status.RUN), _leave_gas),
}
