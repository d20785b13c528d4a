"""Every example in the help of commands, typed on a devnet."""

import re
from pathlib import Path
from typing import Final

import pytest

from genesis.accounts import dev_accounts
from genesis.predeploys import COLLATERAL_TOKEN
from node.cli.main import PROGRAM
from node.cli.reference import reference
from tests.docs.pages import commands_of
from tests.docs.terminal import type_page

EXAMPLES: Final = re.findall(rf"^(?:[A-Z_]+=\S+ )?{PROGRAM} .+$", reference(), re.M)
PAGE: Final = Path(__file__).with_name("help-examples.md").read_text()
SHORTENED: Final = {
    "0x7099…79C8": f"0x{dev_accounts()[1].address.hex()}",
    "0x4200…0100": f"0x{COLLATERAL_TOKEN.hex()}",
    "0xA0b8…eB48": f"0x{COLLATERAL_TOKEN.hex()}",
}
"""Addresses that the help shortens, and some that are there."""


def test_every_example_is_on_the_page() -> None:
    typed = {command.text for command in commands_of(PAGE)}
    assert len(EXAMPLES) > 10
    assert [example for example in EXAMPLES if example not in typed] == []


@pytest.mark.slow
def test_examples_do_what_they_say(tmp_path: Path) -> None:
    type_page(PAGE, tmp_path / "reader", SHORTENED)
