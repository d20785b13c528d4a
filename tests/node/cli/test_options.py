"""Where a setting's value comes from, and what is said of one that can't be used."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from node.cli.options import config_option
from node.settings import InvalidSettings, NodeSettings, Role, load_toml, writable_folder


@click.command()
@config_option
@click.option("--rpc-port", type=int, default=1)
def show(rpc_port: int) -> None:
    click.echo(rpc_port)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "node.toml"
    path.write_text("rpc_port = 2\n")
    return path


def port(*arguments: str, **environment: str) -> int:
    result = CliRunner().invoke(
        show, arguments, env=environment, auto_envvar_prefix="TALLYSTICK", catch_exceptions=False
    )
    return int(result.output)


def test_option_comes_from_default_file_environment_flag_in_that_order(config: Path) -> None:
    file = ("--config", str(config))

    assert port() == 1
    assert port(*file) == 2
    assert port(*file, TALLYSTICK_RPC_PORT="3") == 3
    assert port(*file, "--rpc-port", "4", TALLYSTICK_RPC_PORT="3") == 4


def test_config_with_unknown_key_names_it(config: Path) -> None:
    config.write_text("rpc_prot = 2\n")

    with pytest.raises(InvalidSettings, match="no option is called rpc_prot"):
        port("--config", str(config))


def test_config_with_value_of_another_type_refused(config: Path) -> None:
    config.write_text('rpc_port = "many"\n')
    result = CliRunner().invoke(show, ["--config", str(config)])

    assert result.exit_code == 2
    assert "'many' is not a valid integer" in result.output


@pytest.mark.parametrize("text", ["rpc_port = ", "\x00", "rpc_port: 2"])
def test_load_toml_malformed_names_file(config: Path, text: str) -> None:
    config.write_text(text)

    with pytest.raises(InvalidSettings, match=r"node\.toml is no valid TOML"):
        load_toml(config)


def test_load_toml_missing_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="No such file"):
        load_toml(tmp_path / "none.toml")


def test_writable_folder_below_a_file_refused(config: Path) -> None:
    with pytest.raises(InvalidSettings, match="--data-dir"):
        writable_folder(config / "data")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rpc_port": 0}, "rpc port 0"),
        ({"rpc_port": 65536}, "rpc port 65536"),
        ({"block_seconds": 0.5}, "block time of 0.5 s"),
        ({"role": Role.VERIFIER}, "--l1-rpc"),
        ({"role": Role.VERIFIER, "l1_rpc": "http://127.0.0.1:1"}, "--deployment"),
    ],
)
def test_settings_that_cannot_work_name_the_remedy(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    fields = {"role": Role.L1, "data_dir": tmp_path, "rpc_port": 9545, **changes}

    with pytest.raises(InvalidSettings, match=words):
        NodeSettings(**fields)
