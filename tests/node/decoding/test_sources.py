"""Whether an artifact is that of a code: compilers' formats, immutables, libraries, metadata."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.contracts import artifact as l1_artifact
from node.decoding.sources import (
    InvalidArtifact,
    parse_source,
    read_folder,
    read_source,
    without_metadata,
)
from tests.clients.scenario import ARTIFACT

ABI = [{"type": "function", "name": "f", "inputs": [], "outputs": []}]
IMMUTABLE = "7f" + "00" * 32
CODE = "6080604052" + IMMUTABLE + "5b600a"
METADATA = "a264" + "11" * 51
TAIL = METADATA + f"{len(METADATA) // 2:04x}"


def source(code: Any, **others: Any) -> Any:
    return parse_source({"abi": ABI, "deployedBytecode": code, **others}, "File", "File.json")


def test_formats_of_three_compilers_are_read() -> None:
    hardhat = source("0x" + CODE, contractName="Vault")
    foundry = source(
        {"object": "0x" + CODE, "immutableReferences": {"7": [{"start": 6, "length": 32}]}}
    )
    ours = source("0x" + CODE, immutableReferences=[[{"start": 6, "length": 32}]])
    assert (hardhat.name, foundry.name) == ("Vault", "File")
    assert foundry.holes == ours.holes == ((6, 32),)
    for one in (hardhat, foundry, ours):
        assert one.is_code_of(bytes.fromhex(CODE))
    assert parse_source(ABI, "Bare", "Bare.json").code is None


def test_code_differs_in_metadata_and_immutables_only() -> None:
    compiled = source("0x" + CODE + TAIL)
    deployed = CODE.replace("00" * 32, "ab" * 32)
    other_tail = TAIL.replace("11", "22")
    assert compiled.is_code_of(bytes.fromhex(deployed + other_tail))
    assert not compiled.is_code_of(bytes.fromhex(deployed.replace("600a", "600b") + TAIL))
    assert not compiled.is_code_of(bytes.fromhex(deployed + "00" + TAIL))
    assert not compiled.is_code_of(b"")


def test_addresses_of_libraries_may_be_any() -> None:
    placeholder = "__$" + "f" * 34 + "$__"
    linked = source("0x6080" + "73" + placeholder + "63")
    assert linked.is_code_of(bytes.fromhex("608073" + "ee" * 20 + "63"))
    library = source("0x73" + "00" * 20 + "3014")
    assert library.is_code_of(bytes.fromhex("73" + "ee" * 20 + "3014"))


@pytest.mark.parametrize("code", ["", "00", "ffff", "a2", "6001ffff", CODE])
def test_code_without_metadata_stays(code: str) -> None:
    assert without_metadata(bytes.fromhex(code)).hex() == code


def test_own_artifacts_are_read_as_any(tmp_path: Path) -> None:
    counter = read_source(ARTIFACT)
    assert counter.name == "Counter"
    assert counter.code is not None
    assert counter.is_code_of(counter.code)
    portal = l1_artifact("Portal")
    assert not counter.is_code_of(portal.deployed_bytecode)


@pytest.mark.parametrize(
    "content",
    ["", "{", "7", "{}", '{"abi": 7}', '{"abi": [7]}', '{"abi": [], "deployedBytecode": "0xzz"}'],
)
def test_file_that_is_no_artifact_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(InvalidArtifact, match=r"x\.json"):
        read_source(path)
    with pytest.raises(InvalidArtifact, match="No such file"):
        read_source(tmp_path / "missing.json")


def test_folder_gives_what_has_code_and_passes_over_the_rest(tmp_path: Path) -> None:
    nested = tmp_path / "contracts" / "Counter.sol"
    nested.mkdir(parents=True)
    (nested / "Counter.json").write_text(ARTIFACT.read_text())
    (nested / "Counter.dbg.json").write_text(ARTIFACT.read_text())
    (tmp_path / "cache.json").write_text("{}")
    (tmp_path / "IERC20.json").write_text(json.dumps({"abi": ABI, "deployedBytecode": "0x"}))
    assert [one.name for one in read_folder(tmp_path)] == ["Counter"]
