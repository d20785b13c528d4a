"""Names and ABIs: own contracts, standards, hostile bytes, and words for failures."""

from typing import Any

import pytest
from eth_abi import encode
from hypothesis import given
from hypothesis import strategies as st

from execution.contracts.abi import clearing_house
from genesis.predeploys import CLEARING_HOUSE, CLEARING_HOUSE_MODULES, L1_BLOCK
from node.decoding.abi import Abi, arguments
from node.decoding.book import AddressBook, know_dev_accounts, l2_book
from node.decoding.failure import failure_text
from node.decoding.sources import read_source
from node.decoding.standards import standard_abi
from node.decoding.text import arguments_text, ether, printable, value_text
from node.decoding.trace import TracedCall
from state.keccak import keccak
from state.types import Address
from tests.clients.scenario import ARTIFACT

STRANGER = Address(b"\x77" * 20)
BOOK = l2_book()


def selector(signature: str) -> bytes:
    return keccak(signature.encode())[:4]


def failed(output: bytes, error: str = "execution reverted") -> TracedCall:
    return TracedCall("CALL", STRANGER, STRANGER, 0, 0, 0, b"", output, error)


def test_contracts_of_the_rollup_have_names() -> None:
    assert BOOK.name(CLEARING_HOUSE) == "ClearingHouse"
    assert BOOK.name(CLEARING_HOUSE_MODULES[0]) == "ClearingHouse Settlement"
    assert BOOK.name(L1_BLOCK) == "L1Block"
    assert BOOK.name(Address(bytes(19) + b"\x02")) == "sha256"
    assert BOOK.name(STRANGER) is None
    book = AddressBook()
    know_dev_accounts(book)
    assert any(book.name(one) == "dev account 0" for one in book._names)


def test_call_of_a_known_contract_has_names_and_structs() -> None:
    report = (5, 6, 27, b"\x01" * 32, b"\x02" * 32)
    data = clearing_house().call("reportPrice", 1, 33, [report])
    for address in (CLEARING_HOUSE, CLEARING_HOUSE_MODULES[2]):
        decoded = BOOK.call(address, data)
        assert decoded is not None
        text = arguments_text(decoded.arguments, BOOK.name)
        assert text.startswith("market: 1, round: 33, reports: [{price: 5, timestamp: 6, v: 27")
    assert BOOK.call(STRANGER, data) is None


def test_standards_are_known_at_any_address() -> None:
    data = selector("transfer(address,uint256)") + encode(
        ["address", "uint256"], ["0x" + "11" * 20, 5]
    )
    decoded = BOOK.call(STRANGER, data)
    assert decoded is not None
    assert arguments_text(decoded.arguments, BOOK.name) == (
        "to: 0x1111111111111111111111111111111111111111, value: 5"
    )
    result = BOOK.result(STRANGER, data, encode(["bool"], [True]))
    assert result is not None
    assert result[0].value is True


def test_events_of_one_topic_are_told_apart_by_their_indexed_arguments() -> None:
    transfer = keccak(b"Transfer(address,address,uint256)")
    who = bytes(12) + STRANGER
    amount = (7).to_bytes(32, "big")
    token = BOOK.event(STRANGER, [transfer, who, who], amount)
    collectible = BOOK.event(STRANGER, [transfer, who, who, amount], b"")
    assert token is not None
    assert collectible is not None
    assert [token.arguments[2].name, collectible.arguments[2].name] == ["value", "tokenId"]
    assert token.arguments[2].value == collectible.arguments[2].value == 7


