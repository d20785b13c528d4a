"""Completion scripts, and what they ask the command."""

import shutil
import subprocess

import pytest
from click.shell_completion import BashComplete

from node.cli.main import cli
from tests.node.cli.run import run


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_script_begins_with_how_to_install_it(shell: str) -> None:
    script = run("completion", shell).stdout

    assert f"tallystick completion {shell}" in "".join(script.splitlines()[:5])
    assert "_TALLYSTICK_COMPLETE" in script


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_reads_the_script() -> None:
    script = run("completion", "bash").stdout
    subprocess.run(["bash", "-n"], input=script, text=True, check=True, timeout=60)


@pytest.mark.parametrize(
    ("words", "begun", "expected"),
    [
        ([], "de", {"demo", "deposit", "devnet"}),
        (["keys"], "", {"new", "import", "list", "show", "sign", "change-password"}),
        (["node", "--role"], "", {"l1", "sequencer", "verifier", "replica"}),
        (["status"], "--w", {"--watch"}),
    ],
)
def test_command_answers_what_a_shell_asks(
    words: list[str], begun: str, expected: set[str]
) -> None:
    asked = BashComplete(cli, {}, "tallystick", "_TALLYSTICK_COMPLETE")

    assert expected <= {one.value for one in asked.get_completions(words, begun)}
