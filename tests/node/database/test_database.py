"""A stopped node's database: checked, measured, moved as a stream, rewound."""

import json
import shutil
from pathlib import Path

import plyvel
import pytest

from node.chain import DATABASE
from node.database.errors import (
    InvalidStream,
    NoDatabase,
    RewindRefused,
    StreamDiverges,
    StreamOfAnotherChain,
)
from node.database.opening import LEVELDB, opened
from node.database.stream import StreamBlock, StreamReader, StreamWriter
from state.errors import TallystickError
from state.kv import DatabaseDamaged, DatabaseInUse
from state.types import BlockNumber, Hash32
from tests.node.cli.run import run
from tests.node.database.chains import BLOCKS, make_chain


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node's folder that no test changes."""
    folder = tmp_path_factory.mktemp("l1")
    make_chain(folder)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(original, tmp_path / "l1"))


@pytest.fixture(scope="module")
def stream(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its blocks."""
    file = tmp_path_factory.mktemp("stream") / "blocks"
    done = run("db", "export", file, "--data-dir", original)
    assert done.exit_code == 0, done.output
    return file


def test_check_of_a_whole_database_counts_what_it_checked(folder: Path) -> None:
    done = run("db", "check", "--data-dir", folder, "--json")

    found = json.loads(done.stdout)
    assert found["whole"]
    assert found["checked"]["blocks"] == BLOCKS + 1
    assert found["heads"]["unsafe"]["number"] == BLOCKS


@pytest.mark.parametrize("prefix", [b"a", b"r", b"n"])
def test_check_finds_a_value_that_was_altered(folder: Path, prefix: bytes) -> None:
    """An account, the receipts of an old block, the number of a block's hash."""
    db = plyvel.DB(str(folder / LEVELDB))
    key, value = next(db.iterator(prefix=prefix))
    db.put(key, value[:-1] + bytes([value[-1] ^ 1]))
    db.close()

    done = run("db", "check", "--data-dir", folder)
    assert isinstance(done.exception, TallystickError)
    assert done.exit_code == 1


def test_check_finds_a_trie_node_that_is_lost(folder: Path) -> None:
    with opened(folder, None) as database:
        root = database.store.reader.header(BlockNumber(BLOCKS)).state_root
    db = plyvel.DB(str(folder / LEVELDB))
    db.delete(b"y" + root)
    db.close()

    with pytest.raises(DatabaseDamaged), opened(folder, None):
        pass


def test_stats_name_every_table_and_sum_up(folder: Path) -> None:
    found = json.loads(run("db", "stats", "--data-dir", folder, "--json").stdout)

    tables = {one["table"]: one for one in found["tables"]}
    assert tables["headers"]["entries"] == BLOCKS + 1
    assert tables["places of transactions"]["entries"] == BLOCKS
    assert not [name for name in tables if name.startswith("unknown")]


def test_database_of_a_running_node_is_refused(folder: Path) -> None:
    with opened(folder, None):
        done = run("db", "check", "--data-dir", folder)

    assert isinstance(done.exception, DatabaseInUse)
    assert "stop the other node" in str(done.exception)


def test_folder_without_a_database_stays_as_it_is(tmp_path: Path) -> None:
    done = run("db", "stats", "--data-dir", tmp_path)

    assert isinstance(done.exception, NoDatabase)
    assert not list(tmp_path.iterdir())


def test_imported_chain_is_the_exported_one(stream: Path, folder: Path, tmp_path: Path) -> None:
    done = run("db", "import", stream, "--data-dir", tmp_path / "new", "--json")

    found = json.loads(done.stdout)
    assert found["executed"] == BLOCKS
    with opened(folder, None) as one, opened(tmp_path / "new", None) as other:
        assert one.store.heads == other.store.heads
        assert one.chain.identity == other.chain.identity
    again = run("db", "import", stream, "--data-dir", tmp_path / "new", "--json")
    assert json.loads(again.stdout)["executed"] == 0


def test_export_up_to_a_block_and_import_of_the_rest(
    original: Path, stream: Path, tmp_path: Path
) -> None:
    part = tmp_path / "part"
    run("db", "export", part, "--data-dir", original, "--last", 5)
    run("db", "import", part, "--data-dir", tmp_path / "new")
    done = run("db", "import", stream, "--data-dir", tmp_path / "new", "--json")

    assert json.loads(done.stdout)["executed"] == BLOCKS - 5


def test_stream_cut_off_says_so_and_keeps_what_came(stream: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes(stream.read_bytes()[:-100])
    done = run("db", "import", cut, "--data-dir", tmp_path / "new")

    assert isinstance(done.exception, InvalidStream)
    assert "cut off" in str(done.exception)
    with opened(tmp_path / "new", None) as database:
        assert 0 < database.store.heads.unsafe.number <= BLOCKS


def test_stream_with_one_bit_flipped_is_refused(stream: Path, tmp_path: Path) -> None:
    content = bytearray(stream.read_bytes())
    content[len(content) // 2] ^= 1
    altered = tmp_path / "altered"
    altered.write_bytes(content)
    done = run("db", "import", altered, "--data-dir", tmp_path / "new")

    assert isinstance(done.exception, InvalidStream)


def test_file_that_is_no_stream_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"{}" * 100)
    done = run("db", "import", other, "--data-dir", tmp_path / "new")

    assert "no stream of blocks" in str(done.exception)


def test_stream_of_another_version_is_refused(stream: Path, tmp_path: Path) -> None:
    content = bytearray(stream.read_bytes())
    content[len(b"tallystick blocks") + 1] += 1
    newer = tmp_path / "newer"
    newer.write_bytes(content)
    done = run("db", "import", newer, "--data-dir", tmp_path / "new")

    assert "has version 2" in str(done.exception)


def test_block_that_lies_about_its_hash_is_not_imported(stream: Path, tmp_path: Path) -> None:
    lying = tmp_path / "lying"
    with stream.open("rb") as source, lying.open("wb") as target:
        reader = StreamReader(source)
        writer = StreamWriter(target, reader.head)
        for block in reader:
            assert isinstance(block, StreamBlock)
            is_lie = block.number == 7
            hash_ = Hash32(bytes(32)) if is_lie else block.hash
            writer.block(StreamBlock(block.number, hash_, block.content))
        writer.end()
    done = run("db", "import", lying, "--data-dir", tmp_path / "new")

    assert isinstance(done.exception, StreamDiverges)
    with opened(tmp_path / "new", None) as database:
        assert database.store.heads.unsafe.number == 6


def test_stream_is_refused_where_another_chain_is(stream: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make_chain(other, blocks=1)
    (other / "genesis.json").write_text('{"genesisTime": 1600000000}')
    shutil.rmtree(other / DATABASE)
    done = run("db", "import", stream, "--data-dir", other)

    assert isinstance(done.exception, StreamOfAnotherChain)


def test_rewind_takes_blocks_back_and_leaves_a_whole_database(folder: Path) -> None:
    done = run("db", "rewind", BLOCKS - 3, "--data-dir", folder, "--json")

    assert json.loads(done.stdout)["after"]["number"] == BLOCKS - 3
    assert run("db", "check", "--data-dir", folder).exit_code == 0


def test_rewind_below_the_finalized_block_is_refused(folder: Path) -> None:
    done = run("db", "rewind", 0, "--data-dir", folder)

    assert isinstance(done.exception, RewindRefused)
    assert "delete the folder" in str(done.exception)


def test_export_that_fails_leaves_no_file(original: Path, tmp_path: Path) -> None:
    target = tmp_path / "missing" / "blocks"
    done = run("db", "export", target, "--data-dir", original)

    assert done.exit_code == 1
    assert "can't write" in str(done.exception)
    assert not target.parent.exists()
