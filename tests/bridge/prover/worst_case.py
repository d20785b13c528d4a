"""A state whose step is as dear on L1 as that kind of step can be, and what makes it so."""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.machine.block_machine import BlockMachine
from bridge.machine.witness import block_witness
from execution.machine.opcodes.mnemonics import mnemonic
from execution.machine.status import Outcome, Status
from execution.machine.witness.step import step_witness
from tests.bridge.prover.court import Exhibit
from tests.execution.machine.world import Run


@dataclass(frozen=True, slots=True)
class WorstCase:
    """A state before a step, made when it is asked for."""

    status: Status
    what: str
    """What is as large as can be."""
    make: Callable[[], Exhibit]
    opcode: int | None = None
    """In RUN."""

    @property
    def name(self) -> str:
        step = self.status.name if self.opcode is None else f"RUN {mnemonic(self.opcode)}"
        return f"{step}: {self.what}"


def exhibit(run: Run, fails: bool = False) -> Exhibit:
    """The next step of a machine. It must be one that goes through to its end."""
    before, witness = run.machine.machine_hash(), step_witness(run.state)
    run.machine.step()
    frame = run.state.frame
    failed = frame is not None and frame.outcome is Outcome.FAILURE
    assert failed == fails, "fails early" if failed else "does not fail"
    return Exhibit(before, witness, run.machine.machine_hash())


def block_exhibit(machine: BlockMachine) -> Exhibit:
    """The next step of a block."""
    before, witness = machine.machine_hash(), block_witness(machine)
    machine.step()
    prefix = machine.ground.prefix
    items = tuple(item for n in range(prefix.count) if (item := prefix.item(n)) is not None)
    after = machine.machine_hash()
    return Exhibit(before, witness, after, l2_block=int(machine.last_block), items=items)
