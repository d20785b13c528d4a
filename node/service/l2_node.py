"""A sequencer, a verifier or a replica: what each is made of."""

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bridge.checked import unchecked
from bridge.deployment import Deployment, to_json
from bridge.l1.client import L1Client
from bridge.l1.transactor import Transactor
from bridge.poster import Poster
from bridge.proposer import Proposer
from bridge.withdrawal_status import BridgeContracts
from node.chain import Chain
from node.dispute.roots import RootsReader
from node.dispute.watch import DisputeWatch
from node.history.history import AddressHistory
from node.keepers.service import KeeperCounts, run_keepers
from node.limits import DISPUTE_POLL_SECONDS, DISPUTE_WATCH_SECONDS
from node.machine_check import MachineCheck, settle_disagreements
from node.metrics import NodeMetrics
from node.monitor.evidence import settle_violations
from node.monitor.monitor import Monitor
from node.p2p.membership import Membership, join
from node.readiness import l1_statistics, l2_probes
from node.roles.faulty import fault_player
from node.roles.follower import Follower, every
from node.roles.pace import Pace
from node.roles.sequencer import Sequencer
from node.roles.trading import TradingDesk
from node.rpc.backend import Backend, Rollup
from node.rpc.monitor import MonitorMethods
from node.rpc.roots import L1Watched, RootMethods
from node.rpc.trade.methods import TradeMethods
from node.service.backends import backend_of
from node.service.operators import l1_operators
from node.service.running import RunningNode
from node.settings import NodeSettings, Role

