"""What an instruction of several steps remembers from one to the next: the bulk word.

Each is hashed with a tag of its own; the machine commits to the one pending, or to zero.
"""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from execution.machine.memory import View
from execution.machine.words import Word, commit, tag
from state.types import ZERO_HASH, Address, Hash32


@dataclass(frozen=True, slots=True)
class CopyOperation:
    """Bytes on the way into memory; `done` is the cursor."""

    TAG: ClassVar[Hash32] = tag("operation.copy")
    source: View
    start: int
    """Where in the source to begin; beyond its end it is zero."""
    destination: int
    size: int
    done: int = 0

    def words(self) -> tuple[Word, ...]:
        return (*self.source.words(), self.start, self.destination, self.size, self.done)


@dataclass(frozen=True, slots=True)
class SlotOperation:
    """SLOAD or SSTORE: access paid or to be paid with the rest, values still to be read."""

    TAG: ClassVar[Hash32] = tag("operation.slot")
    slot: int
    value: int = 0
    cold: bool = False
    original: int = 0

    def words(self) -> tuple[Word, ...]:
        return self.slot, self.value, self.cold, self.original


@dataclass(frozen=True, slots=True)
class CodeSizeOperation:
    """EXTCODESIZE of the code with this hash."""

    TAG: ClassVar[Hash32] = tag("operation.codesize")
    code_hash: Hash32

    def words(self) -> tuple[Word, ...]:
        return (self.code_hash,)


@dataclass(frozen=True, slots=True)
class CodeCopyOperation:
    """EXTCODECOPY of the code with this hash, paid for."""

    TAG: ClassVar[Hash32] = tag("operation.codecopy")
    code_hash: Hash32
    destination: int
    start: int
    size: int

    def words(self) -> tuple[Word, ...]:
        return self.code_hash, self.destination, self.start, self.size


@dataclass(frozen=True, slots=True)
class CallOperation:
    """A call, paid for; `gas` is the callee's, with the stipend."""

    TAG: ClassVar[Hash32] = tag("operation.call")
    gas: int
    code_address: Address
    code_hash: Hash32
    to: Address
    caller: Address
    value: int
    """What CALLVALUE pushes; ether moves only if `transfers`."""
    transfers: bool
    is_static: bool
    input: View
    output_start: int
    output_size: int

    def words(self) -> tuple[Word, ...]:
        return (
            self.gas,
            self.code_address,
            self.code_hash,
            self.to,
            self.caller,
            self.value,
            self.transfers,
            self.is_static,
            *self.input.words(),
            self.output_start,
            self.output_size,
        )


@dataclass(frozen=True, slots=True)
class InitcodeOperation:
    """CREATE or CREATE2, paid for, before its code is read; `salt` is zero for CREATE."""

    TAG: ClassVar[Hash32] = tag("operation.initcode")
    value: int
    start: int
    size: int
    salted: bool
    salt: int

    def words(self) -> tuple[Word, ...]:
        return self.value, self.start, self.size, self.salted, self.salt


@dataclass(frozen=True, slots=True)
class CreationOperation:
    """A creation with its address known and its gas taken from the creator."""

    TAG: ClassVar[Hash32] = tag("operation.creation")
    address: Address
    creator: Address
    value: int
    gas: int
    code_hash: Hash32

    def words(self) -> tuple[Word, ...]:
        return self.address, self.creator, self.value, self.gas, self.code_hash


@dataclass(frozen=True, slots=True)
class PrecompileOperation:
    """The precompile that the frame just entered runs."""

    TAG: ClassVar[Hash32] = tag("operation.precompile")
    address: Address

    def words(self) -> tuple[Word, ...]:
        return (self.address,)


@dataclass(frozen=True, slots=True)
class SelfdestructOperation:
    """SELFDESTRUCT in favour of an address whose access is paid for."""

    TAG: ClassVar[Hash32] = tag("operation.selfdestruct")
    beneficiary: Address

    def words(self) -> tuple[Word, ...]:
        return (self.beneficiary,)


Operation: TypeAlias = (
    CopyOperation
    | SlotOperation
    | CodeSizeOperation
    | CodeCopyOperation
    | CallOperation
    | InitcodeOperation
    | CreationOperation
    | PrecompileOperation
    | SelfdestructOperation
)


def operation_hash(operation: Operation | None) -> Hash32:
    """The bulk word."""
    return ZERO_HASH if operation is None else commit(operation.TAG, operation.words())
