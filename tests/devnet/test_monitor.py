"""The monitor in running nodes: numbers while all is well, a halt before L1 hears of a fault."""

import json
import re
import shutil
from pathlib import Path

import pytest

import execution
from execution.contracts import artifact
from execution.contracts.abi import clearing_house
from execution.contracts.layout import Layout
from execution.signing import UnsignedTransaction, sign
from genesis.networks import L2_DEVNET_CHAIN_ID
from genesis.predeploys import CLEARING_HOUSE
from state.types import Gas, Wei
from tests.devnet.conftest import Devnet, devnet_in, get, rpc, wait_for
from tests.devnet.sender import GWEI, Sender

pytestmark = pytest.mark.slow

REPOSITORY = Path(execution.__file__).parent.parent
POSTED = re.compile(r"posted blocks (\d+) to (\d+)")


def metrics(url: str) -> dict[str, float]:
    """The values of `GET /metrics` by name and labels."""
    answer = get(f"{url}/metrics")
    assert answer.status_code == 200
    lines = (line.rsplit(" ", 1) for line in answer.text.splitlines() if line[0] != "#")
    return {name: float(value) for name, value in lines}


def test_every_block_of_a_devnet_is_checked_on_both_nodes(devnet: Devnet) -> None:
    for url in (devnet.sequencer, devnet.verifier):
        head = int(rpc(url, "eth_blockNumber"), 16)
        wait_for(lambda: metrics(url)["tallystick_monitor_checked_block"] > head)  # noqa: B023
        found = metrics(url)
        assert found["tallystick_monitor_violations_total"] == 0
        assert found["tallystick_monitor_scans_total"] > 0
        assert found["tallystick_house_custody_q6"] <= found["tallystick_house_token_balance_q6"]
    assert metrics(devnet.sequencer)["tallystick_batches_posted_total"] > 0
    assert "tallystick_head_block" in " ".join(metrics(devnet.l1))


# A clearing house that loses track of its collateral


def faulty_accounts() -> bytes:
    """Code in the place of the Accounts module: whatever is asked, a unit of custody appears."""
    slot = Layout.of(artifact("ClearingHouse")).place("custody").slot
    place = bytes([0x60, slot])
    return place + bytes.fromhex("54600101") + place + bytes.fromhex("5500")


@pytest.fixture
def faulty_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the program that deploys such a clearing house; commands here run it."""
    program = tmp_path / "program"
    program.mkdir()
    for name in ("bridge", "genesis", "node", "sequencer", "state"):
        (program / name).symlink_to(REPOSITORY / name)
    shutil.copytree(REPOSITORY / "execution", program / "execution")
    path = program / "execution/contracts/artifacts/Accounts.json"
    fields = json.loads(path.read_text())
    fields["deployedBytecode"] = f"0x{faulty_accounts().hex()}"
    path.write_text(json.dumps(fields))
    monkeypatch.chdir(program)
    return program


def test_block_that_breaks_an_invariant_halts_the_sequencer_and_never_reaches_l1(
    faulty_program: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "devnet"
    folder.mkdir()
    with devnet_in(folder) as devnet:
        devnet.start()
        wait_for(lambda: devnet.safe_number() > 2, what="safe blocks")
        call(devnet)
        data = devnet.data_dir
        evidence = wait_for(lambda: list((data / "sequencer").glob("invariant-broken-*.json")))
        devnet.end()
    found = json.loads(evidence[0].read_text())
    number = found["block"]
    assert [one["name"] for one in found["findings"]] == ["CUSTODY", "CUSTODY"]

    log = (data / "sequencer.log").read_text()
    assert f"--accept-violation {number}" in log
    assert "Traceback" not in log
    posted = [int(last) for _, last in POSTED.findall(log)]
    assert posted
    assert max(posted) < number
    assert verified(data) < number


def call(devnet: Devnet) -> None:
    """Anybody's call of the faulty module."""
    sender = Sender(devnet.sequencer, 6)
    creation = UnsignedTransaction(
        nonce=sender.nonce(), gas=Gas(200_000), to=CLEARING_HOUSE, value=Wei(0),
        data=clearing_house().call("createAccount"),
        max_fee_per_gas=Wei(20 * GWEI), max_priority_fee_per_gas=Wei(GWEI),
    )  # fmt: skip
    sender.send(f"0x{sign(creation, sender.key, L2_DEVNET_CHAIN_ID).hex()}")


def verified(data: Path) -> int:
    """The last block that the verifier derived from L1."""
    log = (data / "verifier.log").read_text()
    return max(int(safe) for safe in re.findall(r"safe (\d+), finalized", log))
