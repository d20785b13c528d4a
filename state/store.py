"""The store of one chain: blocks, state and heads, written in one synced batch a block.

One thread writes, any number read. After each commit readers get a new `ChainReader` over a
snapshot, so that whoever reads sees one moment of the chain and never waits for the writer.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, get_ident
from types import TracebackType

from state.accounts import State
from state.batch import BlockDoesNotFollow, PendingEntries, StoreBatch, check_sealed, put_block
from state.blocks import BlockId, Header, Heads, Receipt, SealedBlock
from state.errors import InternalError, Invalid
from state.kv import (
    DatabaseEmpty,
    DatabaseOfAnotherChain,
    DatabaseVersionUnknown,
    KeyValueStore,
)
from state.leveldb import LevelDBStore
from state.memory import MemoryStore
from state.proofs import AccountProof, prove_account
from state.reader import Caches, ChainReader
from state.recovery import Recovery, check_chain, recover
from state.stored import (
    ChainIdentity,
    StoredBlock,
    damaged,
    decode_identity,
    encode_heads,
    encode_identity,
)
from state.stored_state import ArchiveState, HeadState
from state.tables import HEADS_KEY, IDENTITY_KEY, LAYOUT_VERSION, VERSION_KEY
from state.types import Address, BlockNumber, Hash32

__all__ = ["ChainIdentity", "ChainStore", "NoSuchBlock", "Recovery", "StoredBlock"]


class NoSuchBlock(Invalid):
    """A block number that this chain does not have (yet)."""


class ChainStore:
    """A chain in a folder, or in memory. See the module for who may do what when."""

    def __init__(self, entries: KeyValueStore) -> None:
        """Use `open`; this expects a store that holds a chain."""
        self._entries = entries
        self._caches = Caches()
        self._writing = Lock()
        self._writer: int | None = None
        self._reader = ChainReader(entries.snapshot(), self._caches)

    @classmethod
    def open(
        cls, path: Path | None, identity: ChainIdentity, genesis: SealedBlock | None
    ) -> "ChainStore":
        """Open the chain in `path` (None: in memory), starting it with `genesis` where empty.

        Raises the errors of `state/kv.py`: in use, unwritable, damaged, of another chain or
        version, or empty without a genesis block. Nothing is written in any of these cases.
        """
        entries = MemoryStore() if path is None else LevelDBStore(path)
        try:
            if not _check_identity(entries, path, identity):
                _create(entries, path, identity, genesis)
            store = cls(entries)
            check_chain(store._reader)
            return store
        except BaseException:
            entries.close()
            raise

    @staticmethod
    def recover(path: Path, identity: ChainIdentity) -> Recovery:
        """Bring a damaged database back to the newest block at which it is whole.

        For an operator to call, never by itself: blocks may be lost, which L1 or a peer then has
        to supply. Raises `DatabaseDamaged` where nothing whole is left.
        """
        entries = LevelDBStore(path, tolerant=True)
        try:
            if not _check_identity(entries, path, identity):
                raise DatabaseEmpty(f"there is no chain in {path} to recover")
            return recover(entries, Caches())
        finally:
            entries.close()

    @property
    def failure(self) -> str | None:
        """Why nothing can be written any more, from any thread; None while all is well."""
        return self._entries.failure

    # Reading

    @property
    def heads(self) -> Heads:
        """The three heads as of the last commit."""
        return self._reader.heads

    @property
    def reader(self) -> ChainReader:
        """The chain as of the last commit; stays as it is while newer commits follow."""
        return self._reader

    def block_id(self, number: BlockNumber) -> BlockId | None:
        """The canonical block of that number, or None beyond the unsafe head."""
        return self._reader.block_id(number)

    def header(self, number: BlockNumber) -> Header | None:
        """The canonical header of that number."""
        return self._reader.header(number)

    def number_of(self, block_hash: Hash32) -> BlockNumber | None:
        """The number of a canonical block, by its hash."""
        return self._reader.number_of(block_hash)

    def block(self, number: BlockNumber) -> StoredBlock | None:
        """The canonical block of that number, whole."""
        return self._reader.block(number)

    def receipts(self, number: BlockNumber) -> tuple[Receipt, ...] | None:
        """The receipts of the canonical block of that number."""
        return self._reader.receipts(number)

    def find_transaction(self, transaction_hash: Hash32) -> tuple[BlockNumber, int] | None:
        """The number of the canonical block that holds a transaction, and its index there."""
        return self._reader.find_transaction(transaction_hash)

    def code(self, code_hash: Hash32) -> bytes:
        """Contract code by its hash. Raises `InternalError` where it is lost."""
        return self._reader.code(code_hash)

    def record(self, table: bytes, key: bytes) -> bytes | None:
        """A record of another folder."""
        return self._reader.record(table, key)

    def records(
        self, table: bytes, start: bytes, end: bytes | None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Records of another folder in key order, from `start` up to but not including `end`."""
        return self._reader.records(table, start, end)

    def state(self, number: BlockNumber | None = None) -> State:
        """The state after a block, by default the unsafe head. Raises `NoSuchBlock`.

        Stays readable and the same whatever is committed later.
        """
        reader = self._reader
        unsafe = reader.heads.unsafe.number
        header = _existing_header(reader, unsafe if number is None else number)
        kind = HeadState if header.number == unsafe else ArchiveState
        return kind(reader, header.state_root)

    def prove(self, number: BlockNumber, address: Address, slots: Sequence[int]) -> AccountProof:
        """Proofs of an account and slots of it after a block (EIP-1186). Raises `NoSuchBlock`."""
        reader = self._reader
        header = _existing_header(reader, number)
        return prove_account(header.state_root, address, slots, reader.node)

    # Writing

    @contextmanager
    def commit(self) -> Iterator[StoreBatch]:
        """Collect changes, and write all of them at the end, synced; on an exception, none.

        When this returns, the changes survive a crash and all readers see them. Raises
        `DatabaseUnwritable` where the disk refused; then nothing changed.
        """
        if self._writer == get_ident():
            raise InternalError("a commit was begun inside another one")
        with self._writing:
            self._writer = get_ident()
            try:
                batch = StoreBatch(self._reader, self._caches)
                yield batch
                self._entries.write(batch.changes())
                self._reader = ChainReader(self._entries.snapshot(), self._caches)
                batch.remember_nodes()
                if self._reader.heads != batch.heads:
                    raise damaged("the heads read back are not those written")
            finally:
                self._writer = None

    def close(self) -> None:
        """Release the folder. Everything committed is on disk already."""
        self._entries.close()

    def __enter__(self) -> "ChainStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _existing_header(reader: ChainReader, number: BlockNumber) -> Header:
    header = reader.header(number)
    if header is None:
        raise NoSuchBlock(f"block {number} does not exist; the newest is {reader.heads.unsafe[0]}")
    return header


