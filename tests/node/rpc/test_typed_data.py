"""`eth_signTypedData_v4`: eth-account hashes the same, and nothing dubious is signed."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from node import limits
from node.rpc.errors import InvalidParams
from node.rpc.eth.typed_data import parse_typed_data
from tests.node.rpc.harness import DEV, NOBODY, RunningNode

ALICE = "0x" + DEV[0].address.hex()
STRANGER = "0x" + NOBODY.hex()

MAIL: dict[str, Any] = {
    "types": {
        "EIP712Domain": [
            {"name": "name", "type": "string"},
            {"name": "version", "type": "string"},
            {"name": "chainId", "type": "uint256"},
            {"name": "verifyingContract", "type": "address"},
        ],
        "Person": [{"name": "name", "type": "string"}, {"name": "wallets", "type": "address[]"}],
        "Mail": [
            {"name": "from", "type": "Person"},
            {"name": "to", "type": "Person[2]"},
            {"name": "contents", "type": "string"},
            {"name": "grid", "type": "int16[2][]"},
            {"name": "key", "type": "bytes4"},
            {"name": "attachment", "type": "bytes"},
            {"name": "urgent", "type": "bool"},
        ],
    },
    "primaryType": "Mail",
    "domain": {
        "name": "Ether Mail",
        "version": "1",
        "chainId": 424242,
        "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
    },
    "message": {
        "from": {"name": "Cow", "wallets": [ALICE, STRANGER]},
        "to": [{"name": "Bob", "wallets": []}, {"name": "🐄", "wallets": [STRANGER]}],
        "contents": "Hello, Bob!",
        "grid": [[-1, 32767], [0, -32768]],
        "key": "0xdeadbeef",
        "attachment": "0x1234",
        "urgent": True,
    },
}
"""Each kind of type there is, as EIP-712's own example has few of them."""


def theirs(typed: dict[str, Any]) -> bytes:
    """The digest as eth-account has it."""
    signable = encode_typed_data(full_message=typed)
    return keccak(b"\x19\x01" + signable.header + signable.body)


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    typed = deepcopy(MAIL)
    change(typed)
    return typed


@pytest.mark.parametrize("method", ["eth_signTypedData_v4", "eth_signTypedData"])
@pytest.mark.parametrize("written", [lambda typed: typed, json.dumps])
def test_signature_is_the_accounts_over_what_eth_account_hashes(
    node: RunningNode, method: str, written: Callable[[object], object]
) -> None:
    signature = node.call(method, ALICE, written(MAIL))
    signable = encode_typed_data(full_message=MAIL)
    assert Account.recover_message(signable, signature=signature).lower() == ALICE


def test_account_that_the_node_does_not_hold_is_refused(node: RunningNode) -> None:
    error = node.error("eth_signTypedData_v4", STRANGER, MAIL)
    assert (error["code"], error["message"]) == (-32000, "unknown account")


ATOMS: dict[str, st.SearchStrategy[Any]] = {
    "address": st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()),
    "bool": st.booleans(),
    "string": st.text(max_size=40),
    "bytes": st.binary(max_size=40).map(lambda raw: "0x" + raw.hex()),
    "bytes3": st.binary(min_size=3, max_size=3).map(lambda raw: "0x" + raw.hex()),
    "bytes32": st.binary(min_size=32, max_size=32).map(lambda raw: "0x" + raw.hex()),
    "uint8": st.integers(0, 255),
    "uint256": st.integers(0, 2**256 - 1).flatmap(lambda n: st.sampled_from([n, str(n), hex(n)])),
    "int24": st.integers(-(2**23), 2**23 - 1).flatmap(lambda n: st.sampled_from([n, str(n)])),
}


