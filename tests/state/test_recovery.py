"""What a crash, a full disk or a failing one does to a chain, and how it comes back."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from state.blocks import Heads, SealedBlock
from state.keccak import keccak
from state.kv import DatabaseDamaged, DatabaseError
from state.leveldb import LEVELDB_FOLDER, LevelDBStore
from state.memory_state import MemoryState
from state.proofs import prove_account
from state.store import ChainStore
from state.tables import body_key, header_key, node_key, number_key, receipts_key, undo_key
from state.types import Address, Hash32
from tests.limits import WAIT_SECONDS_MAX
from tests.state.chains import account_address, grow, identity_of, make_genesis, replay
from tests.state.test_store import assert_same_state

GENESIS = make_genesis()
IDENTITY = identity_of(GENESIS)
BLOCKS = 12


def grown(path: Path) -> list[SealedBlock]:
    """A closed database of `BLOCKS` blocks, of which 8 are safe and 6 finalized."""
    with ChainStore.open(path, IDENTITY, GENESIS) as store:
        blocks = grow(store, BLOCKS, random.Random(4))
        safe, finalized = store.block_id(8), store.block_id(6)
        assert safe is not None
        assert finalized is not None
        with store.commit() as batch:
            batch.set_heads(Heads(store.heads.unsafe, safe, finalized))
    return blocks


def change_entries(path: Path, changes: dict[bytes, bytes | None]) -> None:
    """Alter the database behind the store's back."""
    entries = LevelDBStore(path)
    entries.write(changes)
    entries.close()


def _flat(path: Path) -> list[tuple[bytes, bytes]]:
    """The flat tables, read behind the store's back."""
    entries = LevelDBStore(path)
    flat = [*entries.iterate(b"a", b"b"), *entries.iterate(b"s", b"t")]
    entries.close()
    return flat


def assert_recovers_to(path: Path, number: int, blocks: list[SealedBlock]) -> None:
    """It refuses to open, recovers to block `number`, opens and goes on."""
    with pytest.raises(DatabaseDamaged, match="recover"):
        ChainStore.open(path, IDENTITY, GENESIS)
    recovery = ChainStore.recover(path, IDENTITY)
    assert recovery.after.number == number
    assert recovery.faults
    assert recovery.before == (BLOCKS, blocks[-1].hash)
    with ChainStore.open(path, IDENTITY, None) as store:
        heads = store.heads
        assert heads.unsafe == recovery.after
        assert (heads.safe.number, heads.finalized.number) == (min(8, number), min(6, number))
        assert_same_state(store.state(), replay(GENESIS, blocks[:number]))
        again = grow(store, 3, random.Random(9))
        assert_same_state(store.state(), replay(GENESIS, blocks[:number] + again))


Damage = Callable[[SealedBlock], dict[bytes, bytes | None]]

