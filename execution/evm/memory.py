"""Memory of one frame: py-evm's, without checking at each write what the caller has made sure."""

from eth.vm.memory import Memory as EthMemory

MEMORY_GAS = 3
"""For each 32-byte word (Yellow Paper, appendix G)."""

MEMORY_QUADRATIC_DIVISOR = 512
"""words^2 / 512 more: what makes large memory dear."""


def expansion_gas(have: int, end: int) -> int:
    """The price of growing from `have` bytes to hold byte `end - 1`."""
    before, after = have >> 5, (end + 31) >> 5
    return (
        MEMORY_GAS * (after - before)
        + after * after // MEMORY_QUADRATIC_DIVISOR
        - before * before // MEMORY_QUADRATIC_DIVISOR
    )


class Memory(EthMemory):
    """Bytes that grow in words; every access has been paid for, and so lies within."""

    __slots__ = ()

    def extend(self, start_position: int, size: int) -> None:
        """Grow to hold `size` bytes from `start_position`."""
        if size:
            words = (start_position + size + 31) >> 5
            missing = (words << 5) - len(self._bytes)
            if missing > 0:
                try:
                    self._bytes += bytes(missing)
                except BufferError:
                    # A callee's input still looks at the old bytes, which it may keep.
                    self._bytes = self._bytes + bytes(missing)

    def write(self, start_position: int, size: int, value: bytes) -> None:
        if size:
            self._bytes[start_position : start_position + size] = value

    def read_bytes(self, start_position: int, size: int) -> bytes:
        if size == 0:
            return b""
        return bytes(memoryview(self._bytes)[start_position : start_position + size])

    def view(self, start_position: int, size: int) -> memoryview | bytes:
        """The bytes without copying them: a callee's input, since its caller waits meanwhile."""
        return memoryview(self._bytes)[start_position : start_position + size] if size else b""

    def copy(self, destination: int, source: int, length: int) -> None:
        if length:
            view = self._bytes
            view[destination : destination + length] = view[source : source + length]
