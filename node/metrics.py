"""What a monitoring system scrapes: the text of `GET /metrics`, in Prometheus' format 0.0.4.

Everything is read when it is asked for. Labels name markets, and otherwise one of a few words:
nothing grows with accounts or blocks. The format's numbers are doubles, so that an amount above
2^53 units is shown rounded; the exact ones are in storage.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from node.chain import DATABASE
from node.dispute.watch import DisputeStatistics
from node.keepers.service import KeeperCounts
from node.monitor.books import Globals
from node.monitor.monitor import MonitorStatistics
from node.p2p.frames import HostStatistics
from node.p2p.network import NetworkStatistics
from node.roles.replica import ReplicaStatistics
from node.roles.sequencer import SequencerStatistics
from node.roles.trading import TradingDesk
from node.rpc.backend import Backend
from node.rpc.meter import Meter
from sequencer.mempool import Mempool
from state.blocks import Header
from state.clock import Clock, SystemClock
from state.reader import ChainReader
from state.store import ChainStore
from state.types import Timestamp

disable_created_metrics()  # type: ignore[no-untyped-call]


def _build_histogram() -> Histogram:
    return Histogram(
        "tallystick_block_build_duration_seconds",
        "How long blocks took to build, write and tell of.",
        registry=None,
        buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
    )


@dataclass(frozen=True, slots=True)
class L1Statistics:
    """How the node stands with its L1."""

    is_reachable: bool
    is_synced: bool
    head: int
    requests: int
    failures: int


@dataclass(frozen=True, slots=True, eq=False)
class NodeMetrics(Collector):
    """The numbers of one node; a part that it doesn't have has none."""

    backend: Backend
    monitor: Callable[[], MonitorStatistics] | None = None
    sequencer: Callable[[], SequencerStatistics] | None = None
    trading: TradingDesk | None = None
    network: Callable[[], NetworkStatistics] | None = None
    replica: Callable[[], ReplicaStatistics] | None = None
    feeds: Callable[[], tuple[int, int]] | None = None
    """Feeds that a replica listens to, and channels with peers."""
    l1: Callable[[], L1Statistics] | None = None
    disputes: Callable[[], DisputeStatistics] | None = None
    keepers: Callable[[], KeeperCounts] | None = None
    data_dir: Path | None = None
    clock: Clock = field(default_factory=SystemClock)
    """The chain's, which a devnet may have turned."""
    meter: Meter = field(default_factory=Meter)
    builds: Histogram = field(default_factory=_build_histogram)

    def text(self) -> bytes:
        """Everything, as it is now."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        ProcessCollector(registry=registry)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """All families, for the registry."""
        yield from _chain(self.backend.store, self.clock.now())
        yield from _rpc(self.meter, self.backend.evm.waiting)
        if self.data_dir is not None:
            yield from _disk(self.data_dir)
        if self.l1 is not None:
            yield from _l1(self.l1())
        if self.disputes is not None:
            yield from _disputes(self.disputes())
        if self.keepers is not None:
            yield from _keepers(self.keepers())
        if self.backend.mempool is not None:
            yield from _pool(self.backend.mempool)
        if self.sequencer is not None:
            yield from _sequencer(self.sequencer())
            yield from self.builds.collect()
        if self.network is not None:
            yield from _network(self.network())
        if self.replica is not None:
            yield from _replica(self.replica())
        if self.feeds is not None:
            yield from _feeds(*self.feeds())
        if self.trading is not None:
            yield from _trading(self.trading)
        if self.monitor is not None:
            yield from _monitor(self.monitor())


def _chain(store: ChainStore, now: Timestamp) -> Iterator[Metric]:
    reader = store.reader
    heads = GaugeMetricFamily(
        "tallystick_head_block", "Number of the newest block of each kind.", labels=["head"]
    )
    for name, block in (
        ("unsafe", reader.heads.unsafe),
        ("safe", reader.heads.safe),
        ("finalized", reader.heads.finalized),
    ):
        heads.add_metric([name], block.number)
    yield heads
    header = reader.header(reader.heads.unsafe.number)
    if header is not None:
        yield from _head(header)
        yield _gauge("head_age_seconds", "Age of the newest block.", now - header.timestamp)
        yield from _lag(reader, header)


def _lag(reader: ChainReader, head: Header) -> Iterator[Metric]:
    """How far what L1 vouches for is behind the newest block."""
    heads = reader.heads
    for word, block in (("safe", heads.safe), ("finalized", heads.finalized)):
        header = reader.header(block.number)
        behind = 0 if header is None else head.timestamp - header.timestamp
        yield _gauge(
            f"{word}_lag_blocks", f"Blocks after the {word} head.", head.number - block.number
        )
        yield _gauge(f"{word}_lag_seconds", f"Time from the {word} head to the newest.", behind)


def _rpc(meter: Meter, waiting: int) -> Iterator[Metric]:
    yield from meter.collect()
    yield _gauge("rpc_websockets", "Websockets that are open.", meter.websockets)
    yield _gauge("rpc_subscriptions", "Subscriptions of all websockets.", meter.subscriptions)
    yield _gauge("rpc_simulations_waiting", "Calls of the EVM in the works or waiting.", waiting)


def _disk(folder: Path) -> Iterator[Metric]:
    """Sizes are told as far as the folder can be read."""
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(folder).free
        yield _gauge("disk_free_bytes", "Room where the data folder is.", free)
    yield _gauge("database_bytes", "Size of the database.", database_bytes(folder / DATABASE))


def database_bytes(folder: Path) -> int:
    """Bytes of all files; those that a compaction deletes meanwhile count for nothing."""
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            size += path.stat().st_size
    return size


def _l1(now: L1Statistics) -> Iterator[Metric]:
    yield _gauge("l1_reachable", "1 while L1 answers as it should.", now.is_reachable)
    yield _gauge("l1_synced", "1 once the inbox was read to its end.", now.is_synced)
    yield _gauge("l1_head_block", "Number of the newest L1 block that was seen.", now.head)
    yield _counter("l1_requests", "Requests to L1 since the start.", now.requests)
    yield _counter("l1_failures", "Of these, not answered as they should be.", now.failures)


def _disputes(now: DisputeStatistics) -> Iterator[Metric]:
    yield _gauge("proposals_open", "Proposals that are not resolved.", now.open)
    yield _gauge("disputes_unresolved", "Of these, disputed ones.", now.unresolved)
    yield _gauge("proposals_wrong", "Of these, with a root that isn't ours.", now.wrong)


def _keepers(counts: KeeperCounts) -> Iterator[Metric]:
    yield _by_word("keeper_sent", "Transactions that were sent.", "keeper", counts.sent)
    yield _by_word("keeper_refused", "Steps that were refused.", "keeper", counts.refused)


def _feeds(feeds: int, channels: int) -> Iterator[Metric]:
    yield _gauge("p2p_feeds", "Feeds of news that the replica follows.", feeds)
    yield _gauge("p2p_channels", "Channels with peers that are open.", channels)


def _head(header: Header) -> Iterator[Metric]:
    yield _gauge("head_timestamp_seconds", "When the newest block is of.", header.timestamp)
    yield _gauge("head_gas_used", "Gas of the newest block.", header.gas_used)
    yield _gauge("head_gas_limit", "Gas that the newest block might use.", header.gas_limit)
    yield _gauge("head_base_fee_wei", "Base fee of the newest block.", header.base_fee_per_gas)


def _pool(mempool: Mempool) -> Iterator[Metric]:
    statistics = mempool.statistics()
    pool = GaugeMetricFamily(
        "tallystick_pool_transactions", "Transactions that wait.", labels=["state"]
    )
    pool.add_metric(["pending"], statistics.pending)
    pool.add_metric(["queued"], statistics.queued)
    yield pool
    yield _gauge("pool_bytes", "Size of the transactions that wait.", statistics.bytes)


def _sequencer(now: SequencerStatistics) -> Iterator[Metric]:
    yield _counter("blocks_built", "Blocks made since the start.", now.blocks)
    yield _gauge("block_build_seconds", "How long the newest block took.", now.build_seconds)
    yield _counter("batches_posted", "Batches posted since the start.", now.batches)
    yield _counter("batch_bytes_posted", "Bytes of those batches.", now.batch_bytes)
    yield _counter("output_roots_proposed", "Output roots proposed since the start.", now.proposals)


def _network(now: NetworkStatistics) -> Iterator[Metric]:
    yield _gauge("p2p_peers", "Peers that are connected.", now.peers)
    yield _gauge("p2p_sequencer_peers", "Peers that proved to be the sequencer.", now.sequencers)
    yield _counter("p2p_host_restarts", "Times that the host's process died.", now.restarts)
    dropped = dict(now.dropped) | (now.host.dropped if now.host is not None else {})
    yield _by_word("p2p_dropped", "What a full queue lost.", "queue", dropped)
    if now.host is not None:
        yield from _host(now.host)


def _host(now: HostStatistics) -> Iterator[Metric]:
    """Counts of the host that runs now; they begin again with the next one."""
    yield _by_word("p2p_accepted", "Gossip that was valid and new.", "topic", now.accepted)
    yield _by_word("p2p_offences", "What peers did wrong.", "kind", now.offences)
    yield _counter("p2p_ignored", "Gossip that was stale or known.", now.ignored)
    yield _counter("p2p_refused", "Connections refused at the gate.", now.refused)
    yield _gauge("p2p_banned", "Peers that are banned.", now.banned)
    yield _gauge("p2p_host_resident_bytes", "Memory of the host's process.", now.resident_bytes)


def _replica(now: ReplicaStatistics) -> Iterator[Metric]:
    yield _counter("p2p_blocks_adopted", "Signed blocks executed and adopted.", now.adopted)
    yield _counter("p2p_blocks_dropped", "Signed blocks that didn't fit the chain.", now.dropped)
    yield _counter("p2p_ranges", "Ranges of missing blocks that peers gave.", now.ranges)
    yield _gauge("p2p_blocks_buffered", "Blocks that wait for an earlier one.", now.buffered)
    yield _gauge(
        "p2p_sequencer_distrusted", "1 after the sequencer signed what it must not.", now.distrusts
    )


def _by_word(name: str, what: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"tallystick_{name}", what, labels=[label])
    for word, count in sorted(counts.items()):
        family.add_metric([word], count)
    return family


def _trading(desk: TradingDesk) -> Iterator[Metric]:
    exchange, settlement = desk.exchange.statistics, desk.statistics
    yield _gauge("exchange_requests_waiting", "Requests nobody looked at.", exchange.waiting)
    yield _gauge("exchange_open_orders", "Orders in the book.", exchange.open_orders)
    yield _gauge("exchange_pending_fills", "Fills that wait for a block.", exchange.pending_fills)
    yield _counter("exchange_inputs", "Inputs of the order log.", exchange.inputs)
    yield _gauge("exchange_write_seconds", "How long the last write took.", exchange.write_seconds)
    yield _counter(
        "settlement_transactions", "Settlements since the start.", settlement.transactions
    )
    yield _counter("settlement_fills", "Fills settled since the start.", settlement.settled)
    yield _counter("settlement_refused", "Fills that the house rejected.", settlement.refused)
    yield _counter("settlement_failed", "Settlements left out or reverted.", settlement.failed)


def _monitor(now: MonitorStatistics) -> Iterator[Metric]:
    yield _counter("monitor_checks", "Blocks held to the invariants since the start.", now.checked)
    yield _counter("monitor_scans", "Full scans of all accounts.", now.scans)
    yield _counter("monitor_violations", "Invariants found broken.", now.violations)
    yield _gauge("monitor_accepted", "Broken invariants that are passed over.", now.accepted)
    if now.last is not None and now.books is not None:
        yield _gauge("monitor_checked_block", "The last block that was checked.", now.last)
        yield _gauge("house_accounts", "Sub-accounts.", now.accounts)
        yield _gauge("house_cash_q6", "Sum of all cash.", now.cash)
        yield from _house(now.books)
        yield from _markets(now.books)


def _house(now: Globals) -> Iterator[Metric]:
    custody = now.house.custody
    yield _gauge("house_custody_q6", "Collateral that the books account for.", custody.held)
    yield _gauge("house_fees_q6", "Fees not yet collected.", custody.fees)
    yield _gauge("house_insurance_q6", "Insurance of all markets.", custody.insurance)
    yield _gauge("house_reported_debt_q6", "Reported negative equity.", custody.reported_debt)
    if now.house.balance is not None:
        yield _gauge("house_token_balance_q6", "Collateral that is there.", now.house.balance)


def _markets(now: Globals) -> Iterator[Metric]:
    markets = now.markets.items()
    yield _by_market(
        "open_interest_s8", "Sum of long sizes.", ((m, b.state.open_interest) for m, b in markets)
    )
    yield _by_market(
        "funding_pool_q6", "Remainders of funding.", ((m, b.state.pool) for m, b in markets)
    )
    yield _by_market("insurance_q6", "Insurance.", ((m, b.insurance) for m, b in markets))
    yield _by_market("mark_p8", "Mark.", ((m, b.state.mark) for m, b in markets))
    yield _by_market("index_p8", "Index.", ((m, b.state.index) for m, b in markets))
    series = now.series.values()
    yield _gauge("series_listed", "Option series.", len(series))
    interest = sum(book.state.open_interest for book in series)
    yield _gauge("series_open_interest_s8", "Sum of long sizes of all series.", interest)
    pools = sum(book.state.pool for book in series)
    yield _gauge("series_pool_q6", "What expiries collected and not yet paid.", pools)


def _by_market(name: str, what: str, values: Iterable[tuple[int, int]]) -> Metric:
    family = GaugeMetricFamily(f"tallystick_market_{name}", what, labels=["market"])
    for market, value in values:
        family.add_metric([str(market)], value)
    return family


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tallystick_{name}", what, value=value)


def _counter(name: str, what: str, value: int) -> Metric:
    return CounterMetricFamily(f"tallystick_{name}", what, value=value)
