"""Contracts that do one of everything a trace can tell, in assembly."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from execution.machine.opcodes.mnemonics import MNEMONICS
from genesis.builder import GenesisAccount
from state.types import Address, Wei
from tests.bridge.conftest import Anvil
from tests.node.rpc.harness import L2_CONFIG

ANVIL_SECONDS_MAX = 60.0

_OPCODES: Final = {name: opcode for opcode, name in MNEMONICS.items()}


def assemble(text: str) -> bytes:
    """Bytes of a program: mnemonics, and after PUSHn its operand in hexadecimal."""
    code = bytearray()
    operand = 0
    for token in text.split():
        if operand:
            code += int(token, 16).to_bytes(operand, "big")
            operand = 0
            continue
        opcode = _OPCODES[token]
        code.append(opcode)
        if token.startswith("PUSH"):
            operand = opcode - _OPCODES["PUSH0"]
    return bytes(code)


def place(number: int) -> Address:
    return Address(bytes([0xC0]) + bytes(18) + bytes([number]))


WORKER, REVERTER, BURNER, JUMPER, UNDERFLOWER, INVALID, STOPPER, DESTROYER = map(place, range(1, 9))
WRITER, PANICKER, COUNTER, CREATOR, POOR, EVERYTHING = map(place, range(9, 15))


def called(kind: str, to: Address, *, gas: str = "ffffff", value: str = "00") -> str:
    """A call with the first four bytes of memory as input, its result dropped."""
    paid = f"PUSH1 {value}" if kind in ("CALL", "CALLCODE") else ""
    return f"PUSH1 20 PUSH1 40 PUSH1 04 PUSH0 {paid} PUSH20 {to.hex()} PUSH3 {gas} {kind} POP"


_REASON = "08c379a0" + f"{32:064x}" + f"{5:064x}" + b"no go".hex().ljust(64, "0")


def _revert_with(data: str) -> str:
    """Put data into memory word by word, and revert with it."""
    raw = bytes.fromhex(data)
    words = [raw[at : at + 32].ljust(32, b"\0") for at in range(0, len(raw), 32)]
    stores = " ".join(f"PUSH32 {w.hex()} PUSH2 {32 * i:04x} MSTORE" for i, w in enumerate(words))
    return f"{stores} PUSH2 {len(raw):04x} PUSH0 REVERT"


_PROGRAMS: Final[Mapping[Address, str]] = {
    WORKER: (
        "PUSH1 07 PUSH1 01 SSTORE PUSH1 01 SLOAD PUSH1 20 MSTORE PUSH0 PUSH1 01 SSTORE"
        " PUSH1 aa PUSH1 20 PUSH1 20 LOG1 PUSH1 09 PUSH0 TSTORE PUSH0 TLOAD POP"
        " PUSH1 20 PUSH1 20 RETURN"
    ),
    REVERTER: "PUSH1 01 PUSH1 02 SSTORE PUSH1 05 PUSH0 PUSH0 LOG1 " + _revert_with(_REASON),
    BURNER: "JUMPDEST PUSH1 01 PUSH1 03 SSTORE PUSH0 JUMP",
    JUMPER: "PUSH1 20 PUSH1 30 JUMP",
    UNDERFLOWER: "PUSH1 01 ADD",
    INVALID: "PUSH1 01 INVALID",
    STOPPER: "CALLER POP CALLVALUE POP CALLDATASIZE POP",
    DESTROYER: "CALLER SELFDESTRUCT",
    WRITER: "PUSH1 01 PUSH1 05 SSTORE",
    PANICKER: _revert_with("4e487b71" + f"{0x11:064x}"),
    COUNTER: "PUSH0 SLOAD PUSH1 01 ADD PUSH0 SSTORE",
    # Creations: one that deploys a byte, one that pays too much, one that reverts, one that
    # destroys itself, and a second CREATE2 that collides with the first and burns what is left.
    CREATOR: (
        "PUSH9 60005f5360015ff300 PUSH0 MSTORE PUSH1 08 PUSH1 17 PUSH0 CREATE EXTCODESIZE POP"
        " PUSH1 08 PUSH1 17 PUSH3 ffffff CREATE POP"
        " PUSH5 60205ffd00 PUSH0 MSTORE PUSH1 04 PUSH1 1b PUSH0 CREATE RETURNDATASIZE POP POP"
        " PUSH2 33ff PUSH0 MSTORE PUSH1 02 PUSH1 1e PUSH1 01 CREATE POP"
        " PUSH9 60005f5360015ff300 PUSH0 MSTORE"
        " PUSH1 07 PUSH1 08 PUSH1 17 PUSH0 CREATE2 POP PUSH1 07 PUSH1 08 PUSH1 17 PUSH0 CREATE2"
    ),
    POOR: called("CALL", STOPPER, value="ff"),
}


def _everything() -> str:
    """Calls each of the others, each in a way of its own, and three precompiles."""
    begin = "PUSH32 11223344" + "00" * 28 + " PUSH0 MSTORE"
    calls = [
        called("CALL", WORKER),
        called("DELEGATECALL", WORKER),
        called("CALLCODE", WORKER),
        called("STATICCALL", WORKER, gas="00ffff"),
        called("CALL", REVERTER) + " RETURNDATASIZE POP",
        called("CALL", BURNER, gas="00ffff"),
        called("CALL", JUMPER, gas="00ffff"),
        called("CALL", UNDERFLOWER, gas="00ffff"),
        called("CALL", INVALID, gas="00ffff"),
        called("CALL", STOPPER, value="03"),
        called("CALL", DESTROYER),
        called("STATICCALL", WRITER, gas="00ffff"),
        called("DELEGATECALL", PANICKER),
        called("CALL", CREATOR, gas="0fffff", value="10"),
        called("CALL", POOR),
        called("CALL", place(0x99), value="01"),
        called("STATICCALL", Address(bytes(19) + b"\x02")),
        called("STATICCALL", Address(bytes(19) + b"\x04")),
        called("CALL", Address(bytes(19) + b"\x02"), gas="000010"),
        called("CALL", COUNTER),
    ]
    end = "PUSH1 20 PUSH1 40 RETURN"
    return " ".join([begin, *calls, end])


CODES: Final[dict[Address, bytes]] = {
    **{address: assemble(text) for address, text in _PROGRAMS.items()},
    EVERYTHING: assemble(_everything()),
}

ALLOC: Final = {
    address: GenesisAccount(balance=Wei(0), nonce=1, code=code) for address, code in CODES.items()
}
"""What a chain must hold for them to run."""


@contextmanager
def anvil_with_programs() -> Iterator[Anvil]:
    """An anvil with the same contracts and chain id, which remembers instructions."""
    anvil = Anvil("--steps-tracing", "--hardfork", "cancun", "--chain-id", str(L2_CONFIG.chain_id))
    try:
        for address, code in CODES.items():
            anvil.ask("anvil_setCode", "0x" + address.hex(), "0x" + code.hex())
            anvil.ask("anvil_setNonce", "0x" + address.hex(), "0x1")
        yield anvil
    finally:
        anvil.remove()


def mined_by_anvil(anvil: Anvil, raw: str) -> str:
    """Send a transaction to it, and wait until it is in a block; the hash."""
    hash_ = str(anvil.ask("eth_sendRawTransaction", raw))
    deadline = time.monotonic() + ANVIL_SECONDS_MAX
    while anvil.ask("eth_getTransactionReceipt", hash_) is None:
        assert time.monotonic() < deadline, "anvil does not mine"
    return hash_
