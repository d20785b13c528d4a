"""A node and an inbox for each test, and wallets that start anew."""

from collections.abc import Iterator

import pytest

from tests.bridge.derive import rig as rigs
from tests.bridge.derive.inbox import Inbox
from tests.bridge.derive.rig import Rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    for wallet in (rigs.ALICE, rigs.BOB, rigs.CAROL):
        wallet.nonce = 0
    made = Rig()
    yield made
    made.close()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()
