"""Where the official Ethereum tests lie: $ETHEREUM_TESTS, or beside the repository."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "ethereum-tests"


def official_tests(relative: str) -> dict[str, Any]:
    """The cases of one file of the official tests; skips the test where they are not here."""
    path = Path(os.environ.get("ETHEREUM_TESTS", _BESIDE)) / relative
    if not path.exists():
        pytest.skip(f"{path} is missing: set ETHEREUM_TESTS to a copy of ethereum/tests")
    cases: dict[str, Any] = json.loads(path.read_text())
    return cases


def text_or_hex(text: str) -> bytes:
    """A byte string as those files write it: hex after 0x, else text."""
    return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode("latin-1")