def _check_identity(entries: KeyValueStore, path: Path | None, identity: ChainIdentity) -> bool:
    """Whether the store holds this chain; False where it is empty. Raises where another's."""
    version, stored = entries.get(VERSION_KEY), entries.get(IDENTITY_KEY)
    if version is None and stored is None:
        if next(entries.iterate(b"", None), None) is not None:
            raise damaged(f"{path} holds entries but not whose they are")
        return False
    if version is None or int.from_bytes(version, "big") != LAYOUT_VERSION:
        found = "no version" if version is None else f"version {int.from_bytes(version, 'big')}"
        raise DatabaseVersionUnknown(
            f"the database in {path} has {found} of the layout, this program writes version"
            f" {LAYOUT_VERSION}: use the program that wrote it, or choose another folder with"
            " --data-dir"
        )
    if stored is None:
        raise damaged(f"{path} does not say which chain it holds")
    held = decode_identity(stored)
    if held != identity:
        raise DatabaseOfAnotherChain(
            f"the database in {path} holds {held}, not {identity}: choose another folder with"
            " --data-dir, or begin anew with --reset"
        )
    return True


def _create(
    entries: KeyValueStore,
    path: Path | None,
    identity: ChainIdentity,
    genesis: SealedBlock | None,
) -> None:
    """Write identity, genesis block and heads in one batch, so that a crash leaves all or none."""
    if genesis is None:
        raise DatabaseEmpty(f"there is no chain in {path}, and no genesis block to start one with")
    if genesis.header.number != 0 or genesis.hash != identity.genesis_hash:
        raise BlockDoesNotFollow("the genesis block given is not that of the chain's identity")
    check_sealed(genesis)
    pending = PendingEntries(entries)
    put_block(pending, genesis)
    head = BlockId(genesis.header.number, genesis.hash)
    pending.changes[HEADS_KEY] = encode_heads(Heads(head, head, head))
    pending.changes[IDENTITY_KEY] = encode_identity(identity)
    pending.changes[VERSION_KEY] = LAYOUT_VERSION.to_bytes(2, "big")
    entries.write(pending.changes)
