"""Any log at all: no error, one chain, however it is fed, split, restarted or reorganised."""

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from bridge.derive.inbox_log import InboxLog
from bridge.derive.pipeline import Pipeline
from bridge.items import ItemKind
from bridge.limits import DEPOSITS_PER_BLOCK_MAX
from state.batch_codec import BatchBlock, encode_batch, encode_blocks
from state.types import Address, BlockNumber, Timestamp
from tests.bridge.derive.inbox import DEPOSITOR, SEQUENCER, Inbox
from tests.bridge.derive.rig import ALICE, BOB, BURNER, CONFIG, DRIFT, WINDOW, Rig

FEW = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)

Step = Callable[[Inbox], object]

RAWS = (
    *(wallet.raw(nonce=nonce) for wallet in (ALICE, BOB) for nonce in (0, 1, 2)),
    ALICE.raw(nonce=0, gas=2**24, to=BURNER),
    ALICE.raw(chain_id=1),
    b"",
    b"\x7e",
    b"\x03" + bytes(40),
    b"\xf8\xff",
)
TRANSACTIONS = st.sampled_from(RAWS) | st.binary(max_size=40)


@dataclass(frozen=True)
class Shape:
    """A block of a batch, relative to when and where the batch is posted."""

    ahead: int
    """Seconds from the L1 time of the batch to the block's timestamp."""
    behind: int
    """Items from the origin to the batch."""
    transactions: tuple[bytes, ...]


SHAPES = st.builds(
    Shape,
    ahead=st.sampled_from([-11, -6, -1, 0, 1, 5, DRIFT, DRIFT + 1]),
    behind=st.sampled_from([0, 0, 0, 1, 3, -1]),
    transactions=st.lists(TRANSACTIONS, max_size=4).map(tuple),
)


def _post(shapes: list[Shape], cut: int, junk: bytes) -> Step:
    def step(inbox: Inbox) -> object:
        index = inbox.tip.index + 1
        blocks = [
            BatchBlock(
                Timestamp(inbox.l1_time + shape.ahead),
                max(0, index - shape.behind),
                shape.transactions,
            )
            for shape in sorted(shapes, key=lambda shape: shape.ahead)
        ]
        payload = encode_blocks(blocks)
        return inbox.posted(encode_batch(payload[: len(payload) - cut] + junk))

    return step


def _append(kind: ItemKind, data: bytes) -> Step:
    sender = SEQUENCER if kind is ItemKind.BATCH else DEPOSITOR
    return lambda inbox: inbox.append(kind, sender, data)


def _deposit(mint: int, value: int, gas: int, creates: bool, data: bytes) -> Step:
    to = None if creates else BURNER if gas % 2 else Address(b"\x99" * 20)
    return lambda inbox: inbox.deposit(mint=mint, value=value, gas=gas, to=to, data=data)


def _wait(seconds: int) -> Step:
    return lambda inbox: inbox.wait(seconds)


AMOUNTS = st.sampled_from([0, 1, 10**18, 2**128 - 1, 2**255])
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        _post,
        st.lists(SHAPES, min_size=1, max_size=3),
        st.sampled_from([0, 0, 0, 1, 25]),
        st.sampled_from([b"", b"", b"\xff", bytes(20)]),
    ),
    st.builds(_append, st.sampled_from(ItemKind), st.binary(max_size=300)),
    st.just(Inbox.tick),
    st.builds(_append, st.just(ItemKind.FORCED), TRANSACTIONS),
    st.builds(
        _deposit,
        AMOUNTS,
        AMOUNTS,
        st.sampled_from([0, 1, 21_000, 53_001, 100_000, 2**24 - 1, 2**24]),
        st.booleans(),
        st.binary(max_size=40),
    ),
    st.builds(_wait, st.sampled_from([1, 12, WINDOW - 12, WINDOW])),
)
LOGS = st.lists(STEPS, min_size=3, max_size=20)