Loops = list[Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class L2Parts:
    """The parts of one L2 node; each is made once, when another one first needs it."""

    settings: NodeSettings
    chain: Chain
    client: L1Client
    deployment: Deployment
    trading: TradingDesk | None
    pace: Pace
    history: AddressHistory

    def assembled(self) -> RunningNode:
        """The node. Raises `MachineDisagrees` and `InvariantBroken` where it halted before."""
        self._settle()
        sequencer = self.sequencer
        return RunningNode(
            self.chain,
            self.backend,
            [*self._loops_of_all(), *([] if sequencer is None else self._loops_of(sequencer))],
            self.metrics,
            self.follower,
            self.membership,
            self.trade,
            sequencer,
            monitor=self.monitor,
            probes=l2_probes(self.settings, self.follower, self.membership, self.pace),
            lookouts=self._lookouts(),
        )

    def _settle(self) -> None:
        """What a halted node found has to be settled before it goes on."""
        settle_disagreements(
            self.settings.data_dir,
            self.chain.store,
            self.chain.config,
            self.follower.pipeline,
            self.settings.machine_results,
        )

    # What every one has

    @cached_property
    def follower(self) -> Follower:
        return Follower.over(
            self.chain, self.client, self.deployment, self.settings.machine_results
        )

    @cached_property
    def monitor(self) -> Monitor:
        folder, store = self.settings.data_dir, self.chain.store
        accepted = settle_violations(folder, store, self.settings.accepted_violations)
        return Monitor(store, folder, self.chain.config, accepted)

    @cached_property
    def membership(self) -> Membership | None:
        return join(self.settings, self.follower, self.deployment)

    @cached_property
    def backend(self) -> Backend:
        pipeline = self.follower.pipeline
        contracts = BridgeContracts(self.client, self.deployment.portal, self.deployment.rollup)
        return backend_of(
            self.chain,
            self.follower.next_block,
            self.history,
            unlocked=self.settings.mnemonic_accounts,
            rollup=Rollup(pipeline.status, pipeline.view, to_json(self.deployment), contracts),
            has_pool=self.settings.role is Role.SEQUENCER,
            membership=self.membership,
        )

    @cached_property
    def roots(self) -> RootsReader:
        return RootsReader(self.client, self.deployment.rollup)

    @cached_property
    def disputes(self) -> DisputeWatch:
        return DisputeWatch(self.roots, self.follower.pipeline.view)

    @cached_property
    def metrics(self) -> NodeMetrics:
        common = NodeMetrics(
            self.backend,
            self.monitor.statistics,
            l1=lambda: l1_statistics(self.follower, self.client),
            disputes=lambda: self.disputes.statistics,
            data_dir=self.settings.data_dir,
            clock=self.chain.clock,
        )
        if self.membership is not None:
            common = replace(
                common,
                network=self.membership.network.statistics,
                replica=self.membership.replica_statistics,
                feeds=self.membership.feed_statistics,
            )
        sequencer = self.sequencer
        if sequencer is None:
            return common
        return replace(
            common,
            sequencer=lambda: sequencer.statistics,
            trading=self.trading,
            keepers=None if self.settings.keepers is None else lambda: self.keepers,
        )

    def _loops_of_all(self) -> Loops:
        loops = [
            self.follower.run(),
            every(DISPUTE_WATCH_SECONDS, self.disputes.step, "disputes"),
        ]
        if not self.settings.sandbox:
            loops.append(self.monitor.run(self.chain.feed))
        if self.membership is not None:
            self.membership.serve_trade(self.backend)
            loops.append(self.membership.run())
        if self.settings.machine_check:
            store, config = self.chain.store, self.chain.config
            folder, one_in = self.settings.data_dir, self.settings.machine_check
            loops.append(MachineCheck(store, config, folder, one_in).run())
        return loops

    def _lookouts(self) -> tuple[object, ...]:
        """What the node tells of what it follows: its page may ask nobody else."""
        follower, client = self.follower, self.client

        def watched() -> L1Watched:
            return L1Watched(
                client.chain_id,
                client.rpc.name,
                follower.l1,
                follower.trouble,
                follower.synced.is_set(),
            )

        return (
            RootMethods(self.roots, follower.pipeline.view, watched),
            MonitorMethods(self.backend, self.monitor.statistics),
        )

    # What a sequencer has besides

    @cached_property
    def operators(self) -> tuple[Transactor, Transactor]:
        """Who sends batches, and who proposes output roots."""
        batcher, proposer = l1_operators(self.settings)
        return Transactor(self.client, batcher), Transactor(self.client, proposer)

    @cached_property
    def sequencer(self) -> Sequencer | None:
        if self.settings.role is not Role.SEQUENCER:
            return None
        sandbox, membership = self.settings.sandbox, self.membership
        return Sequencer(
            follower=self.follower,
            monitor=None if sandbox else self.monitor,
            poster=self._poster(),
            proposer=self._proposer(),
            pace=self.pace,
            batch_seconds=self.settings.batch_seconds,
            proposal_seconds=self.settings.proposal_seconds,
            signer=None if membership is None else membership.network.signer,
            trading=self.trading,
        )

    def _poster(self) -> Poster:
        return Poster(
            self.chain.store,
            self.chain.config,
            self.follower.log,
            self.follower.pipeline.view,
            self.operators[0],
            on_chain_thread=self.chain.write,
            checked=unchecked if self.settings.sandbox else self.monitor.checked,
        )

    def _proposer(self) -> Proposer:
        return Proposer(
            self.chain.store,
            self.follower.log,
            self.follower.pipeline.view,
            self.operators[1],
            self.deployment.rollup,
            on_chain_thread=self.chain.write,
            checked=unchecked if self.settings.sandbox else self.monitor.checked,
        )

    @cached_property
    def trade(self) -> TradeMethods | None:
        return None if self.trading is None else TradeMethods(self.trading.exchange, self.backend)

    @cached_property
    def keepers(self) -> KeeperCounts:
        return KeeperCounts()

    def _loops_of(self, sequencer: Sequencer) -> Loops:
        settings = self.settings
        sequencer.note_build = self.metrics.builds.observe
        loops = [
            sequencer.build_blocks(),
            every(settings.batch_seconds, sequencer.post, "poster"),
        ]
        if not settings.sandbox:
            loops.append(every(settings.proposal_seconds, sequencer.propose, "proposer"))
        if self.trading is not None and self.trade is not None:
            loops += [self.trading.exchange.run(), self.trade.run()]
        if settings.fault is not None:
            liar = fault_player(settings.fault, self.follower, self.operators[1], self.deployment)
            loops.append(every(DISPUTE_POLL_SECONDS, liar.step, "liar"))
        if settings.keepers is not None:
            loops.append(run_keepers(settings.keepers, self.keepers))
        return loops
