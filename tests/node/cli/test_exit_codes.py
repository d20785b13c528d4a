"""What scripts are told: exit codes, one sentence on stderr, nothing else on stdout."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.cli.exit_codes import (
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_UNAVAILABLE,
    EXIT_USAGE,
)
from node.cli.main import COMMANDS, main

NOBODY = "http://127.0.0.1:1"
"""A port that nothing can listen on without being root."""
REPLACE = ("trade", "replace", "--account", "1", "--dev-account", "1", "--rpc", NOBODY)
ORDER = "0x" + "ab" * 32


@dataclass(frozen=True, slots=True)
class Ended:
    """How the command ended."""

    code: object
    stdout: str
    stderr: str


@pytest.fixture
def ran(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Ended]:
    """The command as the installed script runs it, in a folder without a devnet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TALLYSTICK_KEYS_DIR", str(tmp_path))

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["tallystick", *arguments])
        with pytest.raises(SystemExit) as ending:
            main()
        printed = capsys.readouterr()
        return Ended(ending.value.code, printed.out, printed.err)

    return run


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--help",), EXIT_OK, ""),
        (("keys", "list"), EXIT_OK, ""),
        (("no-such-command",), EXIT_USAGE, "No such command"),
        (("status", "--watch", "--no"), EXIT_USAGE, "No such option"),
        (("status",), EXIT_FAILURE, "no devnet runs on"),
        (("status", "--rpc", NOBODY), EXIT_UNAVAILABLE, "start it, or name another endpoint"),
        (("call", "ClearingHouse", "no", "--rpc", NOBODY), EXIT_FAILURE, "has no function 'no'"),
        (("send", "0x12", "--rpc", NOBODY), EXIT_USAGE, "is no address"),
        (("deposit", "1", "eth", "--rpc", NOBODY), EXIT_USAGE, "--keystore NAME or --key FILE"),
        (("deposit", "0", "eth", "--rpc", NOBODY), EXIT_USAGE, "above zero"),
        (("withdraw", "--rpc", NOBODY), EXIT_USAGE, "either AMOUNT and ASSET"),
        (("faucet", "0x" + "11" * 20, "--rpc", NOBODY), EXIT_FAILURE, "a faucet is for devnets"),
        (("trade", "book", "DOGE", "--rpc", NOBODY), EXIT_USAGE, "is no market"),
        (("trade", "candles", "BTC", "--rpc", NOBODY), EXIT_UNAVAILABLE, "no answer from"),
        (("trade", "candles", "BTC", "--interval", "2m"), EXIT_USAGE, "'2m' is not one of"),
        (("trade", "candles", "BTC", "--to", "noon", "--rpc", NOBODY), EXIT_USAGE, "'noon'"),
        ((*REPLACE, "0x12", "1", "2"), EXIT_USAGE, "is no hash"),
        ((*REPLACE, ORDER, "1", "2", "--ioc"), EXIT_UNAVAILABLE, "no answer from"),
        (("db", "check", "--data-dir", "."), EXIT_FAILURE, "there is no database in"),
        (("l1", "deploy", "--l1-rpc", NOBODY, "--dev"), EXIT_UNAVAILABLE, "no answer from"),
        (
            ("l1", "deploy", "--l1-rpc", NOBODY, "--keystore", "al"),
            EXIT_FAILURE,
            "no key called al",
        ),
        (("keeper", "funding", "--keystore", "al"), EXIT_FAILURE, "no key called al"),
        (("keeper", "funding", "--once"), EXIT_FAILURE, "--keystore or --key-file"),
    ],
)
def test_exit_code_and_sentence(
    ran: Callable[..., Ended], arguments: tuple[str, ...], code: int, words: str
) -> None:
    ended = ran(*arguments)

    assert ended.code == code, ended.stderr
    assert words in ended.stderr
    assert code == EXIT_OK or not ended.stdout


def test_ctrl_c_ends_with_130(ran: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "keys", "tests.node.cli.interrupted:interrupted")
    assert ran("keys").code == EXIT_INTERRUPTED


def test_errors_have_no_colour_where_there_is_no_terminal(ran: Callable[..., Ended]) -> None:
    assert "\x1b[" not in ran("status", "--rpc", NOBODY).stderr


def test_no_color_goes_before_a_terminal_that_has_colours(
    ran: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31m" in ran("status", "--rpc", NOBODY).stderr

    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[31m" not in ran("status", "--rpc", NOBODY).stderr
