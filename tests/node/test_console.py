"""console.log in the node's log: every signature, formats, bounds, and the same blocks as ever."""

import logging
from itertools import product
from typing import Any

import pytest
from eth_abi import encode

from execution.evm.tracing import TracedEvm
from execution.simulate import CallRequest, World, estimate_gas
from execution.transition import Candidate, OpenBlock, context_of
from genesis.builder import GenesisAccount
from node.console import (
    CONSOLE_ADDRESS,
    ConsoleTracer,
    console_abi,
    console_line,
    listening_to_calls,
)
from node.limits import CONSOLE_BYTES_MAX, CONSOLE_LINE_CHARACTERS_MAX, CONSOLE_LINES_MAX
from state.keccak import keccak
from state.types import Address, Gas, Wei
from tests.execution.chain import MemoryChain, contract, funded, skip
from tests.execution.wallet import Wallet
from tests.node.rpc.debug.programs import assemble

TALKER = Address(b"\x7a" * 20)
VALUES: dict[str, Any] = {
    "uint256": 2**255,
    "int256": -7,
    "string": "hello",
    "bool": True,
    "address": "0x" + "ab" * 20,
    "bytes": b"\x01\x02",
    "bytes4": b"\xde\xad\xbe\xef",
}


def log(*types: str, values: tuple[Any, ...] | None = None, name: str = "") -> bytes:
    chosen = tuple(VALUES[one] for one in types) if values is None else values
    signature = name or f"log({','.join(types)})"
    return keccak(signature.encode())[:4] + encode(types, chosen)


def test_address_is_the_one_of_hardhat_and_foundry() -> None:
    assert CONSOLE_ADDRESS.hex() == "000000000000000000636f6e736f6c652e6c6f67"


@pytest.mark.parametrize(
    ("signature", "selector"),
    [
        # From Hardhat's and forge-std's console.sol.
        ("log()", "51973ec9"),
        ("log(string)", "41304fac"),
        ("log(uint256)", "f82c50f1"),
        ("log(int256)", "2d5b6cb9"),
        ("log(uint)", "f5b1bba9"),
        ("log(string,uint256)", "b60e72cc"),
        ("log(string,int256)", "3ca6268e"),
        ("log(address,address,address,address)", "665bf134"),
        ("log(bytes32)", "27b7cf85"),
    ],
)
def test_selectors_are_those_of_the_libraries(signature: str, selector: str) -> None:
    assert keccak(signature.encode())[:4].hex() == selector
    assert bytes.fromhex(selector) in console_abi().functions


def test_every_combination_of_up_to_four_is_understood() -> None:
    kinds = ("uint256", "string", "bool", "address")
    for count in range(5):
        for types in product(kinds, repeat=count):
            assert len(console_line(log(*types)).split(" ")) == max(count, 1)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (log("uint256", name="log(uint)", values=(5,)), "5"),
        (log("int256", name="log(int)", values=(-5,)), "-5"),
        (log("string", "int256"), "hello -7"),
        (log("bytes4"), "0xdeadbeef"),
        (log("address"), "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB"),
        (log("bool"), "true"),
        (log(), ""),
        (log("string", "uint256", values=("got %d of it", 5)), "got 5 of it"),
        (log("string", "uint256", "bool", values=("%s!", 5, False)), "5! false"),
        (log("string", "uint256", values=("100%% %x", 255)), "100% 0xff"),
        (log("string", values=("100%% %s",)), "100%% %s"),
        (log("string", "string", values=("%s %s", "one")), "one %s"),
        (
            log("string", values=("a\nconsole.log: \x1b[31mforged",)),
            "a\\nconsole.log: \\x1b[31mforged",
        ),
        (b"\x12\x34\x56\x78", "0x12345678"),
        (b"", "0x"),
    ],
)
def test_line_is_formatted_as_node_does_and_can_not_forge_others(data: bytes, line: str) -> None:
    assert console_line(data) == line


def test_long_line_is_cut() -> None:
    line = console_line(log("string", values=("x" * 10_000,)))
    assert len(line) < CONSOLE_LINE_CHARACTERS_MAX + 30
    assert line.endswith("… (10000 characters)")


# On a chain


def talker(data: bytes, *, times: int = 1, end: str = "STOP") -> GenesisAccount:
    """A contract that logs so many times, and ends so."""
    words = [data[at : at + 32].ljust(32, b"\0") for at in range(0, len(data), 32)]
    stores = " ".join(f"PUSH32 {w.hex()} PUSH2 {32 * i:04x} MSTORE" for i, w in enumerate(words))
    call = (
        f"PUSH0 PUSH0 PUSH3 {len(data):06x} PUSH0 PUSH20 {CONSOLE_ADDRESS.hex()} GAS STATICCALL POP"
    )
    return contract(assemble(" ".join([stores, *[call] * times, end])))


def heard(account: GenesisAccount, *, once: bool = False, times: int = 1) -> list[str]:
    """What is told of a block with so many calls of it, which is the block that it always is."""
    wallet, lines = Wallet(1), []
    chain = MemoryChain(funded(wallet) | {TALKER: account})
    tracer = ConsoleTracer(lines.append, once=once)
    block = OpenBlock(
        chain.head.header,
        chain.state,
        chain.attributes(),
        chain.config,
        chain.hash_of,
        lambda *given: TracedEvm(*given, tracer),
    )
    calls = [
        wallet.raw(to=TALKER, gas=Gas(5_000_000), value=Wei(0), nonce=nonce)
        for nonce in range(times)
    ]
    for raw in calls:
        assert block.offer(Candidate(raw)) is None
    assert block.seal().sealed.header == chain.execute(skip(*calls)).sealed.header
    return lines


def test_transactions_are_heard_and_the_block_is_the_same() -> None:
    assert heard(talker(log("string", "bool")), times=2) == ["hello true"] * 2


def test_failed_transaction_is_heard_too() -> None:
    assert heard(talker(log("int256"), end="INVALID")) == ["-7"]


def test_simulation_is_heard_once() -> None:
    assert heard(talker(log("int256")), times=3, once=True) == ["-7"]


def test_lines_of_a_transaction_are_bounded() -> None:
    lines = heard(talker(log("int256"), times=CONSOLE_LINES_MAX + 5))
    assert len(lines) == CONSOLE_LINES_MAX + 1
    assert lines[-1] == "… and 5 lines more of this transaction"


def test_bytes_of_a_transaction_are_bounded() -> None:
    size = 2**14
    times = CONSOLE_BYTES_MAX // size + 3
    lines = heard(talker(log("string", values=("x" * size,)), times=times))
    assert len(lines) < times
    assert lines[-1].startswith("… and ")


def test_nodes_log_has_the_line_after_its_name(caplog: pytest.LogCaptureFixture) -> None:
    wallet = Wallet(1)
    chain = MemoryChain(funded(wallet) | {TALKER: talker(log("string"))})
    context = context_of(chain.head.header, chain.config, chain.hash_of)
    request = CallRequest(sender=wallet.address, to=TALKER)
    with caplog.at_level(logging.INFO, "tallystick.console"):
        world = World(chain.state, context, chain.config, engine=listening_to_calls())
        gas = estimate_gas(world, request)
        assert caplog.messages == ["console.log: hello"]
    assert estimate_gas(World(chain.state, context, chain.config), request) == gas
    assert caplog.messages == ["console.log: hello"]
