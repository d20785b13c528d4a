"""A small chain in this process, behind a real JSON-RPC server."""

from collections.abc import Iterator

import pytest

from tests.node.rpc.harness import L2_CONFIG, RunningNode, open_chain, running_node


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def node() -> Iterator[RunningNode]:
    """An L1 with its own, fresh chain."""
    with running_node(open_chain()) as running:
        yield running


@pytest.fixture
def l2_node() -> Iterator[RunningNode]:
    """An L2, whose blocks may hold deposits."""
    with running_node(open_chain(L2_CONFIG)) as running:
        yield running
