"""Opens the chain of a role, and puts the node together on it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

from bridge.deployment import load_deployment
from bridge.l1.client import L1Client
from bridge.l1.contracts import l1_errors
from bridge.l1.rpc import RpcClient
from node.chain import Chain
from node.conditions import Conditions
from node.console import listening_engine
from node.history.history import FOLDER as HISTORY
from node.history.history import AddressHistory
from node.roles.follower import open_l2
from node.roles.l1 import open_l1
from node.roles.trading import TradingDesk
from node.service.l1_node import l1_node
from node.service.l2_node import L2Parts
from node.service.operators import matcher_of
from node.service.running import RunningNode
from node.settings import InvalidSettings, NodeSettings, Role
from sequencer.pool_file import kept_pool


@contextlib.asynccontextmanager
async def opened(settings: NodeSettings, conditions: Conditions) -> AsyncIterator[RunningNode]:
    """Open the chain of the role; closes it on leaving."""
    opened_role = _opened_l1 if settings.role is Role.L1 else _opened_l2
    async with opened_role(settings, conditions) as node:
        yield node


@contextlib.asynccontextmanager
async def _opened_l1(settings: NodeSettings, conditions: Conditions) -> AsyncIterator[RunningNode]:
    chain = open_l1(settings.data_dir, conditions.clock, conditions.sandbox)
    chain = _listening(settings, chain)
    try:
        async with _history(settings, chain) as history:
            with kept_pool(chain.mempool, settings.data_dir):
                yield l1_node(settings, chain, conditions.pace, history)
    finally:
        chain.close()


@contextlib.asynccontextmanager
async def _opened_l2(settings: NodeSettings, conditions: Conditions) -> AsyncIterator[RunningNode]:
    if settings.l1_rpc is None or settings.deployment is None:
        raise InvalidSettings(f"a {settings.role} needs --l1-rpc and --deployment")
    deployment = load_deployment(settings.deployment)
    clock, sandbox = conditions.clock, conditions.sandbox
    chain = open_l2(settings.data_dir, deployment, clock, settings.ordering, sandbox)
    chain = _listening(settings, chain)
    try:
        async with (
            RpcClient(settings.l1_rpc) as rpc,
            _history(settings, chain) as history,
            _trading(settings, chain) as trading,
        ):
            client = L1Client(rpc, chain_id=deployment.l1_chain_id, errors=l1_errors())
            with kept_pool(chain.mempool, settings.data_dir):
                yield L2Parts(
                    settings, chain, client, deployment, trading, conditions.pace, history
                ).assembled()
    finally:
        chain.close()


def _listening(settings: NodeSettings, chain: Chain) -> Chain:
    """On a devnet, contracts under development show their console.log while blocks are built."""
    return replace(chain, engine=listening_engine()) if settings.mnemonic_accounts else chain


@contextlib.asynccontextmanager
async def _history(settings: NodeSettings, chain: Chain) -> AsyncIterator[AddressHistory]:
    """The index of addresses beside the chain, which reads nothing before it is asked."""
    history = AddressHistory(chain.store, chain.config, settings.data_dir / HISTORY)
    try:
        yield history
    finally:
        await history.close()


@contextlib.asynccontextmanager
async def _trading(settings: NodeSettings, chain: Chain) -> AsyncIterator[TradingDesk | None]:
    """A sequencer's exchange, if there is somebody to sign settlements."""
    matcher = matcher_of(settings)
    if matcher is None:
        yield None
        return
    async with TradingDesk.opened(chain, settings.data_dir, matcher) as desk:
        yield desk
