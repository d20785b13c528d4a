"""Functions and arguments as they are written on a command line."""

import pytest
from eth_abi.abi import encode

from execution.contracts.abi import UndecodableAnswer, clearing_house, interface
from node.abi_text import InvalidCall, find_function, plain, shown

ALICE = "0x" + "aa" * 20


@pytest.mark.parametrize(
    ("signature", "arguments", "types", "values"),
    [
        ("f()", [], [], []),
        ("f(uint,int8)", ["1_000", "-0x10"], ["uint256", "int8"], [1000, -16]),
        ("f(bool,string)", ["true", 'a "b", c'], ["bool", "string"], [True, 'a "b", c']),
        ("f(address)", ["Alice"], ["address"], [ALICE]),
        ("f(bytes,bytes4)", ["0x", "0x01020304"], ["bytes", "bytes4"], [b"", b"\1\2\3\4"]),
        ("f(uint8[2][])", ["[[1,2],[3,4]]"], ["uint8[2][]"], [[[1, 2], [3, 4]]]),
        ("f(uint8[])", ["[]"], ["uint8[]"], [[]]),
        (
            "f((uint8,(string,bool))[])",
            ['[(1,("a,b)",true)),(2,("",false))]'],
            ["(uint8,(string,bool))[]"],
            [[(1, ("a,b)", True)), (2, ("", False))]],
        ),
    ],
)
def test_written_arguments_are_encoded(signature, arguments, types, values) -> None:
    called = find_function(signature, None)

    assert called.call_data(arguments, {"Alice": ALICE})[4:] == encode(types, values)


@pytest.mark.parametrize(
    ("signature", "arguments"),
    [
        ("f(uint8)", ["256"]),
        ("f(uint8)", ["-1"]),
        ("f(uint8)", ["1.5"]),
        ("f(uint8)", []),
        ("f(bool)", ["1"]),
        ("f(address)", ["0x12"]),
        ("f(address)", ["Bob"]),
        ("f(bytes4)", ["0x010203040"]),
        ("f(bytes2)", ["0x010203"]),
        ("f(uint8[2])", ["[1]"]),
        ("f((uint8,uint8))", ["(1)"]),
        ("f(uint8[])", ["1"]),
    ],
)
def test_argument_that_does_not_fit_is_told(signature: str, arguments: list[str]) -> None:
    with pytest.raises(InvalidCall):
        find_function(signature, None).call_data(arguments, {})


@pytest.mark.parametrize(
    "text", ["f", "f(", "f(uint7)", "(uint8)", "f(uint8))", "f(nothing)", "f(uint8)(", "1f()"]
)
def test_text_that_is_no_signature_is_told(text: str) -> None:
    with pytest.raises(InvalidCall):
        find_function(text, None)


def test_results_are_decoded_by_the_signature_or_come_as_bytes() -> None:
    data = encode(["uint256", "bool"], [7, True])

    assert find_function("f()(uint256,bool)", None).results(data) == [("", 7), ("", True)]
    assert find_function("f()", None).results(data) == [("", data)]
    with pytest.raises(UndecodableAnswer):
        find_function("f()(string)", None).results(b"\1")


def test_known_contract_gives_types_and_names_by_the_function_name() -> None:
    balance = find_function("balanceOf", interface("CollateralToken"))

    assert balance.signature == "balanceOf(address)"
    assert balance.results(encode(["uint256"], [5])) == [("balance", 5)]
    with pytest.raises(InvalidCall, match="getMarket"):
        find_function("market", clearing_house())


def test_structs_come_with_the_names_of_their_members() -> None:
    standing = find_function("standing", clearing_house())
    ((_, found),) = standing.results(encode(["(int256,uint256,uint256,uint256,bool)"],
                                            [(1, 2, 3, 4, True)]))  # fmt: skip

    assert found["equity"] == 1
    assert found["stale"] is True


def test_values_for_json_keep_every_digit() -> None:
    value = {"a": 2**200, "b": [b"\1", True, None], "c": ALICE}

    assert plain(value) == {
        "a": str(2**200),
        "b": ["0x01", True, None],
        "c": "0xaAaAaAaaAaAaAaaAaAAAAAAAAaaaAaAaAaaAaaAa",
    }
    assert shown(5) == "5"


def test_text_of_strangers_moves_no_cursor() -> None:
    assert shown("\x1b[2Jgone") == "\\x1b[2Jgone"
    assert "\x1b" not in shown(["\x1b[2J"])
