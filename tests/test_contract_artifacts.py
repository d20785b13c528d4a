"""The committed artifacts are what the pinned compiler makes of the committed sources."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYOUTS = ROOT / "tests" / "storage_layouts.json"


def _load_compiler() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "compile_contracts", ROOT / "scripts" / "compile_contracts.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


compiler = _load_compiler()
UNITS = compiler.find_units()


def test_recompiled_sources_equal_the_artifacts() -> None:
    assert compiler.check(UNITS) == []


def test_every_artifact_has_a_source() -> None:
    assert compiler.find_orphans(UNITS) == []


def test_bytecode_of_a_contract_ignores_its_neighbours() -> None:
    """Its input holds what it imports and nothing else."""
    unit = next(u for u in UNITS if u.name == "DisputeGame")
    assert set(compiler.compiler_input(unit)["sources"]) == {
        "bridge/contracts/DisputeGame.sol",
        "bridge/contracts/interfaces/IDisputeGame.sol",
        "bridge/contracts/interfaces/IInbox.sol",
        "bridge/contracts/interfaces/IOneStepProver.sol",
        "bridge/contracts/interfaces/IRollup.sol",
        "bridge/contracts/libraries/Clock.sol",
        "bridge/contracts/libraries/CloneWithArgs.sol",
        "bridge/contracts/libraries/MachineHash.sol",
        "bridge/contracts/libraries/Position.sol",
    }


def _slots(unit: Any) -> list[str]:
    """A contract's state variables as lines: slot, byte, type, name."""
    layout = json.loads(unit.artifact_path.read_text(encoding="utf-8"))["storageLayout"]
    return [
        f"{e['slot']}+{e['offset']} {layout['types'][e['type']]['label']} {e['label']}"
        for e in layout["storage"]
    ]


L1 = ("Inbox", "Portal", "Rollup", "DisputeGame", "TestUSD")
L2_SYSTEM = tuple(u.name for u in UNITS if str(u.source).startswith("execution/contracts/system/"))
RECORDED = [u for u in UNITS if u.name in (*L1, *L2_SYSTEM)]


@pytest.mark.parametrize("unit", RECORDED, ids=lambda u: u.name)
def test_storage_layout_is_the_recorded_one(unit: Any) -> None:
    """Proofs, genesis and the node read storage by slot: a moved variable must be noticed.

    After a deliberate change put the new lines into tests/storage_layouts.json.
    """
    recorded = json.loads(LAYOUTS.read_text(encoding="utf-8"))
    assert recorded.get(unit.name) == _slots(unit)


def test_npm_lock_names_no_registry() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert name == "" or package["integrity"].startswith("sha512-"), name
