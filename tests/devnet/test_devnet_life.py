"""Starting, stopping, resuming and killing a devnet."""

import os
import shutil
import signal

import pytest

from tests.devnet.conftest import (
    Devnet,
    answers,
    children_of,
    devnet_in,
    printed_addresses,
    rpc,
    wait_for,
)
from tests.ports import free_ports

pytestmark = pytest.mark.slow

DEV_ACCOUNT_0 = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
DEV_ACCOUNT_9 = "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"


def test_devnet_ready_prints_what_a_newcomer_needs(devnet: Devnet) -> None:
    output = devnet.output

    for expected in ("31337", "424242", devnet.l1, devnet.sequencer, devnet.verifier,
                     DEV_ACCOUNT_0, DEV_ACCOUNT_9, "test test test", "junk", "Inbox", "Portal",
                     "Rollup", "ClearingHouse"):  # fmt: skip
        assert expected in output
    assert len(set(printed_addresses(output))) >= 18


@pytest.mark.parametrize("account", [DEV_ACCOUNT_0, DEV_ACCOUNT_9])
def test_devnet_accounts_prefunded_on_both_layers(devnet: Devnet, account: str) -> None:
    assert int(rpc(devnet.l1, "eth_getBalance", account, "latest"), 16) > 10**21
    assert int(rpc(devnet.sequencer, "eth_getBalance", account, "latest"), 16) > 10**20


def test_devnet_interrupted_stops_cleanly_and_resumes_same_chain(tmp_path) -> None:
    with devnet_in(tmp_path) as devnet:
        devnet.start()
        wait_for(lambda: devnet.safe_number() > 2, what="safe blocks")
        genesis = rpc(devnet.sequencer, "eth_getBlockByNumber", "0x0", False)["hash"]
        head = int(rpc(devnet.sequencer, "eth_blockNumber"), 16)
        block = rpc(devnet.sequencer, "eth_getBlockByNumber", hex(head), False)
        children = children_of(devnet.process.pid)

        assert devnet.stop(signal.SIGINT) == 0
        assert len(children) == 3
        assert not any(os.path.exists(f"/proc/{pid}") for pid in children)
        assert not answers(devnet.sequencer)

        devnet.start()
        again = rpc(devnet.sequencer, "eth_getBlockByNumber", hex(head), False)
        assert again["hash"] == block["hash"]
        wait_for(lambda: int(rpc(devnet.sequencer, "eth_blockNumber"), 16) > head)
        devnet.stop()

        devnet.start("--reset")
        fresh = rpc(devnet.sequencer, "eth_getBlockByNumber", "0x0", False)["hash"]
        assert fresh != genesis


def test_devnet_supervisor_killed_leaves_no_orphans(tmp_path) -> None:
    with devnet_in(tmp_path) as devnet:
        devnet.start()
        children = children_of(devnet.process.pid)
        devnet.process.kill()
        devnet.process.wait()

        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children))


def test_sequencer_killed_restarts_with_every_acknowledged_block(tmp_path) -> None:
    with devnet_in(tmp_path) as devnet:
        devnet.start()
        wait_for(lambda: int(rpc(devnet.sequencer, "eth_blockNumber"), 16) > 3)
        head = rpc(devnet.sequencer, "eth_getBlockByNumber", "latest", False)
        os.kill(devnet.node_pid("sequencer"), signal.SIGKILL)

        wait_for(lambda: answers(devnet.sequencer), what="the sequencer again")
        again = rpc(devnet.sequencer, "eth_getBlockByNumber", head["number"], False)
        assert again["hash"] == head["hash"]
        wait_for(lambda: devnet.safe_number() >= int(head["number"], 16), what="safe blocks")
        verifier = wait_for(
            lambda: rpc(devnet.verifier, "eth_getBlockByNumber", head["number"], False)
        )
        assert verifier["hash"] == head["hash"]


def test_port_in_use_one_sentence_and_remedy(devnet: Devnet, tmp_path) -> None:
    with devnet_in(tmp_path) as other:
        other.ports[1] = devnet.ports[1]
        other.launch()

        assert other.end() == 1
        assert f"port {devnet.ports[1]} can't be used" in other.output
        assert "--rpc-port" in other.output
        assert "Traceback" not in other.output


def test_devnet_resumed_with_other_dispute_window_names_reset(devnet: Devnet, tmp_path) -> None:
    (tmp_path / "data").mkdir()
    shutil.copy(devnet.data_dir / "deployment.json", tmp_path / "data")
    with devnet_in(tmp_path, "--dispute-window", "77") as other:
        other.launch()

        assert other.end() == 1
        assert "dispute_window_seconds was 5" in other.output
        assert "--reset" in other.output


def test_folder_of_running_devnet_refused(devnet: Devnet) -> None:
    other = Devnet(devnet.data_dir, ports=free_ports(3))
    result = other.run(
        "devnet", "--l1-port", str(other.ports[0]), "--rpc-port", str(other.ports[1]),
        "--verifier-port", str(other.ports[2]),
    )  # fmt: skip

    assert result.returncode == 1
    assert "already running" in result.stderr
    assert "--data-dir" in result.stderr


def test_unwritable_folder_one_sentence_and_remedy(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    devnet = Devnet(tmp_path / "file" / "data")
    result = devnet.run("devnet")

    assert result.returncode == 1
    assert "can't write to the data folder" in result.stderr
    assert "--data-dir" in result.stderr


def test_l1_of_another_chain_refused(devnet: Devnet, tmp_path) -> None:
    with devnet_in(tmp_path, "--l1-rpc", devnet.sequencer) as other:
        other.launch()

        assert other.end() == 1
        assert "has chain id 424242, not 31337" in other.output


def test_silent_l1_refused(tmp_path) -> None:
    (port,) = free_ports(1)
    with devnet_in(tmp_path, "--l1-rpc", f"http://127.0.0.1:{port}") as devnet:
        devnet.launch()

        assert devnet.end() == 1
        assert "no L1 answers" in devnet.output
