"""Small faults in the contracts' sources, each compiled into the one module that holds it."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from execution.contracts.abi import CLEARING_HOUSE_MODULES as NAMES
from genesis.predeploys import CLEARING_HOUSE_MODULES
from state.types import Address

ROOT = Path(__file__).resolve().parents[4]
CONTRACTS = "execution/contracts"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault: in the code of `module`, `right` in a file reads `wrong`."""

    name: str
    module: str
    file: str
    right: str
    wrong: str

    def __str__(self) -> str:
        return self.name


MUTANTS = (
    Mutant(
        "cost is released rounded for the trader",
        "Settlement",
        "libraries/PerpMath.sol",
        "(cost * int256(closed.abs())).ceilDiv(int256(size.abs()))",
        "(cost * int256(closed.abs())).floorDiv(int256(size.abs()))",
    ),
    Mutant(
        "funding is not settled",
        "Settlement",
        "Sides.sol",
        "side.trader.cash + payment + realised - side.fee",
        "side.trader.cash + realised - side.fee",
    ),
    Mutant(
        "the pool is not moved",
        "Settlement",
        "modules/Settlement.sol",
        "market.poolChange -= payment;",
        "payment;",
    ),
    Mutant(
        "open interest is not updated",
        "Settlement",
        "modules/Settlement.sol",
        "market.openInterest = uint256(int256(market.openInterest) + grown);",
        "market.openInterest += 0;",
    ),
    Mutant(
        "maintenance margin is enough to trade",
        "Settlement",
        "Sides.sol",
        "bool covered = equity >= int256(sums.initial);",
        "bool covered = equity >= int256(sums.maintenance);",
    ),
    Mutant(
        "cash moves to the wrong account",
        "Accounts",
        "modules/Accounts.sol",
        "_addCash(to, amount);",
        "_addCash(from, amount);",
    ),
    Mutant(
        "the liquidation fee is not capped",
        "Liquidation",
        "libraries/LiquidationMath.sol",
        "return uint256(due.min(equity).max(0));",
        "return equity < 0 ? uint256(due) : uint256(due);",
    ),
    Mutant(
        "insurance gets no fee",
        "Liquidation",
        "Workout.sol",
        "_moveInsurance(market, int256(fee));",
        "",
    ),
    Mutant(
        "insurance is not debited",
        "Insolvency",
        "Insurance.sol",
        "if (drawn != 0) _moveInsurance(market, -int256(drawn));",
        "if (drawn != 0) emit ILiquidation.InsuranceMoved(market, 0, held);",
    ),
    Mutant(
        "insurance is not debited by a takeover",
        "Backstop",
        "Insurance.sol",
        "if (drawn != 0) _moveInsurance(market, -int256(drawn));",
        "if (drawn != 0) emit ILiquidation.InsuranceMoved(market, 0, held);",
    ),
    Mutant(
        "a claim stays after it was paid",
        "Insolvency",
        "modules/Insolvency.sol",
        "delete closingClaims[key];",
        "",
    ),
    Mutant(
        "a short pays its holder's payoff to nobody",
        "Options",
        "modules/Options.sol",
        "ending.pool -= payment;\n        if (payment == 0) return 0;",
        "if (payment == 0) return 0;",
    ),
    Mutant(
        "withdrawals ignore known debts",
        "Accounts",
        "modules/Accounts.sol",
        "if (reportedDebt > insuranceTotal) revert",
        "if (reportedDebt > type(uint128).max - 1) revert",
    ),
)


def install(mutant: Mutant) -> dict[Address, bytes]:
    """The faulty module's code, by its address."""
    return {CLEARING_HOUSE_MODULES[NAMES.index(mutant.module)]: _compile(mutant)}


def _compile(mutant: Mutant) -> bytes:
    compiler = _compiler()
    unit = next(unit for unit in compiler.find_units() if unit.name == mutant.module)
    request = compiler.compiler_input(unit)
    source = request["sources"][f"{CONTRACTS}/{mutant.file}"]
    assert source["content"].count(mutant.right) == 1
    source["content"] = source["content"].replace(mutant.right, mutant.wrong)
    contract = _solve(request)["contracts"][str(unit.source)][unit.name]
    return bytes.fromhex(contract["evm"]["deployedBytecode"]["object"])


def _solve(request: dict[str, Any]) -> dict[str, Any]:
    """What the pinned compiler answers: its greeting comes on the line before."""
    process = subprocess.run(
        ["node", str(ROOT / "scripts" / "solc.js")],
        input=json.dumps(request) + "\n",
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(process.stdout.splitlines()[1])
    errors = [e["formattedMessage"] for e in answer.get("errors", []) if e["severity"] == "error"]
    assert not errors, errors
    return answer


@cache
def _compiler() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "compile_contracts", ROOT / "scripts" / "compile_contracts.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)
    spec.loader.exec_module(module)
    return module
