"""Status RUN: what an instruction's verifier reads, by opcode.

Every verifier stops reading where its instruction fails, so each function here follows its own
verifier in the contracts read by read.
"""

from typing import Final

from execution.evm.limits import STACK_ITEMS_MAX
from execution.machine.opcodes.table import TABLE
from execution.machine.state import MachineState
from execution.machine.witness import (
    accounts,
    calls,
    control,
    creates,
    destructs,
    environment,
    logs,
    memory,
    storage,
)
from execution.machine.witness.functions import InstructionWitnesses
from execution.machine.witness.stack import write_items
from execution.machine.witness.trees import tree_of
from execution.machine.witness.writer import WitnessWriter
from execution.machine.words import WORD_BYTES


def write_instruction(state: MachineState, writer: WitnessWriter) -> None:
    """Code word, then what the opcode reads unless stack or fixed gas fail it."""
    frame = state.running_frame
    code = frame.program
    tree_of(code.view.memory).write_word(writer, frame.pc // WORD_BYTES)
    opcode = code.padded[frame.pc]
    gas, takes, gives, _ = TABLE[opcode]
    size = len(frame.stack)
    if size < takes or size - takes + gives > STACK_ITEMS_MAX or frame.gas < gas:
        return
    special = SPECIAL.get(opcode)
    if special is None:
        write_items(writer, frame, takes)
    else:
        special(state, frame, writer)


SPECIAL: Final[InstructionWitnesses] = {
    **control.INSTRUCTIONS,
    **environment.INSTRUCTIONS,
    **accounts.INSTRUCTIONS,
    **memory.INSTRUCTIONS,
    **logs.INSTRUCTIONS,
    **storage.INSTRUCTIONS,
    **calls.INSTRUCTIONS,
    **creates.INSTRUCTIONS,
    **destructs.INSTRUCTIONS,
}
"""Instructions that read anything else than the items they take."""
