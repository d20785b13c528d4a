"""What the doctor finds, with what to do about it."""

import json
import socket
from pathlib import Path

import pytest

from node.doctor import files, machine, rollup
from node.doctor.findings import Verdict
from node.doctor.limits import (
    ANSWER_SECONDS_WARNING,
    CLOCK_AHEAD_SECONDS_MAX,
    L1_AGE_SECONDS_WARNING,
)
from node.keystore import KeyFolder
from tests.node.cli.run import run
from tests.node.database.chains import make_chain


def test_empty_folder_has_nothing_wrong_and_says_what_was_looked_at(tmp_path: Path) -> None:
    done = run("doctor", "--data-dir", tmp_path, "--keys-dir", tmp_path / "keys", "--json")

    found = {one["subject"]: one for one in json.loads(done.stdout)}
    assert {"Python", "open files", "disk", "ports", "keys", "databases"} <= set(found)
    assert all(one["remedy"] is None for one in found.values() if one["verdict"] == "ok")


def test_port_that_is_taken_fails_with_the_option_that_changes_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (finding,) = machine.examine_ports({"--rpc-port": port})

    assert finding.verdict is Verdict.FAILED
    assert str(port) in finding.what
    assert "--rpc-port" in str(finding.remedy)


def test_silent_l1_fails_and_the_exit_code_says_so(tmp_path: Path) -> None:
    done = run("doctor", "--data-dir", tmp_path, "--l1-rpc", "http://127.0.0.1:1", "--json")

    found = {one["subject"]: one for one in json.loads(done.stdout)}
    assert done.exit_code == 1
    assert found["L1"]["verdict"] == "failed"
    assert "--l1-rpc" in found["L1"]["remedy"]


def test_key_that_others_may_read_fails(tmp_path: Path) -> None:
    KeyFolder(tmp_path).add("eve", bytes(31) + b"\1", "password")
    (tmp_path / "eve.json").chmod(0o640)
    (finding,) = files.examine_keys(tmp_path / "data", tmp_path)

    assert finding.verdict is Verdict.FAILED
    assert finding.remedy == f"chmod 600 {tmp_path / 'eve.json'}"


def test_databases_are_looked_at_one_by_one(tmp_path: Path) -> None:
    make_chain(tmp_path / "l1", blocks=2)
    make_chain(tmp_path / "torn", blocks=2)
    for part in (tmp_path / "torn" / "db" / "leveldb").glob("MANIFEST*"):
        part.unlink()
    found = {one.subject: one for one in files.examine_databases(tmp_path, None)}

    assert found["database l1"].verdict is Verdict.OK
    assert "block 2" in found["database l1"].what
    assert found["database torn"].verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("ahead", "verdict"),
    [
        (0, Verdict.OK),
        (CLOCK_AHEAD_SECONDS_MAX + 1, Verdict.FAILED),
        (-L1_AGE_SECONDS_WARNING - 1, Verdict.WARNING),
    ],
)
def test_clock_is_compared_with_l1s(ahead: int, verdict: Verdict) -> None:
    assert rollup.examine_clock(ahead, is_devnet=False).verdict is verdict


def test_clock_of_a_devnet_may_have_been_moved() -> None:
    finding = rollup.examine_clock(1_000_000, is_devnet=True)

    assert finding.verdict is Verdict.OK
    assert "was moved" in finding.what


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0.1, Verdict.OK), (ANSWER_SECONDS_WARNING + 1, Verdict.WARNING)]
)
def test_late_answer_is_a_warning_and_no_failure(seconds: float, verdict: Verdict) -> None:
    assert rollup.examine_answer("L1", "it answers", seconds).verdict is verdict


def test_node_of_its_own_is_not_examined_for_a_devnets_ports(tmp_path: Path) -> None:
    make_chain(tmp_path / "l1", blocks=1)
    done = run("doctor", "--data-dir", tmp_path / "l1", "--keys-dir", tmp_path / "keys", "--json")

    subjects = {one["subject"] for one in json.loads(done.stdout)}
    assert "database l1" in subjects
    assert "ports" not in subjects
