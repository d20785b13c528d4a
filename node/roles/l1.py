"""The embedded L1: this node under plain Ethereum rules, one timed block after another.

It is a convenience. What L1 really costs and does is shown on anvil.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from execution.attributes import BlockAttributes
from genesis.builder import build_genesis
from genesis.config import ChainConfig
from genesis.networks import embedded_l1, embedded_l1_alloc
from node.chain import DATABASE, Chain, identity_of
from node.powers.errors import PowerRefused
from node.powers.sandbox import Sandbox
from node.roles.pace import Pace
from node.rpc.pending import NextBlock
from node.settings import InvalidSettings
from sequencer.builder import unsafe_header
from state.blocks import BlockId, Header, Heads, SealedBlock
from state.clock import Clock
from state.files import write_atomically
from state.keccak import keccak
from state.reader import ChainReader
from state.store import ChainStore
from state.types import BlockNumber, Timestamp

log = logging.getLogger("tallystick.l1")

GENESIS_FILE: Final = "genesis.json"

SAFE_DEPTH: Final = 4
FINALIZED_DEPTH: Final = 8
"""Blocks behind the head. This L1 never reorgs by itself; the depths let finality be seen."""


def open_l1(data_dir: Path, clock: Clock, sandbox: Sandbox | None = None) -> Chain:
    """Open the embedded L1's database, made at the first start."""
    config, genesis = l1_chain(data_dir, clock)
    store = ChainStore.open(data_dir / DATABASE, identity_of(config, genesis), genesis)
    return Chain.over(store, config, clock, sandbox=sandbox)


def l1_chain(data_dir: Path, clock: Clock) -> tuple[ChainConfig, SealedBlock]:
    """Configuration and genesis of the embedded L1 of a data folder."""
    config = embedded_l1(_genesis_time(data_dir / GENESIS_FILE, clock))
    return config, build_genesis(config, embedded_l1_alloc())


@dataclass(slots=True)
class L1Builder:
    """Makes the blocks of the embedded L1."""

    chain: Chain
    pace: Pace
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _branch: int = 0
    """How many reorgs there were: blocks of another branch differ, though they hold the same."""

    async def run(self) -> None:
        """Make blocks at their pace until cancelled."""
        while True:
            await self.pace.wait()
            await self.make_block()

    async def make_block(self, in_turn: Callable[[], None] = lambda: None) -> BlockNumber | None:
        """Make the next block and tell of it; None while the clock shows the last one's time.

        `in_turn` is called when no other block can come before this one.
        """
        async with self._turn:
            in_turn()
            number = await self.chain.write(self._make)
            await self.chain.feed.announce()
        return number

    async def rewind(self, depth: int, *, keeps_transactions: bool) -> None:
        """Take blocks back that aren't final. Raises `PowerRefused` for more."""
        async with self._turn:
            await self.chain.write(lambda: self._rewind(depth, keeps_transactions))
            await self.chain.feed.announce()

    def next_block(self, reader: ChainReader) -> NextBlock:
        """What the next block is like, for a look at it ahead of its time."""
        parent = unsafe_header(reader)
        now = Timestamp(max(self.chain.clock.now(), parent.timestamp + 1))
        return NextBlock(self._attributes(parent, now))

    def _attributes(self, parent: Header, now: Timestamp) -> BlockAttributes:
        config = self.chain.config
        return BlockAttributes(
            timestamp=now,
            prev_randao=keccak(parent.prev_randao + bytes(self._branch)),
            coinbase=config.coinbase,
            gas_limit=config.block_gas_limit,
        )

    def _make(self) -> BlockNumber | None:
        chain = self.chain
        parent = unsafe_header(chain.store)
        now = chain.clock.now()
        if now <= parent.timestamp:
            return None
        result = chain.build(self._attributes(parent, now))
        number = result.sealed.header.number
        head = BlockId(number, result.sealed.hash)
        chain.append(result, lambda batch: batch.set_heads(heads_at(chain.store, head)))
        return number

    def _rewind(self, depth: int, keeps_transactions: bool) -> None:
        store = self.chain.store
        heads = store.heads
        deepest = heads.unsafe.number - heads.finalized.number
        if depth > deepest:
            raise PowerRefused(
                f"the newest {depth} blocks can't be taken back: this L1 is final"
                f" {FINALIZED_DEPTH} blocks behind its head, so that {deepest} can; to go back"
                " further, revert to a snapshot"
            )
        first = heads.unsafe.number - depth + 1
        dropped = [
            raw
            for number in range(first, heads.unsafe.number + 1)
            for raw in transactions_of(store, BlockNumber(number))
        ]
        with store.commit() as batch:
            batch.rewind(BlockNumber(first - 1))
        self._branch += 1
        self.chain.refresh_pool(dropped if keeps_transactions else ())


def transactions_of(store: ChainStore, number: BlockNumber) -> tuple[bytes, ...]:
    """What a block holds; nothing where there is none."""
    block = store.block(number)
    return () if block is None else tuple(block.transactions)


def heads_at(store: ChainStore, head: BlockId) -> Heads:
    """The heads once `head` is the newest block. After a reorg finality stays where it was."""
    finalized = max(_behind(store, head, FINALIZED_DEPTH), store.heads.finalized)
    return Heads(head, max(_behind(store, head, SAFE_DEPTH), finalized), finalized)


def _behind(store: ChainStore, head: BlockId, depth: int) -> BlockId:
    found = store.block_id(BlockNumber(max(0, head.number - depth)))
    return found or head


def _genesis_time(path: Path, clock: Clock) -> Timestamp:
    """The time this L1 began, kept beside its database."""
    try:
        return Timestamp(int(json.loads(path.read_bytes())["genesisTime"]))
    except FileNotFoundError:
        now = clock.now()
        write_atomically(path, json.dumps({"genesisTime": now}).encode())
        return now
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidSettings(
            f"{path} can't be read: it holds the time at which this L1 began;"
            " begin anew with --reset"
        ) from error
