"""A small chain in this process, behind a real JSON-RPC server."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
