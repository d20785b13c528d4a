"""Artifacts that are damaged say so, and what to do."""

import json
from pathlib import Path

import pytest

import bridge.contracts
import execution.contracts
import tests.contracts
from genesis.artifacts import ArtifactDamaged, load_artifact
from genesis.predeploys import (
    COLLATERAL_TOKEN,
    DEPOSITOR,
    GOVERNANCE,
    L1_BLOCK,
    L2_CROSS_DOMAIN_MESSENGER,
    L2_TO_L1_MESSAGE_PASSER,
)
from tests.contracts.vm import Vm


def test_artifact_has_code_and_layout() -> None:
    passer = execution.contracts.artifact("L2ToL1MessagePasser")
    assert passer.name == "L2ToL1MessagePasser"
    assert passer.slot("sentMessages") == 0
    assert passer.predeploy_code == passer.deployed_bytecode
    assert passer.bytecode.endswith(passer.deployed_bytecode)


def test_unknown_variable_is_refused() -> None:
    with pytest.raises(KeyError, match="no state variable nonsense"):
        execution.contracts.artifact("L1Block").slot("nonsense")


def test_contract_with_immutables_is_no_predeploy() -> None:
    with pytest.raises(ValueError, match="immutables"):
        _ = bridge.contracts.artifact("Inbox").predeploy_code


@pytest.mark.parametrize(
    "text", [None, "", "{}", "[]", '{"contractName": "X"}', '{"abi": [], "bytecode": "60"}']
)
def test_damaged_artifact_names_the_remedy(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "X.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ArtifactDamaged, match="compile_contracts"):
        load_artifact(path)


def test_artifact_with_bad_bytecode_is_refused(tmp_path: Path) -> None:
    source = Path(execution.contracts.__file__).parent / "artifacts" / "L1Block.json"
    fields = json.loads(source.read_text())
    fields["bytecode"] = fields["bytecode"][2:]
    (tmp_path / "L1Block.json").write_text(json.dumps(fields))
    with pytest.raises(ArtifactDamaged, match="0x"):
        load_artifact(tmp_path / "L1Block.json")


def test_predeploys_in_solidity_are_those_of_genesis() -> None:
    vm = Vm()
    harness = vm.deploy(tests.contracts.artifact("LibraryHarness"))
    answer = vm.call(harness, "predeploys()")
    expected = (
        L2_CROSS_DOMAIN_MESSENGER,
        L1_BLOCK,
        L2_TO_L1_MESSAGE_PASSER,
        COLLATERAL_TOKEN,
        GOVERNANCE,
        DEPOSITOR,
    )
    assert answer == b"".join(address.rjust(32, b"\0") for address in expected)