@st.composite
def typed_data(draw: st.DrawFn) -> dict[str, Any]:
    """Structs that refer to those after them, the first of which refers to all."""
    count = draw(st.integers(1, 4))
    types: dict[str, list[dict[str, str]]] = {}
    values: dict[str, st.SearchStrategy[Any]] = dict(ATOMS)
    for place in reversed(range(count)):
        name = f"Struct{place}"
        kinds = draw(st.lists(st.sampled_from(sorted(values)), max_size=4))
        if place == 0:
            kinds += [f"Struct{other}" for other in range(1, count)]
        of_member: dict[str, st.SearchStrategy[Any]] = {}
        types[name] = []
        for position, kind in enumerate(kinds):
            suffix = draw(st.sampled_from(["", "", "[]", "[2]", "[][1]"]))
            types[name].append({"name": f"m{position}", "type": kind + suffix})
            of_member[f"m{position}"] = suffixed(values[kind], suffix)
        values[name] = st.fixed_dictionaries(of_member)
    domain = {"name": "D", "version": "2", "chainId": 7, "salt": "0x" + "5a" * 32}
    chosen = draw(st.sets(st.sampled_from(sorted(domain))))
    return {
        "types": types,
        "primaryType": "Struct0",
        "domain": {name: value for name, value in domain.items() if name in chosen},
        "message": draw(values["Struct0"]),
    }


def suffixed(item: st.SearchStrategy[Any], suffix: str) -> st.SearchStrategy[Any]:
    if suffix == "[2]":
        return st.lists(item, min_size=2, max_size=2)
    if suffix == "[][1]":
        return st.lists(st.lists(item, max_size=2), min_size=1, max_size=1)
    return st.lists(item, max_size=3) if suffix else item


@given(typed_data())
@settings(deadline=None, max_examples=100)
def test_digest_is_eth_accounts(typed: dict[str, Any]) -> None:
    assert parse_typed_data(typed) == theirs(typed)


def test_type_that_refers_to_itself_is_hashed_as_far_as_its_value_goes() -> None:
    typed = {
        "types": {
            "Node": [{"name": "value", "type": "uint8"}, {"name": "children", "type": "Node[]"}]
        },
        "primaryType": "Node",
        "domain": {"name": "tree"},
        "message": {
            "value": 1,
            "children": [{"value": 2, "children": [{"value": 3, "children": []}]}],
        },
    }
    assert parse_typed_data(typed) == theirs(typed)


def test_type_without_an_end_has_no_value() -> None:
    """Such a value would need another within it, and so on."""
    loop = {"Loop": [{"name": "again", "type": "Loop"}]}
    message: dict[str, Any] = {}
    for _ in range(30):
        message = {"again": message}
    typed = {"types": loop, "primaryType": "Loop", "domain": {}, "message": message}
    with pytest.raises(InvalidParams, match=r"again is missing"):
        parse_typed_data(typed)


def test_domain_alone_may_be_signed() -> None:
    typed = {**MAIL, "primaryType": "EIP712Domain"}
    assert parse_typed_data(typed) != parse_typed_data(MAIL)
    assert parse_typed_data({**typed, "message": None}) == parse_typed_data(typed)


def test_domain_is_hashed_by_its_own_members_where_no_type_says_which() -> None:
    without = changed(lambda typed: typed["types"].pop("EIP712Domain"))
    assert parse_typed_data(without) == parse_typed_data(MAIL)


def _set(*path: str | int, to: object) -> Callable[[dict[str, Any]], object]:
    def change(typed: dict[str, Any]) -> None:
        place: Any = typed
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


PERSON = ("types", "Person", 0)
SELF = [{"name": "m", "type": "Mail"}]

WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no types": (lambda typed: typed.pop("types"), "not an object"),
    "no domain": (lambda typed: typed.pop("domain"), "not an object"),
    "no message": (lambda typed: typed.pop("message"), "message is no Mail"),
    "no primary type": (lambda typed: typed.pop("primaryType"), "not a string"),
    "unknown primary type": (_set("primaryType", to="Male"), "none of the types"),
    "atomic primary type": (_set("primaryType", to="uint256"), "none of the types"),
    "unknown type": (_set(*PERSON, "type", to="strin"), "no such type"),
    "type of odd size": (_set(*PERSON, "type", to="uint7"), "no such type"),
    "array of no type": (_set(*PERSON, "type", to="[]"), "no such type"),
    "array of no length": (_set(*PERSON, "type", to="string[0]"), "no such type"),
    "type with a name hidden in it": (_set(*PERSON, "type", to="string a,string"), "no such type"),
    "type that is no string": (_set(*PERSON, "type", to=5), "not a string"),
    "name of a member with a comma": (_set(*PERSON, "name", to="a,b"), "name of a member"),
    "name of a type with a bracket": (_set("types", "A(", to=SELF), "name of a type"),
    "atom as a struct": (_set("types", "uint8", to=SELF), "name of a type"),
    "members that are no list": (_set("types", "Mail", to={}), "are a list"),
    "member twice": (_set("types", "Self", to=SELF * 2), "the same name"),
    "member missing": (lambda typed: typed["message"].pop("key"), "message.key is missing"),
    "member null": (_set("message", "from", "name", to=None), "message.from.name is missing"),
    "domain's member missing": (lambda typed: typed["domain"].pop("name"), "domain.name is miss"),
    "struct that is a list": (_set("message", "from", to=[]), "message.from is no Person"),
    "list that is an object": (_set("message", "to", to={}), "message.to is no list"),
    "list of wrong length": (_set("message", "to", to=[]), "has 0 values and not 2"),
    "text that is a number": (_set("message", "contents", to=5), "not a string"),
    "half a surrogate pair": (_set("message", "contents", to="\ud800"), "surrogate"),
    "truth as a number": (_set("message", "urgent", to=1), "not true or false"),
    "bytes too short": (_set("message", "key", to="0xdead"), "2 bytes"),
    "bytes as text": (_set("message", "attachment", to="hello"), "0x-prefixed"),
    "odd hexadecimal": (_set("message", "attachment", to="0x1"), "hexadecimal"),
    "address too short": (_set("message", "from", "wallets", to=["0x12"]), "20 bytes"),
    "number out of range": (_set("message", "grid", 0, 1, to=32768), "out of range"),
    "number as a fraction": (_set("message", "grid", 0, 1, to=1.0), "not an integer"),
    "number as a truth": (_set("message", "grid", 0, 1, to=True), "not an integer"),
    "number with a gap": (_set("message", "grid", 0, 1, to="1_0"), "not an integer"),
    "number without digits": (_set("message", "grid", 0, 1, to="0x"), "not an integer"),
    "number of many digits": (_set("message", "grid", 0, 1, to="9" * 5000), "not an integer"),
    "too many values": (
        _set("message", "grid", to=[[0, 0]] * limits.RPC_TYPED_DATA_VALUES_MAX),
        "more than 10000 values",
    ),
    "too many types": (
        _set("types", to={f"T{place}": [] for place in range(65)}),
        "more than 64 types",
    ),
    "too many members": (
        _set("types", "Many", to=[{"name": f"m{n}", "type": "bool"} for n in range(512)]),
        "more than 512 members",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_typed_data_that_is_wrong_is_refused_with_what_is_wrong(name: str) -> None:
    change, reason = WRONG[name]
    with pytest.raises(InvalidParams) as refused:
        parse_typed_data(changed(change))
    assert reason in refused.value.message


@pytest.mark.parametrize("text", ["", "{", "[" * 100, "7", '"x"', "null", "[]", '{"types": 1}'])
def test_text_that_is_no_typed_data_is_refused(node: RunningNode, text: str) -> None:
    assert node.error("eth_signTypedData_v4", ALICE, text)["code"] == -32602


def test_unknown_member_of_an_untyped_domain_is_refused() -> None:
    typed = changed(lambda typed: typed["types"].pop("EIP712Domain"))
    typed["domain"]["chain"] = 1
    with pytest.raises(InvalidParams, match="not a member of a domain"):
        parse_typed_data(typed)
