"""Everything that a database holds, held to what it must be: slow, thorough, and read only.

Opening a database checks its newest blocks. This walks them all: links, roots of transactions and
receipts, then the state tries of the newest block with all code, against the flat tables.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from state.accounts import EMPTY_CODE_HASH
from state.blocks import Header
from state.kv import prefix_end
from state.reader import ChainReader
from state.recovery import account_entries, check_block, linked_header, storage_entries
from state.stored import damaged
from state.types import BlockNumber
from state.world import decode_account

_ENTRIES_PER_STEP = 1_000
"""How often progress is told: some 20 ms of walking."""


@dataclass(frozen=True, slots=True)
class AuditStep:
    """How far an audit has come."""

    blocks: int
    """Blocks walked; of the newest `total` in the end."""
    total: int
    accounts: int
    slots: int


def audit(reader: ChainReader) -> Iterator[AuditStep]:
    """Walk a chain, telling how far it has come. Raises `DatabaseDamaged` at the first fault, and
    `InternalError` where a trie node or code is lost."""
    newest = reader.heads.unsafe.number
    parent: Header | None = None
    for number in range(newest + 1):
        at = BlockNumber(number)
        parent = linked_header(reader, at, parent)
        check_block(reader, at)
        yield AuditStep(number + 1, newest + 1, 0, 0)
    if parent is not None:
        yield from _audit_state(reader, parent)


def _audit_state(reader: ChainReader, header: Header) -> Iterator[AuditStep]:
    """The state after the newest block: each trie whole, and equal to the flat table."""
    blocks = header.number + 1
    accounts = slots = 0
    for entry in _same(reader, b"a", account_entries(reader, header.state_root)):
        account = decode_account(entry[1])
        if account.code_hash != EMPTY_CODE_HASH:
            reader.code(account.code_hash)
        accounts += 1
        if accounts % _ENTRIES_PER_STEP == 0:
            yield AuditStep(blocks, blocks, accounts, slots)
    for _ in _same(reader, b"s", storage_entries(reader, header.state_root)):
        slots += 1
        if slots % _ENTRIES_PER_STEP == 0:
            yield AuditStep(blocks, blocks, accounts, slots)
    yield AuditStep(blocks, blocks, accounts, slots)


def _same(
    reader: ChainReader, prefix: bytes, wanted: Iterator[tuple[bytes, bytes]]
) -> Iterator[tuple[bytes, bytes]]:
    """The entries of a flat table, which are those of the trie. Raises `DatabaseDamaged`."""
    present = reader.entries.iterate(prefix, prefix_end(prefix))
    for have, want in zip_longest(present, wanted):
        if have is None or have != want:
            raise damaged("flat state and trie disagree after the newest block")
        yield have
