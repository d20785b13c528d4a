"""What a frame can still pay, followed through an instruction that reads on between its charges."""

from execution.machine.frame import Frame
from execution.machine.gas import memory_gas
from execution.machine.memory import range_end


class Purse:
    """A frame's gas and the size of its memory, apart from the frame, which stays as it is."""

    __slots__ = ("gas", "size")

    def __init__(self, frame: Frame) -> None:
        self.gas = frame.gas
        self.size = len(frame.memory)

    def charge(self, amount: int) -> bool:
        """Take gas, if there is enough."""
        if self.gas < amount:
            return False
        self.gas -= amount
        return True

    def reach(self, start: int, size: int) -> bool:
        """Pay for memory that holds a range, if there is enough."""
        end = range_end(start, size)
        if end is None or not self.charge(max(0, memory_gas(end) - memory_gas(self.size))):
            return False
        self.size = max(self.size, end)
        return True
