"""What the host passes on, and whom it blames."""

from collections import Counter

import pytest

from node.p2p.blocks import SignedBlock, SignedClaim, encode_signed_block
from node.p2p.exchanges import Call, encode_call
from node.p2p.limits import BLOCK_RATE, STALE_BLOCKS
from node.p2p.scores import Offence
from node.p2p.topics import Topic
from node.p2p.validation import Validator, Verdict
from tests.node.p2p.rig import DOMAIN
from tests.node.p2p.signing import signed_block


@pytest.fixture
def blamed() -> Counter[Offence]:
    return Counter()


@pytest.fixture
def validator(blamed: Counter[Offence]) -> Validator:
    return Validator(DOMAIN, lambda peer, offence: blamed.update([offence]))


def judge(validator: Validator, data: bytes, topic: Topic = Topic.BLOCKS) -> Verdict:
    return validator.judge(topic, "peer", data, 0.0)


def test_signed_block_is_accepted_once(validator: Validator, blamed: Counter[Offence]) -> None:
    data = encode_signed_block(signed_block())
    assert judge(validator, data) is Verdict.ACCEPT
    assert judge(validator, data) is Verdict.IGNORE
    assert not blamed


def test_old_block_played_back_is_ignored(validator: Validator, blamed: Counter[Offence]) -> None:
    validator.head = 10 + STALE_BLOCKS
    assert judge(validator, encode_signed_block(signed_block(9))) is Verdict.IGNORE
    assert judge(validator, encode_signed_block(signed_block(10))) is Verdict.ACCEPT
    assert not blamed


def test_each_fault_is_blamed_as_what_it_is(validator: Validator, blamed: Counter[Offence]) -> None:
    block = signed_block()
    forged = SignedBlock(SignedClaim(block.claim, b"\1" * 65), block.packed)
    for data in (b"garbage", encode_signed_block(forged), bytes(200_000)):
        assert judge(validator, data) is Verdict.REJECT
    assert blamed == {Offence.MALFORMED: 1, Offence.FORGED: 1, Offence.OVERSIZE: 1}


def test_call_belongs_to_its_topic(validator: Validator, blamed: Counter[Offence]) -> None:
    order = encode_call(Call("trade_placeOrder", b"[{}]"))
    assert judge(validator, order, Topic.ORDERS) is Verdict.ACCEPT
    assert judge(validator, order, Topic.TRANSACTIONS) is Verdict.REJECT
    assert blamed == {Offence.MALFORMED: 1}


def test_messages_above_the_rate_are_refused_unread(
    validator: Validator, blamed: Counter[Offence]
) -> None:
    data = encode_signed_block(signed_block())
    verdicts = [judge(validator, data) for _ in range(int(BLOCK_RATE[1]) + 5)]
    assert verdicts[-5:] == [Verdict.REJECT] * 5
    assert blamed == {Offence.RATE: 5}
