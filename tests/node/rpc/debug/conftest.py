"""A chain with contracts to trace, and one transaction that calls them all."""

from collections.abc import Iterator

import pytest

from state.types import Gas, Wei
from tests.node.rpc.debug.programs import ALLOC, EVERYTHING
from tests.node.rpc.harness import L2_CONFIG, RunningNode, open_chain, running_node, sign

GAS = Gas(5_000_000)


@pytest.fixture(scope="package")
def node() -> Iterator[RunningNode]:
    """An L2, whose every block begins with a deposit."""
    with running_node(open_chain(L2_CONFIG, alloc=ALLOC)) as running:
        yield running


@pytest.fixture(scope="package")
def raw(node: RunningNode) -> str:
    """A signed transaction that does everything."""
    return sign(node, 0, to=EVERYTHING, value=Wei(100), gas=GAS)


@pytest.fixture(scope="package")
def everything(node: RunningNode, raw: str) -> str:
    """The hash of it, mined."""
    transaction_hash: str = node.call("eth_sendRawTransaction", raw)
    assert node.call("eth_getTransactionReceipt", transaction_hash)["status"] == "0x1"
    return transaction_hash
