"""The state root of a block with many changed slots: one batched pass against the `trie` package.

Both sides start from the same nodes in memory, change the same slots of the same contracts, and
must arrive at the same root; times are medians of interleaved runs in one process, in processor
time, so that a busy machine changes them little. The package is
used twice, plainly and through its `squash_changes`, and the faster of both counts. The last row
reads the old nodes and accounts from LevelDB instead, as a node does.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click
from trie import HexaryTrie

from scripts.benchmarks.report import median, print_table, ratio
from state.accounts import Account, StateDiff
from state.blocks import Header, SealedBlock
from state.headers import header_hash
from state.keccak import keccak
from state.memory_state import MemoryState, allocation_update
from state.store import ChainIdentity, ChainStore
from state.types import ZERO_HASH, Address, BlockNumber, Gas, Hash32, Timestamp, Wei
from state.world import decode_account, encode_account, encode_slot, slot_key

ROUNDS = 3
SEED = 20_240_313


@dataclass(frozen=True, slots=True)
class BenchAccount:
    """A contract of the state before the block."""

    storage: dict[int, int]
    nonce: int = 1
    balance: Wei = Wei(0)
    code: bytes = b"\x00"


@dataclass(frozen=True, slots=True)
class Case:
    """Contracts with slots, and how many slots in all the block changes (a tenth are new)."""

    name: str
    contracts: int
    slots_each: int
    changed: int
    alloc: dict[Address, BenchAccount] = field(init=False, repr=False)
    diff: StateDiff = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rng = random.Random(SEED)
        addresses = [
            Address(keccak(bytes([n % 256, n // 256]))[12:]) for n in range(self.contracts)
        ]
        alloc = {
            address: BenchAccount({s: rng.randrange(1, 2**256) for s in range(self.slots_each)})
            for address in addresses
        }
        changed_each = self.changed // self.contracts
        slots = range(self.slots_each + changed_each // 10)
        storage = {
            address: {slot: rng.randrange(2**128) for slot in rng.sample(slots, changed_each)}
            for address in addresses
        }
        object.__setattr__(self, "alloc", alloc)
        object.__setattr__(self, "diff", StateDiff(storage=storage))


CASES = (
    Case("one contract of 100,000 slots", 1, 100_000, 10_000),
    Case("100 contracts of 1,000 slots", 100, 1_000, 10_000),
    Case("1,000 contracts of 20 slots", 1_000, 20, 10_000),
)
SMALLEST = Case("10 contracts of 20 slots", 10, 20, 100)


def package_root(state: MemoryState, diff: StateDiff, *, squash: bool) -> Hash32:
    """The root after `diff` by the `trie` package, key by key."""
    database = dict(state.nodes)
    accounts = HexaryTrie(database, state.root)
    for address, slots in diff.storage.items():
        before = decode_account(accounts[keccak(address)])
        storage = HexaryTrie(database, before.storage_root)
        if squash:
            with storage.squash_changes() as changing:
                _set_slots(changing, slots)
        else:
            _set_slots(storage, slots)
        root = Hash32(storage.root_hash)
        after = Account(before.nonce, before.balance, root, before.code_hash)
        accounts[keccak(address)] = encode_account(after)
    return Hash32(accounts.root_hash)


def _set_slots(trie: HexaryTrie, slots: dict[int, int]) -> None:
    for slot, value in slots.items():
        trie[slot_key(slot)] = encode_slot(value)


def timed(root: Callable[[], Hash32]) -> tuple[float, Hash32]:
    """Processor seconds of one call, and its result."""
    started = time.process_time()
    result = root()
    return time.process_time() - started, result


def open_on_disk(case: Case, folder: Path) -> ChainStore:
    """The state before the block in LevelDB, freshly opened so that its caches are cold."""
    update = allocation_update(case.alloc)
    header = Header(
        parent_hash=ZERO_HASH,
        state_root=update.root,
        number=BlockNumber(0),
        gas_limit=Gas(30_000_000),
        timestamp=Timestamp(0),
        base_fee_per_gas=Wei(0),
    )
    genesis = SealedBlock(header_hash(header), header, (), (), (), (), update)
    identity = ChainIdentity(1, genesis.hash, ZERO_HASH)
    ChainStore.open(folder, identity, genesis).close()
    return ChainStore.open(folder, identity, None)


def measure(case: Case, rounds: int) -> tuple[float, float, float, float]:
    """Median seconds: batched pass, package, package with squashing, batched pass on LevelDB."""
    state = MemoryState.from_alloc(case.alloc)
    seconds: list[list[float]] = [[], [], [], []]
    for _ in range(rounds):
        # A fresh folder each time, and fresh states: neither side may profit from the last round.
        with tempfile.TemporaryDirectory() as folder, open_on_disk(case, Path(folder)) as store:
            fresh = MemoryState(state.nodes, state.root)
            on_disk = store.state()
            ways: tuple[Callable[[], Hash32], ...] = (
                lambda fresh=fresh: fresh.update(case.diff).root,
                lambda: package_root(state, case.diff, squash=False),
                lambda: package_root(state, case.diff, squash=True),
                lambda on_disk=on_disk: on_disk.update(case.diff).root,
            )
            results = [timed(way) for way in ways]
        roots = {root for _, root in results}
        if len(roots) != 1:
            sys.exit(f"{case.name}: the roots differ: {sorted(root.hex() for root in roots)}")
        for way, (elapsed, _) in enumerate(results):
            seconds[way].append(elapsed)
    batched, plain, squashed, disk = (median(times) for times in seconds)
    return batched, plain, squashed, disk


@click.command(context_settings={"show_default": True})
@click.option("--rounds", default=ROUNDS, type=click.IntRange(1, 50), help="Rounds of each case.")
@click.option("--smallest", is_flag=True, help="Only a small state, to see that it works.")
def main(rounds: int, smallest: bool) -> None:
    """Measure the state root of a block with 10,000 changed slots against the trie package."""
    rows = []
    for case in (SMALLEST,) if smallest else CASES:
        batched, plain, squashed, disk = measure(case, rounds)
        best = min(plain, squashed)
        milliseconds = [f"{1000 * value:,.0f}" for value in (batched, plain, squashed, disk)]
        rows.append([case.name, *milliseconds, ratio(best, batched), ratio(best, disk)])
    print_table(
        f"State root of a block: processor ms, medians of {rounds}",
        ("state", "batched", "trie", "trie, squashed", "from LevelDB", "ratio", "LevelDB ratio"),
        rows,
        command="./scripts/bench state-root",
    )


if __name__ == "__main__":
    main()
