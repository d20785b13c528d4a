"""The names of the instructions, for people (Yellow Paper, appendix H.2, and the EIPs since)."""

from collections.abc import Iterator, Mapping
from typing import Final

_ROWS: Final[Mapping[int, str]] = {
    0x00: "STOP ADD MUL SUB DIV SDIV MOD SMOD ADDMOD MULMOD EXP SIGNEXTEND",
    0x10: "LT GT SLT SGT EQ ISZERO AND OR XOR NOT BYTE SHL SHR SAR",
    0x20: "KECCAK256",
    0x30: "ADDRESS BALANCE ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CALLDATACOPY"
    " CODESIZE CODECOPY GASPRICE EXTCODESIZE EXTCODECOPY RETURNDATASIZE RETURNDATACOPY"
    " EXTCODEHASH",
    0x40: "BLOCKHASH COINBASE TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID SELFBALANCE BASEFEE"
    " BLOBHASH BLOBBASEFEE",
    0x50: "POP MLOAD MSTORE MSTORE8 SLOAD SSTORE JUMP JUMPI PC MSIZE GAS JUMPDEST TLOAD TSTORE"
    " MCOPY PUSH0",
    0x60: " ".join(f"PUSH{size}" for size in range(1, 33)),
    0x80: " ".join(f"DUP{depth}" for depth in range(1, 17)),
    0x90: " ".join(f"SWAP{depth}" for depth in range(1, 17)),
    0xA0: "LOG0 LOG1 LOG2 LOG3 LOG4",
    0xF0: "CREATE CALL CALLCODE RETURN DELEGATECALL CREATE2",
    0xFA: "STATICCALL",
    0xFD: "REVERT INVALID SELFDESTRUCT",
}
"""By the opcode that a row begins with."""


def _named() -> Iterator[tuple[int, str]]:
    for first, row in _ROWS.items():
        yield from enumerate(row.split(), first)


MNEMONICS: Final[Mapping[int, str]] = dict(_named())
"""By opcode."""


def name_in_traces(opcode: int) -> str:
    """The name of an instruction as go-ethereum's traces and error messages have it."""
    return MNEMONICS.get(opcode, f"opcode {opcode:#x} not defined")


def mnemonic(opcode: int) -> str:
    """The name of an instruction; of an opcode without one, its number."""
    return MNEMONICS.get(opcode, f"0x{opcode:02x}")
