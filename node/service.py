"""The composition of one node: opens its chain, starts its role and its RPC, stops both."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.checked import unchecked
from bridge.deployment import Deployment, load_deployment, to_json
from bridge.l1.accounts import Operator
from bridge.l1.client import L1Client
from bridge.l1.contracts import l1_errors
from bridge.l1.rpc import RpcClient
from bridge.l1.transactor import Transactor
from bridge.poster import Poster
from bridge.proposer import Proposer
from bridge.withdrawal_status import BridgeContracts
from execution.evm.engine import Evm
from execution.evm.lanes import SIMULATING
from execution.evm.threads import DeepExecutor
from genesis.accounts import dev_accounts, operator_accounts
from node.chain import Chain
from node.conditions import Conditions
from node.console import listening_engine, listening_to_calls
from node.dispute.roots import RootsReader
from node.dispute.watch import DisputeWatch
from node.health import (
    Health,
    Probe,
    disk_full,
    examine,
    halted,
    late,
    unwritable,
    violated,
)
from node.history.history import FOLDER as HISTORY
from node.history.history import AddressHistory
from node.keepers.service import KeeperCounts, run_keepers
from node.limits import DISPUTE_POLL_SECONDS, DISPUTE_WATCH_SECONDS, EVM_THREADS
from node.machine_check import MachineCheck, settle_disagreements
from node.metrics import NodeMetrics
from node.monitor.evidence import settle_violations
from node.monitor.monitor import Monitor
from node.p2p.membership import Membership, join
from node.powers.makers import BlockMaker
from node.powers.sandbox import PosingAccounts
from node.readiness import l1_statistics, l2_probes
from node.roles.faulty import fault_player
from node.roles.follower import Follower, every, open_l2
from node.roles.l1 import L1Builder, open_l1
from node.roles.pace import Pace
from node.roles.sequencer import Sequencer
from node.roles.trading import TradingDesk
from node.rpc.api import heads
from node.rpc.backend import CLIENT_VERSION, Backend, Rollup
from node.rpc.eth.signers import NoSigners, Signers, UnlockedAccounts
from node.rpc.evm_work import EvmWork
from node.rpc.monitor import MonitorMethods
from node.rpc.pending import PendingBlocks, Plan
from node.rpc.roots import L1Watched, RootMethods
from node.rpc.trade.methods import TradeMethods
from node.settings import InvalidSettings, NodeSettings, Role
from sequencer.pool_file import kept_pool
from state.errors import InternalError, Unavailable
from state.types import Hash32

log = logging.getLogger("tallystick.node")


class NotSequencer(Unavailable):
    """A verifier without peers was given a transaction; it has no pool."""


@dataclass(slots=True)
class RunningNode:
    """What a role needs to run: loops that never end, and what the RPC serves."""

    chain: Chain
    backend: Backend
    loops: list[Coroutine[Any, Any, None]]
    metrics: NodeMetrics
    follower: Follower | None = None
    membership: Membership | None = None
    """Its place among its peers, if it has any."""
    trade: TradeMethods | None = None
    maker: BlockMaker | None = None
    """Makes the layer's blocks, if the node does."""
    monitor: Monitor | None = None
    probes: tuple[Probe, ...] = ()
    """What makes it unfit to be asked, though it lives."""
    lookouts: tuple[object, ...] = ()
    """What an L2 node tells of L1, of output roots and of its monitor."""
    fault: asyncio.Future[None] = field(default_factory=asyncio.Future)
    """Gets an exception when the node finds itself wrong and must stop."""

    def namespaces(self) -> tuple[object, ...]:
        """What it answers beyond what every node does."""
        membership = self.membership.namespaces if self.membership is not None else ()
        trade = (self.trade,) if self.trade is not None else ()
        return (*membership, *trade, *self.lookouts)

    def report_fault(self, error: BaseException) -> None:
        """An unexpected error while answering a call; one of our own invariants stops the node."""
        log.error("while answering a call: %r", error, exc_info=error)
        if isinstance(error, InternalError) and not self.fault.done():
            self.fault.set_exception(error)

    def health(self) -> Health:
        """Whether the node lives: it neither halts nor has lost its disk."""
        return examine(self._vital_probes(), heads(self.backend))

    def readiness(self) -> Health:
        """Whether it is fit to be asked: it lives, sees L1, and is up to date."""
        return examine((*self._vital_probes(), *self.probes), heads(self.backend))

    def _vital_probes(self) -> tuple[Probe, ...]:
        return (
            halted(lambda: self.fault.exception() if self.fault.done() else None),
            violated(lambda: 0 if self.monitor is None else self.monitor.statistics().violations),
            unwritable(self.chain.store),
        )