DAMAGES: dict[str, Damage] = {
    "no header": lambda last: {header_key(last.header.number): None},
    "altered header": lambda last: {header_key(last.header.number): last.hash + b"\xc0"},
    "no number": lambda last: {number_key(last.hash): None},
    "no body": lambda last: {body_key(last.header.number): None},
    "another body": lambda last: {
        body_key(last.header.number): b"\xc3\xc0\xc0\xc0",
        receipts_key(last.header.number): b"\xc0",
    },
    "malformed receipts": lambda last: {receipts_key(last.header.number): b"\xc2\xc0\xc0"},
    "no undo record": lambda last: {undo_key(last.header.number): None},
    "no state root": lambda last: {node_key(last.header.state_root): None},
    "altered state root": lambda last: {node_key(last.header.state_root): b"\xc0"},
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_recover_from_a_damaged_newest_block_rewinds_to_the_one_before(
    tmp_path: Path, damage: Damage
):
    blocks = grown(tmp_path)
    change_entries(tmp_path, damage(blocks[-1]))
    assert_recovers_to(tmp_path, BLOCKS - 1, blocks)


def test_recover_from_wrong_flat_state_takes_the_trie(tmp_path: Path):
    """Altered, lost and superfluous values alike; no block is given up for them."""
    blocks = grown(tmp_path)
    flat = _flat(tmp_path)
    rng = random.Random(1)
    wrong = {key: rng.choice((None, b"\x05")) for key, _ in flat}
    superfluous = {key[:20] + bytes(len(key) - 20): b"\x07" for key, _ in flat[::3]}
    change_entries(tmp_path, wrong | superfluous)
    with pytest.raises(DatabaseDamaged, match="disagree"):
        ChainStore.open(tmp_path, IDENTITY, GENESIS)
    recovery = ChainStore.recover(tmp_path, IDENTITY)
    assert recovery.before == recovery.after
    assert _flat(tmp_path) == flat
    with ChainStore.open(tmp_path, IDENTITY, None) as store:
        assert_same_state(store.state(), replay(GENESIS, blocks))


def _nodes_of(state: MemoryState, address: Address) -> list[Hash32]:
    """The hashes of the nodes on the way to an account and its slots."""
    proof = prove_account(state.root, address, range(60), state.node)
    nodes = [*proof.nodes, *(node for slot in proof.storage for node in slot.nodes)]
    return [keccak(node) for node in nodes]


def test_recover_from_a_lost_trie_node_rewinds_to_a_whole_state(tmp_path: Path):
    blocks = grown(tmp_path)
    state = replay(GENESIS, blocks)
    in_use = {node for index in range(14) for node in _nodes_of(state, account_address(index))}
    gone = sorted(in_use & blocks[-2].update.nodes.keys())[0]
    wrong_flat = {key: None for key, _ in _flat(tmp_path)}
    change_entries(tmp_path, {node_key(gone): None, **wrong_flat})
    assert_recovers_to(tmp_path, BLOCKS - 2, blocks)


def test_recover_from_a_gap_in_the_chain_rewinds_below_it(tmp_path: Path):
    """As when LevelDB drops one batch of its log and keeps the later ones."""
    blocks = grown(tmp_path)
    lost = blocks[9].header.number
    keys = (header_key, body_key, receipts_key, undo_key)
    change_entries(tmp_path, {key(lost): None for key in keys})
    assert_recovers_to(tmp_path, lost - 1, blocks)


def test_recover_below_finalized_lowers_all_heads(tmp_path: Path):
    blocks = grown(tmp_path)
    change_entries(tmp_path, {header_key(5): None})
    assert_recovers_to(tmp_path, 4, blocks)


def test_recover_a_whole_database_changes_nothing(tmp_path: Path):
    blocks = grown(tmp_path)
    recovery = ChainStore.recover(tmp_path, IDENTITY)
    assert recovery.before == recovery.after == (BLOCKS, blocks[-1].hash)
    assert recovery.faults == ()


def test_recover_with_nothing_left_says_what_to_do(tmp_path: Path):
    grown(tmp_path)
    change_entries(tmp_path, {header_key(0): None})
    with pytest.raises(DatabaseDamaged, match="derive the chain from L1"):
        ChainStore.recover(tmp_path, IDENTITY)


def test_recover_an_empty_folder_or_another_chain_is_refused(tmp_path: Path):
    with pytest.raises(DatabaseError):
        ChainStore.recover(tmp_path, IDENTITY)
    grown(tmp_path / "chain")
    with pytest.raises(DatabaseError):
        ChainStore.recover(tmp_path / "chain", identity_of(make_genesis({})))


# Damaged files


def _log_file(path: Path) -> Path:
    logs = sorted((path / LEVELDB_FOLDER).glob("*.log"), key=lambda log: log.stat().st_size)
    return logs[-1]


@pytest.mark.parametrize("share", [0.1, 0.35, 0.6, 0.85])
def test_flipped_bit_in_the_log_is_noticed_and_recovered(tmp_path: Path, share: float):
    """A whole chain comes back or an error does: never a chain with a hole."""
    blocks = grown(tmp_path)
    log = _log_file(tmp_path)
    data = bytearray(log.read_bytes())
    data[int(len(data) * share)] ^= 0x10
    log.write_bytes(data)
    with pytest.raises(DatabaseDamaged, match="recover"):
        ChainStore.open(tmp_path, IDENTITY, GENESIS)
    try:
        recovery = ChainStore.recover(tmp_path, IDENTITY)
    except DatabaseError:
        return
    number = recovery.after.number
    with ChainStore.open(tmp_path, IDENTITY, None) as store:
        assert_same_state(store.state(), replay(GENESIS, blocks[:number]))


def test_log_cut_anywhere_opens_at_an_earlier_block_or_says_so(tmp_path: Path):
    """What a power loss may leave of an unsynced tail: a prefix of the log."""
    blocks = grown(tmp_path / "whole")
    rng = random.Random(1)
    for attempt in range(8):
        folder = tmp_path / str(attempt)
        shutil.copytree(tmp_path / "whole", folder)
        log = _log_file(folder)
        os.truncate(log, rng.randrange(log.stat().st_size))
        with ChainStore.open(folder, IDENTITY, GENESIS) as store:
            number = store.heads.unsafe.number
            assert_same_state(store.state(), replay(GENESIS, blocks[:number]))


def test_lost_table_file_is_noticed(tmp_path: Path):
    grown(tmp_path)
    ChainStore.open(tmp_path, IDENTITY, None).close()
    tables = sorted((tmp_path / LEVELDB_FOLDER).glob("*.ldb"))
    assert tables
    tables[0].unlink()
    with pytest.raises(DatabaseDamaged):
        ChainStore.open(tmp_path, IDENTITY, GENESIS)


def test_lost_manifest_is_noticed(tmp_path: Path):
    grown(tmp_path)
    (tmp_path / LEVELDB_FOLDER / "CURRENT").write_bytes(b"garbage")
    with pytest.raises(DatabaseDamaged):
        ChainStore.open(tmp_path, IDENTITY, GENESIS)


# Crashes, in a process of their own

CHILD = """
import random, sys
from pathlib import Path
from state.keccak import keccak
from state.kv import DatabaseUnwritable
from state.memory_state import MemoryState
from state.proofs import prove_account
from state.store import ChainStore
from state.types import Address, Hash32
from tests.state.chains import account_address, grow, identity_of, make_genesis

genesis = make_genesis()
store = ChainStore.open(Path(sys.argv[1]), identity_of(genesis), genesis)
rng = random.Random(store.heads.unsafe.number)
while True:
    try:
        grow(store, 1, rng)
    except DatabaseUnwritable as error:
        print("unwritable", error, flush=True)
        try:
            grow(store, 1, rng)
        except DatabaseUnwritable:
            print("still", store.heads.unsafe.number, flush=True)
        sys.exit(3)
    print(store.heads.unsafe.number, store.heads.unsafe.hash.hex(), flush=True)
"""


def start_child(path: Path, **options: object) -> "subprocess.Popen[str]":
    """A process that appends blocks and prints each one acknowledged."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        **options,  # type: ignore[call-overload]
    )


def test_kill_9_at_any_moment_loses_no_acknowledged_block(tmp_path: Path):
    rng = random.Random(1)
    for _ in range(5):
        child = start_child(tmp_path)
        assert child.stdout is not None
        for _ in range(rng.randrange(1, 30)):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        acknowledged = [line for line in child.stdout.read().splitlines() if " " in line]
        child.wait()
        with ChainStore.open(tmp_path, IDENTITY, None) as store:
            for line in acknowledged:
                number, block_hash = line.split()
                block = store.block_id(int(number))
                assert block is not None
                assert block.hash.hex() == block_hash
            grow(store, 1, rng)


def test_full_disk_is_said_once_and_loses_nothing(tmp_path: Path):
    """A limit on file size stands for the full disk: a write fails in the middle."""

    def limit_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    child = start_child(tmp_path, preexec_fn=limit_files)
    output, _ = child.communicate(timeout=WAIT_SECONDS_MAX)
    lines = output.splitlines()
    assert child.returncode == 3, output
    assert "free room" in lines[-2]
    number, block_hash = lines[-3].split()
    assert lines[-1] == f"still {number}"
    with ChainStore.open(tmp_path, IDENTITY, None) as store:
        assert store.heads.unsafe == (int(number), bytes.fromhex(block_hash))
        grow(store, 2, random.Random(1))


def test_lock_dies_with_its_process(tmp_path: Path):
    child = start_child(tmp_path)
    assert child.stdout is not None
    assert json.loads(child.stdout.readline().split()[0]) >= 1
    with pytest.raises(DatabaseError, match="open elsewhere"):
        ChainStore.open(tmp_path, IDENTITY, None)
    child.kill()
    child.communicate()
    ChainStore.open(tmp_path, IDENTITY, None).close()
