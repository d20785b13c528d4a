"""What the tests of a devnet's powers ask of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from execution.impersonation import impersonate
from execution.signing import UnsignedTransaction
from state.types import Address, Gas, Wei
from tests.devnet.conftest import Devnet, devnet_in, rpc, wait_for
from tests.devnet.sender import GWEI, Sender

NOBODY = "0x" + "11" * 20
DAY = 86_400


@contextmanager
def powerful_devnet(folder: Path, *arguments: str) -> Iterator[Devnet]:
    """A running devnet whose windows are short, so that its bridge is soon through."""
    with devnet_in(folder, "--dispute-window", "8", *arguments) as devnet:
        yield devnet.start()


@contextmanager
def mined_by_hand(url: str) -> Iterator[None]:
    """No block of a layer comes but those that are asked for; then one a second again."""
    rpc(url, "evm_setIntervalMining", 0)
    try:
        yield
    finally:
        rpc(url, "evm_setIntervalMining", 1)


def block(url: str, tag: str | int = "latest") -> dict[str, Any]:
    """A block by its number or tag."""
    return rpc(url, "eth_getBlockByNumber", hex(tag) if isinstance(tag, int) else tag, False)


def number(url: str) -> int:
    return int(rpc(url, "eth_blockNumber"), 16)


def timestamp(url: str, tag: str | int = "latest") -> int:
    return int(block(url, tag)["timestamp"], 16)


def balance(url: str, account: str) -> int:
    return int(rpc(url, "eth_getBalance", account, "latest"), 16)


def send(url: str, to: str = NOBODY, value: int = 1) -> str:
    """Send ETH from the first dev account; the transaction's hash."""
    sender = Sender(url, 0)
    return sender.send(sender.sign(_bytes(to), value=Wei(value)))


def send_posed(url: str, sender: str, to: str = NOBODY, value: int = 1) -> str:
    """Send ETH in the name of an account without its signature; the transaction's hash."""
    fields = UnsignedTransaction(
        nonce=int(rpc(url, "eth_getTransactionCount", sender, "pending"), 16),
        gas=Gas(50_000),
        to=Address(_bytes(to)),
        value=Wei(value),
        max_fee_per_gas=Wei(10**11),
        max_priority_fee_per_gas=Wei(GWEI),
    )
    raw = impersonate(Address(_bytes(sender)), fields, int(rpc(url, "eth_chainId"), 16))
    return rpc(url, "eth_sendRawTransaction", "0x" + raw.hex())


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address[2:])


def receipt(url: str, transaction: str) -> dict[str, Any]:
    """The receipt, waited for."""
    return wait_for(lambda: rpc(url, "eth_getTransactionReceipt", transaction), what="a receipt")


def wait_block(url: str, at_least: int) -> None:
    wait_for(lambda: number(url) >= at_least, what=f"block {at_least} of {url}")


def assert_true(devnet: Devnet, at_least: int | None = None) -> None:
    """The verifier, which knows L1 alone, comes to the sequencer's blocks."""
    goal = number(devnet.sequencer) if at_least is None else at_least
    wait_for(lambda: devnet.safe_number(devnet.verifier) >= goal, what=f"safe block {goal}")
    safe = devnet.safe_number(devnet.verifier)
    derived = block(devnet.verifier, safe)["hash"]
    wait_for(lambda: number(devnet.sequencer) >= safe, what="the sequencer's block")
    assert block(devnet.sequencer, safe)["hash"] == derived
