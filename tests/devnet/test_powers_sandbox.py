"""State by decree: in a sandbox only, and explained elsewhere."""

from collections.abc import Iterator

import pytest

from tests.devnet.conftest import Devnet, RpcFailed, devnet_in, rpc, wait_for
from tests.devnet.powers import balance, number, receipt, send, send_posed

pytestmark = pytest.mark.slow

POSER = "0x" + "22" * 20
WORD = "0x" + "00" * 31 + "07"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    with devnet_in(tmp_path_factory.mktemp("sandbox"), "--sandbox") as running:
        yield running.start()


def test_sandbox_says_so_and_runs_no_verifier(sandbox: Devnet) -> None:
    wait_for(lambda: "This is a sandbox" in sandbox.output, what="the banner")
    assert rpc(sandbox.sequencer, "web3_clientVersion").endswith("/sandbox")
    with pytest.raises(AssertionError, match="no verifier runs"):
        sandbox.node_pid("verifier")


@pytest.mark.parametrize("layer", ["l1", "sequencer"])
def test_edits_hold_from_the_call_on(sandbox: Devnet, layer: str) -> None:
    url = getattr(sandbox, layer)

    assert rpc(url, "anvil_setBalance", POSER, hex(10**20)) is None
    assert rpc(url, "hardhat_setCode", POSER, "0x60016000f3") is True
    assert rpc(url, "hardhat_setStorageAt", POSER, "0x0", WORD) is True
    assert rpc(url, "anvil_setNonce", POSER, 9) is None

    assert balance(url, POSER) == 10**20
    assert rpc(url, "eth_getCode", POSER, "latest") == "0x60016000f3"
    assert rpc(url, "eth_getStorageAt", POSER, "0x0", "latest") == WORD
    assert rpc(url, "eth_getTransactionCount", POSER, "latest") == "0x9"
    receipt(url, send(url))


@pytest.mark.parametrize("layer", ["l1", "sequencer"])
def test_impersonated_contract_sends_like_anybody(sandbox: Devnet, layer: str) -> None:
    url = getattr(sandbox, layer)
    rpc(url, "anvil_setBalance", POSER, hex(10**20))
    rpc(url, "anvil_setCode", POSER, "0x00")
    rpc(url, "hardhat_impersonateAccount", POSER)

    transaction = send_posed(url, POSER)

    found = receipt(url, transaction)
    assert (found["from"], found["status"]) == (POSER, "0x1")
    assert rpc(url, "eth_getTransactionByHash", transaction)["from"] == POSER
    assert POSER in rpc(url, "eth_accounts")
    again = rpc(url, "eth_sendTransaction", {"from": POSER, "to": POSER, "value": "0x1"})
    assert receipt(url, again)["from"] == POSER
    rpc(url, "hardhat_stopImpersonatingAccount", POSER)
    with pytest.raises(RpcFailed):
        send_posed(url, POSER)


def test_auto_impersonation_lets_everybody_send(sandbox: Devnet) -> None:
    url, anybody = sandbox.sequencer, "0x" + "33" * 20
    rpc(url, "anvil_setBalance", anybody, hex(10**20))
    rpc(url, "anvil_autoImpersonateAccount", True)
    try:
        assert receipt(url, send_posed(url, anybody))["from"] == anybody
    finally:
        rpc(url, "anvil_autoImpersonateAccount", False)


def test_edits_are_reverted_with_a_snapshot(sandbox: Devnet) -> None:
    url = sandbox.sequencer
    before = balance(url, POSER)
    snapshot = rpc(url, "evm_snapshot")
    rpc(url, "anvil_setBalance", POSER, "0x1")
    rpc(url, "evm_revert", snapshot)

    assert balance(url, POSER) == before


def test_reset_puts_the_start_back(sandbox: Devnet) -> None:
    rpc(sandbox.sequencer, "hardhat_mine", 50)
    rpc(sandbox.sequencer, "anvil_setBalance", POSER, "0x1")
    before = number(sandbox.sequencer)

    assert rpc(sandbox.sequencer, "hardhat_reset") is True

    assert number(sandbox.sequencer) < before - 40
    assert balance(sandbox.sequencer, POSER) == 0
    receipt(sandbox.sequencer, send(sandbox.sequencer))


@pytest.mark.parametrize(
    ("method", "parameters", "instead"),
    [
        ("anvil_setBalance", [POSER, "0x1"], "tallystick faucet"),
        ("hardhat_setCode", [POSER, "0x00"], "deploy the contract"),
        ("anvil_setNonce", [POSER, "0x1"], "send as many transactions"),
        ("anvil_setStorageAt", [POSER, "0x0", WORD], "call the contract"),
        ("hardhat_impersonateAccount", [POSER], "eth_accounts"),
        ("anvil_autoImpersonateAccount", [True], "eth_accounts"),
    ],
)
def test_true_devnet_explains_what_to_do_instead(
    devnet: Devnet, method: str, parameters: list[object], instead: str
) -> None:
    with pytest.raises(RpcFailed, match=instead) as refused:
        rpc(devnet.sequencer, method, *parameters)
    assert "devnet --sandbox" in str(refused.value)


def test_impersonated_transaction_on_true_devnet_is_nobodys(devnet: Devnet) -> None:
    with pytest.raises(RpcFailed):
        send_posed(devnet.sequencer, POSER)


def test_sandbox_does_not_become_a_true_devnet(sandbox: Devnet, tmp_path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sandbox").touch()
    with devnet_in(tmp_path) as other:
        other.launch()

        assert other.end() == 1
        assert "was a sandbox" in other.output
        assert "--reset" in other.output
