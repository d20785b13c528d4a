"""The operand stack: py-evm's interface, on a list of integers.

py-evm keeps integers and bytes as they come and converts when they are popped. Converting when
they are pushed costs less, for most values are popped as integers and many more than once.
"""

from eth.exceptions import FullStack, InsufficientStack

from execution.evm.limits import STACK_ITEMS_MAX


class OperandStack:
    """What a computation needs of a stack; mixed into it, so that an access is one call."""

    stack: list[int]

    def stack_push_int(self, value: int) -> None:
        """Push a 256-bit word. Raises `FullStack`."""
        stack = self.stack
        if len(stack) >= STACK_ITEMS_MAX:
            raise FullStack("stack limit reached")
        stack.append(value)

    def stack_push_bytes(self, value: bytes) -> None:
        """Push up to 32 bytes, big-endian. Raises `FullStack`."""
        self.stack_push_int(int.from_bytes(value, "big"))

    def stack_pop1_int(self) -> int:
        """Pop a word. Raises `InsufficientStack`."""
        try:
            return self.stack.pop()
        except IndexError:
            raise InsufficientStack("stack underflow (0 <=> 1)") from None

    stack_pop1_any = stack_pop1_int

    def stack_pop1_bytes(self) -> bytes:
        """Pop a word as bytes without leading zeros. Raises `InsufficientStack`."""
        value = self.stack_pop1_int()
        return value.to_bytes((value.bit_length() + 7) // 8, "big")

    def stack_pop_ints(self, num_items: int) -> list[int]:
        """Pop words, the topmost first. Raises `InsufficientStack`, popping none."""
        stack = self.stack
        popped = stack[-num_items:]
        if len(popped) < num_items:
            raise InsufficientStack(f"stack underflow ({len(popped)} <=> {num_items})")
        del stack[-num_items:]
        popped.reverse()
        return popped

    stack_pop_any = stack_pop_ints

    def stack_dup(self, position: int) -> None:
        """Push the word at `position`, the topmost being 1."""
        stack = self.stack
        if len(stack) < position:
            raise InsufficientStack(f"stack underflow ({len(stack)} <=> {position})")
        self.stack_push_int(stack[-position])

    def stack_swap(self, position: int) -> None:
        """Exchange the topmost word and the one `position` below it."""
        stack = self.stack
        if len(stack) <= position:
            raise InsufficientStack(f"stack underflow ({len(stack)} <=> {position + 1})")
        stack[-1], stack[-1 - position] = stack[-1 - position], stack[-1]
