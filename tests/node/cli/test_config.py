"""Where `config show` says that a setting comes from."""

import json
from pathlib import Path

import pytest

from tests.node.cli.run import run


def test_each_origin_is_told_and_the_stronger_one_wins(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text('rpc_port = 7000\nblock_time = 2.0\nrpc_host = "::1"\n')
    arguments = ["--config", file, "--role", "verifier", "--rpc-port", 9000]
    env = {"TALLYSTICK_NODE_BLOCK_TIME": "3"}
    done = run("config", "show", "--json", "node", *arguments, env=env)

    found = json.loads(done.stdout)
    assert found["--rpc-port"] == {"value": 9000, "origin": "flag"}
    assert found["--block-time"] == {
        "value": 3.0,
        "origin": "environment, TALLYSTICK_NODE_BLOCK_TIME",
    }
    assert found["--rpc-host"] == {"value": "::1", "origin": "file of --config"}
    assert found["--batch-time"]["origin"] == "default"


def test_required_settings_that_are_missing_are_shown_not_asked_for() -> None:
    done = run("config", "show", "node")

    assert done.exit_code == 0
    assert "(required)" in done.stdout


def test_wrong_value_is_the_usage_error_that_the_command_would_give() -> None:
    done = run("config", "show", "node", "--role", "nobody")

    assert done.exit_code == 2
    assert "'nobody'" in done.output


def test_url_of_a_distant_endpoint_shows_no_key_and_a_local_one_is_whole() -> None:
    distant = run("config", "show", "node", "--l1-rpc", "https://me:pw@l1.example/v2/secret")
    local = run("config", "show", "node", "--l1-rpc", "http://127.0.0.1:8545/path")

    assert "secret" not in distant.stdout
    assert "pw" not in distant.stdout
    assert "https://l1.example/…" in distant.stdout
    assert "http://127.0.0.1:8545/path" in local.stdout


@pytest.mark.parametrize("command", ["node", "devnet"])
def test_every_option_that_help_tells_of_is_shown(command: str) -> None:
    found = json.loads(run("config", "show", "--json", command).stdout)
    words = run(command, "--help").stdout

    assert all(flag in words for flag in found)
    assert {"--data-dir", "--rpc-port"} <= set(found)
