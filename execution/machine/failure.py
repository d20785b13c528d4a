"""How an instruction fails: one way, whatever the reason.

    Failure
    ├── OutOfGas            not enough gas, or an operand that no gas could pay for
    │   └── CodeTooLong     initcode (EIP-3860) or deployed code (EIP-170)
    ├── AboveSizeRule       an input beyond a size rule of this chain
    ├── StackUnderflow, StackOverflow
    ├── UndefinedOpcode, InvalidJump, ReturnDataOutOfBounds
    ├── WriteProtection     a write inside a STATICCALL (EIP-214)
    ├── InvalidCode         deployed code begins with 0xEF (EIP-3541)
    └── PrecompileRefused   input that a precompile doesn't take

The reasons are for people, and for reports of what was proven.
"""

from execution.evm.size_rules import SizeRule


class Failure(Exception):
    """The frame fails: its gas is gone and its changes are undone."""


class OutOfGas(Failure):
    """Not enough gas, or an operand that no gas could pay for."""


class CodeTooLong(OutOfGas):
    """More bytes than a creation may run (EIP-3860) or leave behind (EIP-170)."""

    def __init__(self, size: int, size_max: int) -> None:
        super().__init__(f"code of {size} bytes, above {size_max}")


class AboveSizeRule(Failure):
    """An input that is too large whatever is paid (docs/chain-rules.md)."""

    def __init__(self, rule: SizeRule, amount: int) -> None:
        super().__init__(f"chain rule: {rule}, and not {amount}")


class StackUnderflow(Failure):
    """Fewer items on the stack than the instruction takes."""

    def __init__(self, opcode: int, size: int) -> None:
        super().__init__(f"stack underflow at opcode 0x{opcode:02x}: {size} items")


class StackOverflow(Failure):
    """No room on the stack for what the instruction gives."""

    def __init__(self, opcode: int, size: int) -> None:
        super().__init__(f"stack overflow at opcode 0x{opcode:02x}: {size} items")


class UndefinedOpcode(Failure):
    """An opcode that Cancun doesn't have, or INVALID (EIP-141)."""


class InvalidJump(Failure):
    """A jump to what is no JUMPDEST."""

    def __init__(self, target: int) -> None:
        super().__init__(f"no JUMPDEST at {target}")


class ReturnDataOutOfBounds(Failure):
    """RETURNDATACOPY beyond the return data's end (EIP-211)."""

    def __init__(self, end: int, length: int) -> None:
        super().__init__(f"return data of {length} bytes read up to {end}")


class WriteProtection(Failure):
    """State is read-only inside a STATICCALL (EIP-214)."""


class InvalidCode(Failure):
    """Deployed code begins with 0xEF (EIP-3541)."""


class PrecompileRefused(Failure):
    """Input that a precompile doesn't take: no point, a wrong length, a proof that doesn't hold."""