@contextlib.asynccontextmanager
async def opened(settings: NodeSettings, conditions: Conditions) -> AsyncIterator[RunningNode]:
    """Open the chain of the role; closes it on leaving."""
    if settings.role is Role.L1:
        chain = open_l1(settings.data_dir, conditions.clock, conditions.sandbox)
        chain = _listening(settings, chain)
        try:
            async with _history(settings, chain) as history:
                with kept_pool(chain.mempool, settings.data_dir):
                    yield _l1_node(settings, chain, conditions.pace, history)
        finally:
            chain.close()
        return
    if settings.l1_rpc is None or settings.deployment is None:
        raise InvalidSettings(f"a {settings.role} needs --l1-rpc and --deployment")
    deployment = load_deployment(settings.deployment)
    chain = open_l2(
        settings.data_dir,
        deployment,
        conditions.clock,
        settings.ordering,
        conditions.sandbox,
    )
    chain = _listening(settings, chain)
    try:
        async with RpcClient(settings.l1_rpc) as rpc:
            client = L1Client(rpc, chain_id=deployment.l1_chain_id, errors=l1_errors())
            async with _history(settings, chain) as history, _trading(settings, chain) as trading:
                with kept_pool(chain.mempool, settings.data_dir):
                    yield _l2_node(
                        settings, chain, client, deployment, trading, conditions.pace, history
                    )
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


def _l1_node(
    settings: NodeSettings, chain: Chain, pace: Pace, history: AddressHistory
) -> RunningNode:
    builder = L1Builder(chain, pace)
    backend = _backend(chain, builder.next_block, history, unlocked=settings.mnemonic_accounts)
    return RunningNode(
        chain,
        backend,
        [builder.run()],
        NodeMetrics(backend, data_dir=settings.data_dir, clock=chain.clock),
        maker=builder,
        probes=(disk_full(settings.data_dir), late(chain.store, pace, chain.clock)),
    )


def _l2_node(
    settings: NodeSettings,
    chain: Chain,
    client: L1Client,
    deployment: Deployment,
    trading: TradingDesk | None,
    pace: Pace,
    history: AddressHistory,
) -> RunningNode:
    follower = Follower.over(chain, client, deployment, settings.machine_results)
    settle_disagreements(
        settings.data_dir, chain.store, chain.config, follower.pipeline, settings.machine_results
    )
    accepted = settle_violations(settings.data_dir, chain.store, settings.accepted_violations)
    monitor = Monitor(chain.store, settings.data_dir, chain.config, accepted)
    rollup = Rollup(
        follower.pipeline.status,
        follower.pipeline.view,
        to_json(deployment),
        BridgeContracts(client, deployment.portal, deployment.rollup),
    )
    membership = join(settings, follower, deployment)
    backend = _backend(
        chain,
        follower.next_block,
        history,
        unlocked=settings.mnemonic_accounts,
        rollup=rollup,
        has_pool=settings.role is Role.SEQUENCER,
        membership=membership,
    )
    roots = RootsReader(client, deployment.rollup)
    watch = DisputeWatch(roots, follower.pipeline.view)
    metrics = NodeMetrics(
        backend,
        monitor.statistics,
        l1=lambda: l1_statistics(follower, client),
        disputes=lambda: watch.statistics,
        data_dir=settings.data_dir,
        clock=chain.clock,
    )
    trade: TradeMethods | None = None
    maker: BlockMaker | None = None
    loops = [follower.run(), every(DISPUTE_WATCH_SECONDS, watch.step, "disputes")]
    if not settings.sandbox:
        loops.append(monitor.run(chain.feed))
    if membership is not None:
        membership.serve_trade(backend)
        metrics = replace(
            metrics,
            network=membership.network.statistics,
            replica=membership.replica_statistics,
            feeds=membership.feed_statistics,
        )
        loops.append(membership.run())
    if settings.machine_check:
        check = MachineCheck(chain.store, chain.config, settings.data_dir, settings.machine_check)
        loops.append(check.run())
    if settings.role is Role.SEQUENCER:
        batcher, proposer = (Transactor(client, one) for one in _operators(settings))
        sequencer = _sequencer(settings, follower, monitor, deployment, batcher, proposer, pace)
        maker = sequencer
        sequencer.signer = membership.network.signer if membership is not None else None
        sequencer.note_build = metrics.builds.observe
        metrics = replace(metrics, sequencer=lambda: sequencer.statistics)
        if trading is not None:
            sequencer.trading = trading
            metrics = replace(metrics, trading=trading)
            trade = TradeMethods(trading.exchange, backend)
            loops += [trading.exchange.run(), trade.run()]
        loops += [
            sequencer.build_blocks(),
            every(settings.batch_seconds, sequencer.post, "poster"),
        ]
        if not settings.sandbox:
            loops.append(every(settings.proposal_seconds, sequencer.propose, "proposer"))
        if settings.fault is not None:
            liar = fault_player(settings.fault, follower, proposer, deployment)
            loops.append(every(DISPUTE_POLL_SECONDS, liar.step, "liar"))
        if settings.keepers is not None:
            counts = KeeperCounts()
            metrics = replace(metrics, keepers=lambda: counts)
            loops.append(run_keepers(settings.keepers, counts))
    lookouts = _lookouts(backend, follower, client, roots, monitor)
    return RunningNode(
        chain,
        backend,
        loops,
        metrics,
        follower,
        membership,
        trade,
        maker,
        monitor=monitor,
        probes=l2_probes(settings, follower, membership, pace),
        lookouts=lookouts,
    )