@FEW
@given(LOGS)
def test_any_log_derives_without_error_and_keeps_the_rules(steps: list[Step]) -> None:
    rig = Rig().follow(_inbox_of(steps))
    for verdict in rig.pipeline.counters().verdicts or ():
        event(verdict)
    for number in range(1, rig.safe.number + 1):
        event(f"{min(2, len(rig.transactions(number)) - 1)} transactions and more")
        before = rig.pipeline.view.boundary(BlockNumber(number - 1))
        after = rig.pipeline.view.boundary(BlockNumber(number))
        assert before is not None
        assert after is not None
        assert rig.timestamp(number) > rig.timestamp(number - 1)
        assert after.origin.item >= before.origin.item
        old, new = before.cursor, after.cursor
        assert (new.next_batch, new.offset) > (old.next_batch, old.offset)
        assert 0 <= new.next_deposit - old.next_deposit <= DEPOSITS_PER_BLOCK_MAX
        item = rig.pipeline.view.batch_of(BlockNumber(number))
        assert item is not None
        assert after.origin.item <= item.index
    last = rig.pipeline.view.boundary(rig.safe.number)
    assert last is not None
    assert rig.log.batch(last.cursor.next_batch) is None
    rig.close()


@FEW
@given(LOGS, st.data())
def test_two_nodes_agree_however_the_log_reaches_them(
    steps: list[Step], data: st.DataObject
) -> None:
    inbox = _inbox_of(steps)
    at_once = Rig().follow(inbox)
    bit_by_bit = Rig()
    for item in inbox.items:
        bit_by_bit.log.append([item])
        bit_by_bit.pipeline.advance(data.draw(st.integers(0, 2)))
        if data.draw(st.booleans()):
            log = InboxLog(bit_by_bit.store)
            bit_by_bit.pipeline = Pipeline(bit_by_bit.store, CONFIG, log)
    bit_by_bit.derive()
    assert bit_by_bit.chain() == at_once.chain()
    at_once.close()
    bit_by_bit.close()


@FEW
@given(LOGS, LOGS, st.integers(0, 10), st.booleans())
def test_a_reorganised_log_derives_as_if_it_had_always_been_so(
    steps: list[Step], others: list[Step], keep: int, sequences: bool
) -> None:
    inbox = _inbox_of(steps)
    fork = inbox.fork(max(1, min(keep, len(inbox.items))), b"fork")
    for step in others:
        step(fork)
    fork.tick()
    rig = Rig().follow(inbox)
    if sequences:
        rig.set_clock(inbox)
        rig.sequence(ALICE.raw(nonce=rig.account(ALICE.address).nonce))
        rig.sequence()
    rig.follow(fork)
    fresh = Rig().follow(fork)
    assert rig.chain() == fresh.chain()
    assert rig.store.state().root == _state_root_at(rig, rig.unsafe.number)
    rig.close()
    fresh.close()


@FEW
@given(LOGS)
def test_what_is_sequenced_and_posted_at_once_is_what_is_derived(steps: list[Step]) -> None:
    inbox, rig = Inbox(), Rig()
    rig.feed(inbox)
    for step in steps:
        step(inbox)
        rig.follow(inbox)
        rig.set_clock(inbox)
        head = rig.sequence(ALICE.raw(nonce=rig.account(ALICE.address).nonce))
        rig.post(inbox)
        rig.follow(inbox)
        assert rig.safe == rig.unsafe == head
    fresh = Rig().follow(inbox)
    assert fresh.chain() == rig.chain()
    rig.close()
    fresh.close()


def _inbox_of(steps: list[Step]) -> Inbox:
    inbox = Inbox()
    for step in steps:
        step(inbox)
        inbox.mine()
    return inbox


def _state_root_at(rig: Rig, number: BlockNumber) -> bytes:
    header = rig.store.header(number)
    assert header is not None
    return header.state_root
