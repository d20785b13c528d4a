"""LOG0 to LOG4: what the verifiers read."""

from typing import Final

from execution.evm.limits import LOGS_BYTES_MAX
from execution.machine.chain import list_hash
from execution.machine.frame import Frame
from execution.machine.gas import LOG_BYTE, LOG_TOPIC
from execution.machine.opcodes.table import TABLE
from execution.machine.state import MachineState
from execution.machine.witness.functions import InstructionWitness, InstructionWitnesses
from execution.machine.witness.memory import can_reach, memory_tree
from execution.machine.witness.stack import write_items
from execution.machine.witness.trees import write_bytes
from execution.machine.witness.writer import WitnessWriter

LOG0, TOPICS_MAX = 0xA0, 4


def _log(topics: int) -> InstructionWitness:
    fixed = TABLE[LOG0 + topics].gas + LOG_TOPIC * topics

    def write(state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
        if frame.is_static:
            return
        write_items(writer, frame, 2 + topics)
        start, size = frame.stack[-1], frame.stack[-2]
        if size > LOGS_BYTES_MAX or not can_reach(frame, fixed + LOG_BYTE * size, start, size):
            return
        write_last_log(writer, state)
        write_bytes(writer, memory_tree(frame), start, size)

    return write


def write_last_log(writer: WitnessWriter, state: MachineState) -> None:
    """The last link of the list of logs; nothing where there is none."""
    if state.logs is not None:
        _, words = state.logs.item.link()
        writer.words((list_hash(state.logs.previous), *words))


INSTRUCTIONS: Final[InstructionWitnesses] = {
    LOG0 + topics: _log(topics) for topics in range(TOPICS_MAX + 1)
}