def _lookouts(
    backend: Backend,
    follower: Follower,
    client: L1Client,
    roots: RootsReader,
    monitor: Monitor,
) -> tuple[object, ...]:
    """What the node tells of what it follows: its page may ask nobody else."""

    def watched() -> L1Watched:
        return L1Watched(
            client.chain_id,
            client.rpc.name,
            follower.l1,
            follower.trouble,
            follower.synced.is_set(),
        )

    return (
        RootMethods(roots, follower.pipeline.view, watched),
        MonitorMethods(backend, monitor.statistics),
    )


@contextlib.asynccontextmanager
async def _trading(settings: NodeSettings, chain: Chain) -> AsyncIterator[TradingDesk | None]:
    """A sequencer's exchange, if there is somebody to sign settlements."""
    matcher = _matcher(settings)
    if matcher is None:
        yield None
        return
    async with TradingDesk.opened(chain, settings.data_dir, matcher) as desk:
        yield desk


def _matcher(settings: NodeSettings) -> Operator | None:
    if settings.role is not Role.SEQUENCER:
        return None
    if settings.matcher_key is not None:
        return Operator.from_file(settings.matcher_key)
    if settings.mnemonic_accounts:
        return Operator.of_dev_account(operator_accounts().matcher)
    return None


def _sequencer(
    settings: NodeSettings,
    follower: Follower,
    monitor: Monitor,
    deployment: Deployment,
    batcher: Transactor,
    proposer: Transactor,
    pace: Pace,
) -> Sequencer:
    chain = follower.chain
    return Sequencer(
        follower=follower,
        monitor=None if settings.sandbox else monitor,
        poster=Poster(
            chain.store,
            chain.config,
            follower.log,
            follower.pipeline.view,
            batcher,
            on_chain_thread=chain.write,
            checked=unchecked if settings.sandbox else monitor.checked,
        ),
        proposer=Proposer(
            chain.store,
            follower.log,
            follower.pipeline.view,
            proposer,
            deployment.rollup,
            on_chain_thread=chain.write,
            checked=unchecked if settings.sandbox else monitor.checked,
        ),
        pace=pace,
        batch_seconds=settings.batch_seconds,
        proposal_seconds=settings.proposal_seconds,
    )


def _operators(settings: NodeSettings) -> tuple[Operator, Operator]:
    """The accounts that post batches and propose roots."""
    if settings.mnemonic_accounts:
        accounts = operator_accounts()
        return Operator.of_dev_account(accounts.batcher), Operator.of_dev_account(accounts.proposer)
    if settings.batcher_key is None or settings.proposer_key is None:
        raise InvalidSettings(
            "a sequencer signs L1 transactions: give --batcher-key-file and --proposer-key-file,"
            " or --dev on a devnet"
        )
    return Operator.from_file(settings.batcher_key), Operator.from_file(settings.proposer_key)


def _backend(
    chain: Chain,
    plan: Plan,
    history: AddressHistory,
    *,
    unlocked: bool,
    rollup: Rollup | None = None,
    has_pool: bool = True,
    membership: Membership | None = None,
) -> Backend:
    evm = EvmWork(DeepExecutor(EVM_THREADS, SIMULATING))
    mempool = chain.mempool if has_pool else None
    submit = chain.submit
    if not has_pool:
        forwarder = membership.forwarder if membership is not None else None
        submit = forwarder.submit if forwarder is not None else _refuse
    return Backend(
        store=chain.store,
        config=chain.config,
        feed=chain.feed,
        evm=evm,
        submit=submit,
        history=history,
        mempool=mempool,
        rollup=rollup,
        peers=membership.peers if membership is not None else int,
        client_version=CLIENT_VERSION if chain.sandbox is None else f"{CLIENT_VERSION}/sandbox",
        signers=_unlocked(chain) if unlocked and has_pool else NoSigners(),
        pending=PendingBlocks(chain.store, chain.config, mempool, chain.clock, evm, plan),
        call_engine=listening_to_calls if unlocked else lambda: Evm,
    )


def _unlocked(chain: Chain) -> Signers:
    """On a devnet, whoever asks may send for the accounts whose keys everybody knows."""
    chain_id = chain.config.chain_id
    if chain.sandbox is not None:
        return PosingAccounts(dev_accounts(), chain_id, chain.sandbox)
    return UnlockedAccounts(dev_accounts(), chain_id)


async def _refuse(raw: bytes) -> Hash32:
    raise NotSequencer("this node only verifies: send transactions to the sequencer")
