"""The text of `GET /metrics`, as a Prometheus client reads it."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from execution.evm.threads import DeepExecutor
from node.metrics import NodeMetrics
from node.roles.sequencer import SequencerStatistics
from node.rpc.backend import Backend, EvmWork
from node.rpc.feed import ChainFeed
from tests.node.monitor.chain import CASH, FEES, INSURANCE, POOL, SIZE, FaultyChain


async def refuse(raw: bytes) -> None:
    raise AssertionError


def backend_of(chain: FaultyChain) -> Backend:
    return Backend(
        store=chain.store,
        config=chain.config,
        feed=ChainFeed(chain.store),
        evm=EvmWork(DeepExecutor(1)),
        submit=refuse,
    )


def samples(text: bytes) -> dict[tuple[str, tuple[str, ...]], float]:
    """Values by name and the values of its labels."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_text_has_heads_and_what_the_monitor_counted(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path)
    chain.fault()
    chain.check()
    found = samples(NodeMetrics(backend_of(chain), chain.monitor.statistics).text())
    assert found["tallystick_head_block", ("unsafe",)] == 1
    assert found["tallystick_head_block", ("safe",)] == 0
    assert found["tallystick_head_gas_used", ()] > 0
    assert found["tallystick_monitor_checked_block", ()] == 1
    assert found["tallystick_monitor_violations_total", ()] == 0
    assert found["tallystick_house_cash_q6", ()] == 3 * CASH
    assert found["tallystick_house_custody_q6", ()] == 3 * CASH + POOL + FEES + INSURANCE
    assert found["tallystick_market_open_interest_s8", ("0",)] == SIZE
    assert found["tallystick_market_funding_pool_q6", ("0",)] == POOL


def test_text_before_the_first_check_has_no_numbers_of_the_books(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path)
    found = samples(NodeMetrics(backend_of(chain), chain.monitor.statistics).text())
    assert found["tallystick_monitor_checks_total", ()] == 0
    assert ("tallystick_house_cash_q6", ()) not in found


def test_text_of_a_sequencer_counts_its_work(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path)
    work = SequencerStatistics(blocks=5, build_seconds=0.25, batches=2, batch_bytes=99, proposals=1)
    found = samples(NodeMetrics(backend_of(chain), sequencer=lambda: work).text())
    assert found["tallystick_blocks_built_total", ()] == 5
    assert found["tallystick_block_build_seconds", ()] == 0.25
    assert found["tallystick_batches_posted_total", ()] == 2
    assert found["tallystick_output_roots_proposed_total", ()] == 1
