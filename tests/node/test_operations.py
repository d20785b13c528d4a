"""The dashboard and the alert rules ask for numbers that a node gives."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from execution.evm.threads import DeepExecutor
from node.dispute.watch import DisputeStatistics
from node.keepers.service import KeeperCounts
from node.metrics import L1Statistics, NodeMetrics
from node.p2p.frames import HostStatistics
from node.p2p.network import NetworkStatistics
from node.roles.replica import ReplicaStatistics
from node.roles.sequencer import SequencerStatistics
from node.rpc.backend import Backend
from node.rpc.evm_work import EvmWork
from node.rpc.meter import UNKNOWN
from tests.node.monitor.chain import FaultyChain
from tests.node.test_metrics import refuse
from tests.node.trading_node import make_chain, play, running

DOCS = Path(__file__).resolve().parents[2] / "docs"
DASHBOARD = DOCS / "operations" / "grafana-dashboard.json"
ALERTS = DOCS / "operations" / "alerts.yml"
"""YAML in its JSON form, which any parser of either reads."""

_NAME = re.compile(r"\b(?:tallystick|process)_[a-z0-9_]+")


def rules() -> list[dict[str, Any]]:
    groups = json.loads(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return list(json.loads(DASHBOARD.read_text())["panels"])


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of all numbers of a node that has every part."""
    folder = tmp_path_factory.mktemp("node")
    house, chain, _ = make_chain()
    names: set[str] = set()

    async def scenario() -> None:
        async with running(house, chain, folder) as node:
            backend = Backend(
                store=chain.store,
                config=chain.config,
                feed=chain.feed,
                evm=EvmWork(DeepExecutor(1)),
                submit=refuse,
                mempool=chain.mempool,
            )
            text = full_metrics(backend, node.trading, folder).text().decode()
            for family in text_string_to_metric_families(text):
                names.update(sample.name for sample in family.samples)

    play(scenario)
    return names


def full_metrics(backend: Backend, trading: Any, folder: Path) -> NodeMetrics:
    monitored = FaultyChain(folder / "monitored")
    monitored.check()
    host = HostStatistics({"blocks": 1}, 0, {"spam": 1}, {}, 0, 0, 1)
    counts = KeeperCounts()
    counts.sent["oracle"] += 1
    counts.refused["oracle"] += 1
    metrics = NodeMetrics(
        backend,
        monitored.monitor.statistics,
        sequencer=SequencerStatistics,
        trading=trading,
        network=lambda: NetworkStatistics(1, 1, 0, {}, host),
        replica=ReplicaStatistics,
        feeds=lambda: (1, 1),
        l1=lambda: L1Statistics(True, True, 1, 1, 0),
        disputes=DisputeStatistics,
        keepers=lambda: counts,
        data_dir=folder,
    )
    metrics.meter.answered(UNKNOWN, 0.1, is_error=True)
    return metrics


def asked(expressions: list[str]) -> set[str]:
    return {name for expression in expressions for name in _NAME.findall(expression)}


def test_dashboard_asks_for_numbers_that_there_are(given: set[str]) -> None:
    expressions = [target["expr"] for panel in panels() for target in panel["targets"]]
    assert asked(expressions) <= given
    assert all(asked([expression]) for expression in expressions)


def test_alerts_ask_for_numbers_that_there_are(given: set[str]) -> None:
    assert asked([rule["expr"] for rule in rules()]) <= given


def test_guide_names_numbers_that_there_are(given: set[str]) -> None:
    told = set(
        re.findall(r"`((?:tallystick|process)_[a-z0-9_]+)", (DOCS / "operating.md").read_text())
    )
    histograms = {name.removesuffix("_bucket") for name in given if name.endswith("_bucket")}
    assert told - {"tallystick_"} <= given | histograms


def test_every_alert_says_what_happened_and_where_to_read_on() -> None:
    headings = re.findall(r"^#+ (.+)$", (DOCS / "operating.md").read_text(), re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        notes = rule["annotations"]
        assert notes["summary"]
        assert notes["description"]
        page, anchor = notes["runbook_url"].split("#")
        assert page == "docs/operating.md"
        assert anchor in anchors
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert re.fullmatch(r"\d+[smh]", rule["for"])


def test_panels_have_titles_units_and_places_of_their_own() -> None:
    places = [tuple(panel["gridPos"].values()) for panel in panels()]
    assert len(places) == len(set(places))
    assert len({panel["title"] for panel in panels()}) == len(panels())
    for panel in panels():
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert [target["refId"] for target in panel["targets"]] == [
            chr(ord("A") + place) for place in range(len(panel["targets"]))
        ]


def test_every_number_has_a_sentence_and_a_unit_of_its_own(given: set[str]) -> None:
    own = {name for name in given if name.startswith("tallystick_")}
    assert not {name for name in own if name.endswith(("_ms", "_milliseconds", "_kb", "_mb"))}