def test_indexed_text_is_known_by_its_hash() -> None:
    named = {"type": "string", "name": "who", "indexed": True}
    abi = Abi([{"type": "event", "name": "Named", "inputs": [named]}])
    event = abi.event([keccak(b"Named(string)"), keccak(b"x")], b"")
    assert event is not None
    assert event.arguments[0].value == keccak(b"x")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (selector("Error(string)") + encode(["string"], ["no\x1b[31m"]), 'reverted: "no\\x1b[31m"'),
        (
            selector("Panic(uint256)") + encode(["uint256"], [0x11]),
            "panic 0x11: arithmetic underflow or overflow",
        ),
        (
            selector("Panic(uint256)") + encode(["uint256"], [0x99]),
            "panic 0x99: unknown panic code",
        ),
        (
            selector("ERC20InvalidSender(address)") + encode(["address"], ["0x" + "00" * 20]),
            "ERC20InvalidSender(sender: 0x0000000000000000000000000000000000000000)",
        ),
        (b"\x12\x34\x56\x78", "execution reverted: 0x12345678"),
        (selector("Error(string)") + b"\xff" * 40, None),
        (b"", "execution reverted"),
    ],
)
def test_failure_is_told_in_words(output: bytes, words: str | None) -> None:
    text = failure_text(failed(output), BOOK)
    assert text == words if words is not None else text.startswith("execution reverted: 0x08c379a0")


def test_errors_of_known_contracts_are_known_wherever_they_come_up() -> None:
    book = AddressBook()
    book.know(STRANGER, "Counter", read_source(ARTIFACT).abi)
    data = selector("NoStep(address)") + encode(["address"], ["0x" + "77" * 20])
    other = TracedCall(
        "CALL", STRANGER, Address(b"\x01" * 20), 0, 0, 0, b"", data, "execution reverted"
    )
    assert failure_text(other, book) == "NoStep(who: Counter)"


@given(st.binary(max_size=300), st.sampled_from(sorted(standard_abi().functions)))
def test_any_bytes_are_decoded_or_not_but_never_fail(data: bytes, head: bytes) -> None:
    for given_ in (data, head + data):
        BOOK.call(STRANGER, given_)
        BOOK.result(STRANGER, head, given_)
        BOOK.error(STRANGER, given_)
        topics = [given_[at : at + 32].ljust(32, b"\0") for at in range(0, len(given_), 32)][:4]
        BOOK.event(STRANGER, topics, given_)
        failure_text(failed(given_), BOOK)


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"type": "function"},
        {"type": "function", "name": "f", "inputs": 7},
        {"type": "event", "name": "e"},
    ],
)
def test_abi_that_makes_no_sense_is_passed_over(item: dict[str, Any]) -> None:
    assert Abi([item]).functions == {}


def test_structs_and_arrays_are_shown_with_names_and_cut() -> None:
    pair = {
        "type": "tuple[]",
        "name": "p",
        "components": [{"type": "uint8", "name": "a"}, {"type": "bytes", "name": "b"}],
    }
    data = encode(["(uint8,bytes)[]"], [[(n, b"\x01" * n) for n in range(20)]])
    shown = arguments_text(arguments([pair], data), BOOK.name)
    assert shown.startswith("p: [{a: 0, b: 0x}, {a: 1, b: 0x01}, ")
    assert shown.endswith("… (20 items)]")
    assert value_text("bytes", b"\x01" * 100, BOOK.name).endswith("… (100 bytes)")
    assert printable("x" * 300).endswith("… (300 characters)")
    assert [ether(10**18), ether(15 * 10**17), ether(1)] == [
        "1 ether",
        "1.5 ether",
        "0.000000000000000001 ether",
    ]


def test_proxy_is_known_by_the_contract_that_it_hands_calls_to() -> None:
    proxy, other = Address(b"\x78" * 20), Address(b"\x79" * 20)
    book = AddressBook()
    book.know(STRANGER, "Counter", read_source(ARTIFACT).abi)
    data = selector("move(int256)") + (3).to_bytes(32, "big")

    def handing(to: Address, kind: str, given: bytes) -> TracedCall:
        inner = TracedCall(kind, to, STRANGER, 0, 0, 0, given, b"", None)
        return TracedCall("CALL", STRANGER, to, 0, 0, 0, data, b"", None, [inner])

    book.learn_proxies(handing(other, "CALL", data))
    book.learn_proxies(handing(other, "DELEGATECALL", data[4:]))
    assert book.name(other) is None
    book.learn_proxies(handing(proxy, "DELEGATECALL", data + b"\x01"))
    assert book.name(proxy) == "Counter 0x7878…7878"
    decoded = book.call(proxy, data)
    assert decoded is not None
    assert decoded.name == "move"
