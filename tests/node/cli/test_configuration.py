"""docs/configuration.md says what the commands take."""

from pathlib import Path

from node.cli.configuration import configuration

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_page_is_what_the_commands_take() -> None:
    assert PAGE.read_text() == configuration(), (
        "the settings have changed: python -m node.cli.configuration > docs/configuration.md"
    )


def test_row_names_flag_environment_key_default_and_meaning() -> None:
    rows = configuration().splitlines()

    assert (
        "| `--rpc-port INTEGER` | `TALLYSTICK_NODE_RPC_PORT` | `rpc_port` | `8545` |"
        " JSON-RPC port (HTTP and websocket). |"
    ) in rows
    assert any(row.startswith("| `--keepers / --no-keepers` |") for row in rows)
    assert not any("--stop-with-parent" in row for row in rows), "hidden ones stay hidden"
