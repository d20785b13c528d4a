"""Which keepers run, and what they can't do without."""

import re

import pytest
from click.testing import CliRunner

from bridge.l1.accounts import Operator
from node.cli.keeper import keeper
from node.keepers.errors import InvalidKeepers
from node.keepers.reports import OracleKey
from node.keepers.settings import CrewSettings, Duty, parse_duties
from node.settings import InvalidSettings, NodeSettings, Role
from tests.node.keepers.world import OPERATORS

ACCOUNT = Operator.of_dev_account(OPERATORS.keeper)
SIGNER = OracleKey.of_dev_account(OPERATORS.oracle)
URL = "http://127.0.0.1:1"


def test_duties_are_parsed_once_each_in_their_order() -> None:
    assert parse_duties(["funding", "oracle", "funding"]) == (Duty.ORACLE, Duty.FUNDING)
    assert parse_duties(["all"]) == tuple(Duty)


def test_unknown_duty_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidKeepers, match="liquidator, deleverager"):
        parse_duties(["baker"])


def test_keepers_need_an_account() -> None:
    with pytest.raises(InvalidKeepers, match="--key-file"):
        CrewSettings((Duty.FUNDING,), URL, 1, account=None)


def test_oracle_needs_signatures() -> None:
    with pytest.raises(InvalidKeepers, match="--signer-key-file"):
        CrewSettings((Duty.ORACLE,), URL, 1, account=ACCOUNT)


def test_signer_that_only_publishes_needs_no_account(tmp_path) -> None:
    CrewSettings((Duty.ORACLE,), URL, 1, None, signers=(SIGNER,), publish=tmp_path / "reports")


def test_settings_show_no_key() -> None:
    shown = repr(CrewSettings((Duty.ORACLE,), URL, 1, ACCOUNT, signers=(SIGNER,)))

    for account in (OPERATORS.keeper, OPERATORS.oracle):
        assert account.key.hex() not in shown


def test_only_a_sequencer_runs_keepers(tmp_path) -> None:
    crew = CrewSettings((Duty.FUNDING,), URL, 1, ACCOUNT)

    with pytest.raises(InvalidSettings, match="tallystick keeper"):
        NodeSettings(Role.VERIFIER, tmp_path, 1, keepers=crew)


def test_command_names_every_duty() -> None:
    usage = CliRunner().invoke(keeper, ["--help"], terminal_width=200).output

    for duty in Duty:
        assert re.search(rf"\b{duty}\b", usage)
