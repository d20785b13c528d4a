"""What need not run contracts starts without the EVM, which takes most of a second to load."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WITHOUT_EVM = (
    "node.p2p.host",
    *(
        f"node.cli.{name}"
        for name in ("accounts", "deposit", "devnet", "faucet", "l1", "rollup", "status", "trade",
                     "withdraw")
    ),
)  # fmt: skip
HEAVY = ("eth", "py_ecc")
SECONDS_MAX = 240


@pytest.mark.parametrize("module", WITHOUT_EVM)
def test_module_loads_no_evm(module: str) -> None:
    code = f"import sys, {module}; print([one for one in {HEAVY} if one in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=SECONDS_MAX,
    )  # fmt: skip
    assert loaded.stdout == "[]\n"
