"""The database of a stopped node, with the chain that it must be."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.deployment import l2_config, l2_genesis, load_deployment
from bridge.derive.inbox_log import InboxLog
from bridge.derive.pipeline import Pipeline
from genesis.config import ChainConfig, Layer
from node.chain import DATABASE, identity_of
from node.database.errors import NoDatabase
from node.devnet_nodes import DEPLOYMENT
from node.roles.l1 import GENESIS_FILE, l1_chain
from node.settings import InvalidSettings
from state.blocks import SealedBlock
from state.clock import SystemClock
from state.leveldb import LEVELDB_FOLDER
from state.store import ChainStore
from state.stored import ChainIdentity

LEVELDB: Final = Path(DATABASE) / LEVELDB_FOLDER
"""Where in a node's data folder LevelDB's own files are."""


@dataclass(frozen=True, slots=True)
class NodeChain:
    """Which chain a node's folder holds."""

    folder: Path
    config: ChainConfig
    genesis: SealedBlock

    @property
    def identity(self) -> ChainIdentity:
        return identity_of(self.config, self.genesis)

    @property
    def is_l2(self) -> bool:
        return self.config.layer is Layer.L2

    @property
    def database(self) -> Path:
        return self.folder / DATABASE


@dataclass(frozen=True, slots=True)
class NodeDatabase:
    """An open database; no node runs on it meanwhile."""

    chain: NodeChain
    store: ChainStore

    @property
    def log(self) -> InboxLog:
        """The inbox as the node has read it; of L2."""
        return InboxLog(self.store)

    def pipeline(self) -> Pipeline:
        """Derivation where the node left it; of L2."""
        return Pipeline(self.store, self.chain.config, self.log)


def chain_in(folder: Path, deployment: Path | None) -> NodeChain:
    """The chain of a node's folder: the embedded L1's, or L2's by its deployment file.

    A devnet's is found beside the folder. Raises `InvalidSettings` and `InvalidDeployment`.
    """
    if deployment is None and (folder / GENESIS_FILE).exists():
        return NodeChain(folder, *l1_chain(folder, SystemClock()))
    path = deployment or folder.parent / DEPLOYMENT
    if not path.exists():
        raise InvalidSettings(
            f"{path} isn't there: which L2 the database in {folder} is of follows from its"
            " deployment file; name it with --deployment"
        )
    known = load_deployment(path)
    return NodeChain(folder, l2_config(known), l2_genesis(known))


@contextlib.contextmanager
def opened(folder: Path, deployment: Path | None) -> Iterator[NodeDatabase]:
    """The database of a node's folder, closed on leaving.

    Raises `NoDatabase`, `DatabaseInUse` while a node runs on it, and the other errors of
    `state/kv.py`.
    """
    if not (folder / LEVELDB).exists():
        raise NoDatabase(folder)
    chain = chain_in(folder, deployment)
    with ChainStore.open(chain.database, chain.identity, None) as store:
        yield NodeDatabase(chain, store)


@contextlib.contextmanager
def opened_or_new(chain: NodeChain) -> Iterator[NodeDatabase]:
    """Likewise for a known chain, begun at its genesis block where the folder is empty."""
    with ChainStore.open(chain.database, chain.identity, chain.genesis) as store:
        yield NodeDatabase(chain, store)
