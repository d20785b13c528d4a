"""`--fault`: what a devnet is told to lie about."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bridge.dispute.faults import Fault, FaultKind
from node.cli.devnet import dispute_window_of
from node.cli.options import FAULT_HELP, FaultType
from node.devnet_nodes import DevnetSettings, l2_children
from node.settings import InvalidSettings, NodeSettings, Role
from state.types import BlockNumber


@click.command()
@click.option("--fault", type=FaultType())
def show(fault: Fault | None) -> None:
    click.echo(str(fault))


def test_fault_option_reads_kind_and_block() -> None:
    assert CliRunner().invoke(show, ["--fault", "gas@7"]).output == "gas@7\n"
    assert CliRunner().invoke(show, []).output == "None\n"


def test_unknown_fault_lists_those_that_there_are() -> None:
    result = CliRunner().invoke(show, ["--fault", "sloth"])

    assert result.exit_code == 2
    assert "no fault is called 'sloth'" in result.output
    assert all(kind in FAULT_HELP for kind in FaultKind)


def test_devnet_with_a_fault_gives_its_sequencer_the_fault_and_games_more_time(
    tmp_path: Path,
) -> None:
    fault = Fault(FaultKind.GAS, BlockNumber(7))
    sequencer, verifier = l2_children(DevnetSettings(tmp_path, fault=fault))

    assert "--fault gas@7" in " ".join(sequencer.arguments)
    assert "--fault" not in verifier.arguments
    assert dispute_window_of(fault) > dispute_window_of(None)


@pytest.mark.parametrize("window", [1, 5, 20, 60])
def test_devnet_clock_extension_fits_its_clock_twice(tmp_path: Path, window: int) -> None:
    settings = DevnetSettings(tmp_path, dispute_window_seconds=window)

    assert 0 <= 2 * settings.clock_extension_seconds <= window


@pytest.mark.parametrize(
    ("role", "dev"), [(Role.VERIFIER, True), (Role.L1, True), (Role.SEQUENCER, False)]
)
def test_only_a_devnets_sequencer_can_be_told_to_lie(tmp_path: Path, role: Role, dev: bool) -> None:
    with pytest.raises(InvalidSettings, match="leave out --fault"):
        NodeSettings(
            role=role,
            data_dir=tmp_path,
            rpc_port=9545,
            l1_rpc="http://127.0.0.1:1",
            deployment=tmp_path / "deployment.json",
            mnemonic_accounts=dev,
            fault=Fault(FaultKind.GAS),
        )
