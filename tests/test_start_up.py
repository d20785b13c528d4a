"""What need not run contracts starts without the EVM, which takes most of a second to load."""

import subprocess
import sys
from pathlib import Path

from tests.limits import WAIT_SECONDS_MAX

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = (
    "accounts",
    "deposit",
    "devnet",
    "faucet",
    "l1",
    "rollup",
    "status",
    "trade",
    "withdraw",
)
WITHOUT_EVM = ("node.p2p.host", *(f"node.cli.{name}" for name in COMMANDS))
HEAVY = ("eth", "py_ecc")


def test_p2p_host_and_commands_that_only_ask_load_no_evm() -> None:
    code = f"""
import importlib, sys
for module in {WITHOUT_EVM}:
    importlib.import_module(module)
    print(*(f"{{module}} loads {{heavy}}" for heavy in {HEAVY} if heavy in sys.modules), end="")
"""
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=WAIT_SECONDS_MAX,
    )  # fmt: skip
    assert loaded.stdout == ""
