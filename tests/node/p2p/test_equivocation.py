"""The watch over what the sequencer signs, and the evidence it leaves."""

import json
from pathlib import Path

import pytest

from bridge.derive.anchor import Anchor
from bridge.derive.inbox_log import InboxLog
from node.evidence_file import EvidenceUnreadable
from node.p2p.equivocation import (
    EQUIVOCATION,
    EquivocationWatch,
    read_evidence,
    write_equivocation,
    write_wrong_block,
)
from node.p2p.limits import CLAIMS_KEPT
from state.types import Hash32
from tests.bridge.derive.inbox import Inbox
from tests.bridge.derive.rig import Rig
from tests.node.p2p.rig import DOMAIN
from tests.node.p2p.signing import signed_block


@pytest.fixture
def log() -> InboxLog:
    inbox = Inbox()
    inbox.tick()
    rig = Rig()
    rig.feed(inbox)
    return rig.log


def anchor(log: InboxLog, index: int) -> Anchor:
    item = log.item(index)
    assert item is not None
    return Anchor(index, item.acc)


def test_two_blocks_in_one_place_that_stand_are_equivocation(log: InboxLog) -> None:
    watch = EquivocationWatch()
    one = signed_block(anchor=anchor(log, 0), block_hash=b"\4" * 32)
    two = signed_block(anchor=anchor(log, 1), block_hash=b"\5" * 32)
    watch.see(one.signed)
    watch.see(one.signed)
    assert watch.find(log) is None
    watch.see(two.signed)
    found = watch.find(log)
    assert found is not None
    assert set(found) == {one.signed, two.signed}


@pytest.mark.parametrize(
    "other",
    [
        {"number": 2},
        {"parent": b"\7" * 32},
        {"anchor": Anchor(1, Hash32(b"\7" * 32))},
        {"anchor": Anchor(9, Hash32(b"\7" * 32))},
    ],
    ids=["number", "parent", "L1 took it back", "L1 isn't there yet"],
)
def test_blocks_that_may_both_be_honest_are_none(log: InboxLog, other: dict[str, object]) -> None:
    watch = EquivocationWatch()
    watch.see(signed_block(anchor=anchor(log, 1)).signed)
    fields = {"anchor": anchor(log, 1), "block_hash": b"\5" * 32, **other}
    watch.see(signed_block(**fields).signed)  # type: ignore[arg-type]
    assert watch.find(log) is None


def test_claim_whose_item_comes_later_is_held_against_the_first_one() -> None:
    inbox, rig, watch = Inbox(), Rig(), EquivocationWatch()
    rig.feed(inbox)
    later = inbox.tick()
    watch.see(signed_block(anchor=anchor(rig.log, 0)).signed)
    ahead = Anchor(later.index, later.acc)
    watch.see(signed_block(anchor=ahead, block_hash=b"\5" * 32).signed)
    assert watch.find(rig.log) is None
    rig.feed(inbox)
    assert watch.find(rig.log) is not None


def test_watch_forgets_the_oldest_places(log: InboxLog) -> None:
    watch = EquivocationWatch()
    for number in range(1, CLAIMS_KEPT + 2):
        watch.see(signed_block(number, anchor=anchor(log, 1)).signed)
    watch.see(signed_block(1, anchor=anchor(log, 1), block_hash=b"\5" * 32).signed)
    assert watch.find(log) is None


def test_evidence_written_is_found_at_the_next_start(log: InboxLog, tmp_path: Path) -> None:
    assert read_evidence(tmp_path) == []
    watch = EquivocationWatch()
    for block_hash in (b"\4" * 32, b"\5" * 32):
        watch.see(signed_block(anchor=anchor(log, 1), block_hash=block_hash).signed)
    found = watch.find(log)
    assert found is not None
    path = write_equivocation(tmp_path, DOMAIN, found)
    wrong = write_wrong_block(tmp_path, DOMAIN, signed_block(3).signed, Hash32(b"\6" * 32))
    assert read_evidence(tmp_path) == [path, wrong]
    evidence = json.loads(path.read_text())
    assert evidence["sequencer"] == "0x" + DOMAIN.sequencer.hex()
    assert [one["hash"] for one in evidence["messages"]] == ["0x" + "04" * 32, "0x" + "05" * 32]
    assert "0x" + found.first.signature.hex() == evidence["messages"][0]["signature"]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"messages": []}'])
def test_evidence_that_cant_be_read_holds_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / f"{EQUIVOCATION}1.json").write_bytes(content)
    with pytest.raises(EvidenceUnreadable):
        read_evidence(tmp_path)
