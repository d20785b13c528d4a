"""Fixtures of tests with real peers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.node.p2p.rig import Peers, peers_in


@pytest.fixture
def anyio_backend() -> str:
    """The node lives on asyncio; its hosts, on trio, are processes of their own."""
    return "asyncio"


@pytest.fixture
async def peers(tmp_path: Path) -> AsyncIterator[Peers]:
    """An empty network."""
    async with peers_in(tmp_path) as empty:
        yield empty
