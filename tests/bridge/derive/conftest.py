"""Rigs that clean up after themselves, and wallets that start anew with each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bridge.derive import rig as rigs
from tests.bridge.derive.inbox import Inbox
from tests.bridge.derive.rig import Rig

MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig() -> Iterator[MakeRig]:
    made: list[Rig] = []

    def make(path: Path | None = None, **options: object) -> Rig:
        made.append(Rig(path, **options))  # type: ignore[arg-type]
        return made[-1]

    for wallet in (rigs.ALICE, rigs.BOB, rigs.CAROL):
        wallet.nonce = 0
    yield make
    for rig in made:
        rig.close()


@pytest.fixture(params=["memory", "leveldb"])
def rig(request: pytest.FixtureRequest, make_rig: MakeRig, tmp_path: Path) -> Rig:
    return make_rig(tmp_path / "chain" if request.param == "leveldb" else None)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()
