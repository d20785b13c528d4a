"""LOG0 to LOG4 (a0s)."""

from typing import Final

from execution.evm.size_rules import SizeRule
from execution.machine.chain import Link
from execution.machine.failure import AboveSizeRule
from execution.machine.frame import Frame
from execution.machine.gas import LOG_BYTE, LOG_TOPIC
from execution.machine.opcodes.instruction import Family, Instruction, Logic
from execution.machine.opcodes.storage import require_writable
from execution.machine.records import LogRecord, encode_log
from execution.machine.state import MachineState
from state.blocks import Log
from state.types import Hash32


def _log(topic_count: int) -> Logic:
    def logic(machine: MachineState, frame: Frame) -> None:
        require_writable(frame)
        stack = frame.stack
        start, size = stack.pop(), stack.pop()
        topics = tuple(Hash32(stack.pop().to_bytes(32, "big")) for _ in range(topic_count))
        machine.charge(frame, LOG_TOPIC * topic_count + LOG_BYTE * size)
        machine.reach(frame, start, size)
        _append(machine, Log(frame.address, topics, frame.memory.read(start, size)))

    return logic


def _append(machine: MachineState, log: Log) -> None:
    before = 0 if machine.logs is None else machine.logs.item.bytes_so_far
    total = before + len(encode_log(log))
    if machine.exceeds(SizeRule.LOGS, total):
        raise AboveSizeRule(SizeRule.LOGS, total)
    machine.logs = Link(LogRecord(log, total), machine.logs)


LOGS: Final[Family] = {
    0xA0 + count: Instruction(375, 2 + count, 0, _log(count)) for count in range(5)
}
