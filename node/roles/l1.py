"""The embedded L1: this node under plain Ethereum rules, one timed block after another.

It is a convenience. What L1 really costs and does is shown on anvil.
"""

import json
import logging
from pathlib import Path
from typing import Final

from execution.attributes import BlockAttributes
from genesis.builder import build_genesis
from genesis.config import ChainConfig
from genesis.networks import embedded_l1, embedded_l1_alloc
from node.chain import DATABASE, Chain, identity_of
from node.settings import InvalidSettings
from sequencer.builder import unsafe_header
from state.blocks import BlockId, Heads, SealedBlock
from state.clock import Clock
from state.files import write_atomically
from state.keccak import keccak
from state.store import ChainStore
from state.types import BlockNumber, Timestamp

log = logging.getLogger("tallystick.l1")

GENESIS_FILE: Final = "genesis.json"

SAFE_DEPTH: Final = 4
FINALIZED_DEPTH: Final = 8
"""Blocks behind the head. This L1 never reorgs by itself; the depths let finality be seen."""


def open_l1(data_dir: Path, clock: Clock) -> Chain:
    """Open the embedded L1's database, made at the first start."""
    config, genesis = l1_chain(data_dir, clock)
    store = ChainStore.open(data_dir / DATABASE, identity_of(config, genesis), genesis)
    return Chain.over(store, config, clock)


def l1_chain(data_dir: Path, clock: Clock) -> tuple[ChainConfig, SealedBlock]:
    """Configuration and genesis of the embedded L1 of a data folder."""
    config = embedded_l1(_genesis_time(data_dir / GENESIS_FILE, clock))
    return config, build_genesis(config, embedded_l1_alloc())


def make_block(chain: Chain) -> BlockNumber | None:
    """Build and write the next block; None when the clock hasn't moved past the last one."""
    parent = unsafe_header(chain.store)
    now = chain.clock.now()
    if now <= parent.timestamp:
        return None
    result = chain.build(_attributes(chain.config, parent.prev_randao, now))
    number = result.sealed.header.number
    head = BlockId(number, result.sealed.hash)
    chain.append(result, lambda batch: batch.set_heads(heads_at(chain.store, head)))
    return number


def _attributes(config: ChainConfig, randao: bytes, now: Timestamp) -> BlockAttributes:
    return BlockAttributes(
        timestamp=now,
        prev_randao=keccak(randao),
        coinbase=config.coinbase,
        gas_limit=config.block_gas_limit,
    )


def heads_at(store: ChainStore, head: BlockId) -> Heads:
    """The three heads when `head` is the newest block."""
    return Heads(head, _behind(store, head, SAFE_DEPTH), _behind(store, head, FINALIZED_DEPTH))


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
