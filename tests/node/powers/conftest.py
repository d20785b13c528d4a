"""Asynchronous tests of the powers run on asyncio, as nodes do."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
