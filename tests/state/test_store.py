"""The store of a chain, in memory and in LevelDB: what is committed is what is read."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest

from state.accounts import AccountChange, State, StateDiff
from state.batch import BlockDoesNotFollow, HeadsOutOfOrder, RewindBelowFinalized
from state.blocks import BlockId, Heads, SealedBlock
from state.errors import InternalError
from state.headers import header_hash
from state.keccak import keccak
from state.kv import (
    DatabaseDamaged,
    DatabaseEmpty,
    DatabaseInUse,
    DatabaseOfAnotherChain,
    DatabaseVersionUnknown,
)
from state.leveldb import LevelDBStore
from state.memory import MemoryStore
from state.proofs import verify_account_proof
from state.store import ChainStore, NoSuchBlock
from state.stored_state import ArchiveState, HeadState, UnwrittenState
from state.tables import HEADS_KEY, IDENTITY_KEY, VERSION_KEY, account_key, storage_key
from state.world import slot_key
from tests.state.chains import (
    account_address,
    default_allocation,
    grow,
    identity_of,
    make_block,
    make_genesis,
    random_diff,
    replay,
)

GENESIS = make_genesis()
IDENTITY = identity_of(GENESIS)


@pytest.fixture(params=["memory", "leveldb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ChainStore]:
    path = None if request.param == "memory" else tmp_path
    with ChainStore.open(path, IDENTITY, GENESIS) as opened:
        yield opened


def assert_same_state(left: State, right: State) -> None:
    """Equal in everything the test chains ever touch."""
    assert left.root == right.root
    for index in range(14):
        address = account_address(index)
        account = left.account(address)
        assert account == right.account(address)
        if account is not None:
            assert left.code(account.code_hash) == right.code(account.code_hash)
        for slot in range(60):
            assert left.storage(address, slot) == right.storage(address, slot)


def head_block(store: ChainStore, number: int) -> BlockId:
    block = store.block_id(number)
    assert block is not None
    return block


# Reading what was written


def test_open_empty_starts_at_genesis(store: ChainStore):
    genesis = BlockId(0, GENESIS.hash)
    assert store.heads == Heads(genesis, genesis, genesis)
    assert store.header(0) == GENESIS.header
    assert_same_state(store.state(), replay(GENESIS, []))


def test_append_is_read_back_whole(store: ChainStore):
    for sealed in grow(store, 5, random.Random(1)):
        number = sealed.header.number
        block = store.block(number)
        assert block is not None
        for name in ("hash", "header", "transactions", "senders", "contracts", "receipts"):
            assert getattr(block, name) == getattr(sealed, name)
        assert store.block_id(number) == block.id == (number, sealed.hash)
        assert store.number_of(sealed.hash) == number
        assert store.receipts(number) == sealed.receipts
        for index, raw in enumerate(sealed.transactions):
            assert store.find_transaction(keccak(raw)) == (number, index)
    assert store.heads.unsafe == block.id
    assert store.heads.safe.number == 0


def test_reading_what_does_not_exist_is_none(store: ChainStore):
    for number in (1, 2**63, 2**64, -1):
        assert store.header(number) is None
        assert store.block(number) is None
        assert store.block_id(number) is None
        assert store.receipts(number) is None
        with pytest.raises(NoSuchBlock):
            store.state(number)
        with pytest.raises(NoSuchBlock):
            store.prove(number, account_address(1), ())
    assert store.number_of(keccak(b"none")) is None
    assert store.find_transaction(keccak(b"none")) is None
    with pytest.raises(InternalError):
        store.code(keccak(b"none"))


@pytest.mark.parametrize("seed", range(3))
def test_state_of_every_block_is_that_of_a_replay(store: ChainStore, seed: int):
    blocks = grow(store, 20, random.Random(seed))
    for count in range(21):
        assert_same_state(store.state(count), replay(GENESIS, blocks[:count]))
    assert_same_state(store.state(), replay(GENESIS, blocks))


def test_state_pinned_stays_while_blocks_and_rewinds_follow(store: ChainStore):
    grow(store, 3, random.Random(1))
    pinned, number = store.state(), store.heads.unsafe.number
    before = replay(GENESIS, [])
    frozen = {
        index: (pinned.account(account_address(index)), pinned.storage(account_address(index), 7))
        for index in range(14)
    }
    grow(store, 3, random.Random(2))
    with store.commit() as batch:
        batch.rewind(0)
    assert number == 3
    for index, expected in frozen.items():
        address = account_address(index)
        assert (pinned.account(address), pinned.storage(address, 7)) == expected
    assert pinned.update(StateDiff()).root == pinned.root != before.root
    assert_same_state(store.state(), before)


def test_prove_of_every_block_verifies(store: ChainStore):
    grow(store, 6, random.Random(1))
    for number in range(7):
        header = store.header(number)
        assert header is not None
        for index in range(14):
            proof = store.prove(number, account_address(index), (1, 2, 59, 60))
            verify_account_proof(header.state_root, proof)
            state = store.state(number)
            assert proof.account == state.account(proof.address)
            assert all(s.value == state.storage(proof.address, s.slot) for s in proof.storage)


@pytest.mark.parametrize("seed", range(4))
def test_state_unwritten_is_that_after_the_block_is_written(store: ChainStore, seed: int):
    rng = random.Random(seed)
    parent = grow(store, 3, rng)[-1]
    sealed = make_block(parent, store.state(), random_diff(rng, store.state()))
    unwritten = UnwrittenState(store.reader, sealed.update)
    addresses = [account_address(index) for index in range(14)]
    proofs = [unwritten.prove(address, [1, 2, 99]) for address in addresses]
    with store.commit() as batch:
        batch.append(sealed)
    assert_same_state(unwritten, store.state())
    number = sealed.header.number
    assert proofs == [store.prove(number, address, [1, 2, 99]) for address in addresses]


def test_state_of_every_block_gives_the_nodes_of_its_trie(store: ChainStore):
    grow(store, 3, random.Random(1))
    for number in range(4):
        state = store.state(number)
        nodes = (
            state.node(keccak(node)) for node in store.prove(number, account_address(1), ()).nodes
        )
        assert keccak(next(nodes)) == state.root
        assert all(nodes)
        with pytest.raises(InternalError):
            state.node(keccak(b"no node"))


def test_state_of_an_account_destroyed_and_created_again_has_no_old_slots(store: ChainStore):
    address = account_address(1)
    parent = GENESIS.header
    for diff in (
        StateDiff(accounts={address: None}),
        StateDiff(
            accounts={address: AccountChange(1, 5, keccak(b"\1"))},
            storage={address: {100: 1}},
            codes={keccak(b"\1"): b"\1"},
        ),
    ):
        sealed = make_block(parent, store.state(), diff)
        with store.commit() as batch:
            batch.append(sealed)
        parent = sealed.header
    state = store.state()
    assert [state.storage(address, slot) for slot in (1, 2, 100)] == [0, 0, 1]
    with store.commit() as batch:
        batch.rewind(0)
    assert store.state().storage(address, 2) == default_allocation()[address].storage[2]


@pytest.mark.parametrize("garbage", [b"", b"\xc0", b"\x01\x01", b"\x81", b"\xf8"])
def test_state_of_malformed_flat_values_is_damaged(garbage: bytes):
    entries = MemoryStore()
    store = ChainStore.open(None, IDENTITY, GENESIS)
    entries.write(dict(store.reader.entries.iterate(b"", None)))
    address = account_address(1)
    hashed = keccak(address)
    entries.write({account_key(hashed): garbage, storage_key(hashed, slot_key(1)): garbage})
    state = ChainStore(entries).state()
    with pytest.raises(DatabaseDamaged, match="malformed"):
        state.account(address)
    with pytest.raises(DatabaseDamaged, match="malformed"):
        state.storage(address, 1)


# Commits


def test_commit_that_raises_writes_nothing(store: ChainStore):
    sealed = make_block(GENESIS, store.state(), random_diff(random.Random(1), store.state()))
    heads = store.heads

    def commit_and_fail() -> None:
        with store.commit() as batch:
            batch.append(sealed)
            batch.put_record(b"table", b"key", b"value")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        commit_and_fail()
    assert store.heads == heads
    assert store.header(1) is None
    assert store.record(b"table", b"key") is None
    with store.commit() as batch:
        batch.append(sealed)
    assert store.heads.unsafe.number == 1


def test_commit_inside_a_commit_is_refused(store: ChainStore):
    with pytest.raises(InternalError, match="inside"), store.commit(), store.commit():
        pass
    with store.commit() as batch:
        batch.put_record(b"table", b"key", b"value")
    assert store.record(b"table", b"key") == b"value"


def test_commit_of_another_thread_waits(store: ChainStore):
    began = Event()

    def write() -> None:
        began.set()
        with store.commit() as batch:
            batch.put_record(b"table", b"key", b"second")

    thread = Thread(target=write)
    with store.commit() as batch:
        thread.start()
        began.wait()
        batch.put_record(b"table", b"key", b"first")
    thread.join()
    assert store.record(b"table", b"key") == b"second"


def test_commit_of_several_blocks_reads_through_itself(store: ChainStore):
    rng = random.Random(1)
    blocks: list[SealedBlock] = []
    with store.commit() as batch:
        for _ in range(4):
            parent = blocks[-1] if blocks else GENESIS
            blocks.append(make_block(parent, batch.state(), random_diff(rng, batch.state())))
            batch.append(blocks[-1])
            assert batch.reader.header(blocks[-1].header.number) == blocks[-1].header
        assert store.heads.unsafe.number == 0
    assert_same_state(store.state(), replay(GENESIS, blocks))
    fork: list[SealedBlock] = []
    with store.commit() as batch:
        batch.rewind(2)
        fork.append(make_block(blocks[1], batch.state(), random_diff(rng, batch.state())))
        batch.append(fork[0])
    assert_same_state(store.state(), replay(GENESIS, [*blocks[:2], *fork]))
    assert store.number_of(blocks[2].hash) is None
    assert store.header(4) is None


def test_append_a_block_that_does_not_follow_is_refused(store: ChainStore):
    state = store.state()
    good = make_block(GENESIS, state, random_diff(random.Random(1), state))
    grandchild = make_block(good, state, StateDiff())
    stranger = replace(good, header=replace(good.header, parent_hash=keccak(b"stranger")))
    code = replace(good.update, diff=StateDiff(codes={keccak(b"a"): b"b"}))
    for bad in (
        grandchild,
        stranger,
        GENESIS,
        replace(good, hash=keccak(b"another")),
        replace(good, update=replace(good.update, root=keccak(b"another"))),
        replace(good, senders=good.senders[:1]),
        replace(good, receipts=()),
        replace(good, receipts=good.receipts[::-1]),
        replace(good, update=code),
    ):
        with pytest.raises(BlockDoesNotFollow), store.commit() as batch:
            batch.append(bad)
    assert store.heads.unsafe.number == 0


# Heads and rewinding


def test_set_heads_moves_all_of_them(store: ChainStore):
    grow(store, 5, random.Random(1))
    heads = Heads(store.heads.unsafe, head_block(store, 4), head_block(store, 2))
    with store.commit() as batch:
        batch.set_heads(heads)
    assert store.heads == heads


def test_set_heads_out_of_order_is_refused(store: ChainStore):
    grow(store, 5, random.Random(1))
    block = [head_block(store, number) for number in range(6)]
    with store.commit() as batch:
        batch.set_heads(Heads(block[5], block[3], block[2]))
    stranger = BlockId(4, keccak(b"stranger"))
    for heads in (
        Heads(block[4], block[3], block[2]),
        Heads(block[5], block[2], block[3]),
        Heads(block[5], block[3], block[1]),
        Heads(block[5], stranger, block[2]),
        Heads(block[5], BlockId(6, keccak(b"none")), block[2]),
    ):
        with pytest.raises(HeadsOutOfOrder), store.commit() as batch:
            batch.set_heads(heads)


@pytest.mark.parametrize("target", [0, 1, 7, 11, 12])
def test_rewind_restores_the_state_of_the_block(store: ChainStore, target: int):
    blocks = grow(store, 12, random.Random(7))
    with store.commit() as batch:
        batch.set_heads(Heads(store.heads.unsafe, head_block(store, 9), head_block(store, 0)))
    with store.commit() as batch:
        batch.rewind(target)
    assert store.heads.unsafe == head_block(store, target)
    assert store.heads.safe.number == min(9, target)
    assert_same_state(store.state(), replay(GENESIS, blocks[:target]))
    for gone in blocks[target:]:
        assert store.block(gone.header.number) is None
        assert store.number_of(gone.hash) is None
        assert all(store.find_transaction(keccak(raw)) is None for raw in gone.transactions)
    again = grow(store, 3, random.Random(8))
    assert_same_state(store.state(), replay(GENESIS, blocks[:target] + again))


def test_rewind_below_finalized_is_refused(store: ChainStore):
    grow(store, 4, random.Random(1))
    with store.commit() as batch:
        batch.set_heads(Heads(store.heads.unsafe, head_block(store, 3), head_block(store, 2)))
    with pytest.raises(RewindBelowFinalized), store.commit() as batch:
        batch.rewind(1)
    with store.commit() as batch:
        batch.rewind(2)
    assert store.heads.unsafe == store.heads.safe == store.heads.finalized == head_block(store, 2)


# Records


def test_records_are_kept_apart_and_in_order(store: ChainStore):
    with store.commit() as batch:
        for n in range(5):
            batch.put_record(b"items", bytes([n]), b"item %d" % n)
            batch.put_record(b"itemsx", bytes([n]), b"other")
        batch.put_record(b"\xff" * 32, b"\xff", b"last")
        assert batch.reader.record(b"items", b"\1") == b"item 1"
    assert list(store.records(b"items", b"", None)) == [
        (bytes([n]), b"item %d" % n) for n in range(5)
    ]
    assert [key for key, _ in store.records(b"items", b"\1", b"\3")] == [b"\1", b"\2"]
    assert list(store.records(b"\xff" * 32, b"", None)) == [(b"\xff", b"last")]
    with store.commit() as batch:
        batch.delete_record(b"items", b"\1")
        batch.delete_record(b"items", b"absent")
        assert [key for key, _ in batch.reader.records(b"items", b"", b"\3")] == [b"\0", b"\2"]
    assert store.record(b"items", b"\1") is None
    assert list(store.records(b"nothing", b"", None)) == []


# Threads


def test_readers_beside_the_writer_see_one_moment(store: ChainStore):
    """Whatever the writer does, a reader's heads, blocks and state belong together."""
    stop, wrong = Event(), list[str]()

    def read() -> None:
        while not stop.is_set():
            reader = store.reader
            unsafe = reader.heads.unsafe
            header = reader.header(unsafe.number)
            if header is None or header_hash(header) != unsafe.hash:
                wrong.append(f"the head {unsafe} is not there")
                return
            flat = HeadState(reader, header.state_root)
            proven = ArchiveState(reader, header.state_root)
            for index in range(14):
                address = account_address(index)
                if flat.account(address) != proven.account(address):
                    wrong.append(f"account {index} is not of block {unsafe.number}")

    threads = [Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    rng = random.Random(3)
    try:
        for _ in range(8):
            grow(store, 3, rng)
            with store.commit() as batch:
                batch.rewind(store.heads.unsafe.number - 2)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []


# Opening


def test_open_again_goes_on_where_it_was(tmp_path: Path):
    with ChainStore.open(tmp_path, IDENTITY, GENESIS) as store:
        blocks = grow(store, 4, random.Random(1))
        heads = store.heads
    with ChainStore.open(tmp_path, IDENTITY, None) as store:
        assert store.heads == heads
        assert_same_state(store.state(), replay(GENESIS, blocks))
        blocks += grow(store, 2, random.Random(2))
    with ChainStore.open(tmp_path, IDENTITY, GENESIS) as store:
        assert_same_state(store.state(), replay(GENESIS, blocks))


def test_open_twice_is_in_use(tmp_path: Path):
    with (
        ChainStore.open(tmp_path, IDENTITY, GENESIS),
        pytest.raises(DatabaseInUse, match="stop the other"),
    ):
        ChainStore.open(tmp_path, IDENTITY, GENESIS)


def test_open_nothing_without_genesis_is_empty(tmp_path: Path):
    with pytest.raises(DatabaseEmpty):
        ChainStore.open(tmp_path, IDENTITY, None)
    with pytest.raises(BlockDoesNotFollow):
        ChainStore.open(tmp_path, replace(IDENTITY, genesis_hash=keccak(b"other")), GENESIS)
    ChainStore.open(tmp_path, IDENTITY, GENESIS).close()


@pytest.mark.parametrize(
    "other",
    [
        replace(IDENTITY, chain_id=1),
        replace(IDENTITY, genesis_hash=keccak(b"other")),
        replace(IDENTITY, config_hash=keccak(b"other")),
    ],
)
def test_open_another_chain_is_refused_and_nothing_lost(tmp_path: Path, other):
    ChainStore.open(tmp_path, IDENTITY, GENESIS).close()
    with pytest.raises(DatabaseOfAnotherChain, match="--reset"):
        ChainStore.open(tmp_path, other, GENESIS)
    ChainStore.open(tmp_path, IDENTITY, None).close()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({VERSION_KEY: b"\0\x63"}, DatabaseVersionUnknown),
        ({VERSION_KEY: None}, DatabaseVersionUnknown),
        ({VERSION_KEY: None, IDENTITY_KEY: None}, DatabaseDamaged),
        ({IDENTITY_KEY: None}, DatabaseDamaged),
        ({IDENTITY_KEY: b"\xc0"}, DatabaseDamaged),
        ({HEADS_KEY: None}, DatabaseDamaged),
        ({HEADS_KEY: b"short"}, DatabaseDamaged),
    ],
)
def test_open_with_broken_identity_is_refused(tmp_path: Path, changes: dict, error: type):
    ChainStore.open(tmp_path, IDENTITY, GENESIS).close()
    entries = LevelDBStore(tmp_path)
    entries.write(changes)
    entries.close()
    with pytest.raises(error):
        ChainStore.open(tmp_path, IDENTITY, GENESIS)
