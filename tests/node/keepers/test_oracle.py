"""Rounds of prices: what is due, who must sign, and what is left out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from genesis.accounts import derive_account
from node.keepers.reports import OracleKey
from node.keepers.settings import Duty
from tests.node.keepers.world import OPERATORS, PRICE, World, world

BTC, ETH = 64_250, 3_187
SIGNERS = [derive_account(index) for index in (40, 41, 42)]


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[World]:
    """An oracle of one signer."""
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def three(tmp_path: Path) -> Iterator[World]:
    """An oracle of three signers with equal weight."""
    with world(tmp_path, signers={one.address: 1 for one in SIGNERS}) as made:
        yield made


def keys(*which: int) -> tuple[OracleKey, ...]:
    return tuple(OracleKey.of_dev_account(SIGNERS[index]) for index in which)


def test_new_prices_are_reported_for_each_market(alone: World) -> None:
    done = alone.report({0: BTC, 1: ETH})

    assert [sent.what for sent in done.sent] == [
        "report index of market 0, round 1: 64250",
        "report index of market 1, round 1: 3187",
    ]
    assert alone.view("getMarket", 0)["price"]["index"] == BTC * PRICE
    assert alone.view("getMarket", 1)["price"]["index"] == ETH * PRICE


def test_price_that_did_not_move_is_reported_only_before_it_goes_stale(alone: World) -> None:
    alone.report({0: BTC})

    soon = alone.report({0: BTC})
    alone.wait(100)
    late = alone.step(Duty.ORACLE)

    assert soon.sent == ()
    assert [sent.what for sent in late.sent] == ["report index of market 0, round 2: 64250"]


def test_second_look_in_one_block_reports_nothing(alone: World) -> None:
    alone.report({0: BTC})
    alone.quote({0: BTC + 1})
    alone.step(Duty.ORACLE)  # its block is a second after the report's

    done = alone.step(Duty.ORACLE)

    assert done.sent == ()


def test_round_that_another_relayed_first_is_passed_over(alone: World) -> None:
    alone.report({0: BTC})
    alone.wait(1)
    alone.quote({0: BTC + 1})

    first, second = alone.step(Duty.ORACLE), alone.step(Duty.ORACLE)

    assert len(first.sent) == 1
    assert second.sent == second.refused == ()


def test_one_of_three_signers_is_too_few(three: World) -> None:
    three.quote({0: BTC})
    three.wait(1)

    done = three.step(Duty.ORACLE, signers=keys(0))

    assert done.sent == ()
    (refused,) = done.refused
    assert refused.reason == "too few of the signers are present"


def test_two_of_three_signers_agree_on_weighted_median(three: World) -> None:
    three.quote({0: BTC})
    three.wait(1)

    done = three.step(Duty.ORACLE, signers=keys(0, 2))

    assert len(done.sent) == 1
    assert three.view("getMarket", 0)["price"]["index"] == BTC * PRICE


def test_published_reports_of_peers_complete_a_round(three: World, tmp_path: Path) -> None:
    peers = (tmp_path / "one.json", tmp_path / "two.json")
    for number, (path, price) in enumerate(zip(peers, (BTC + 10, BTC + 20)), start=1):
        three.quote({0: price})
        three.wait(1)
        three.step(Duty.ORACLE, signers=keys(number), publish=path, account=None)
    three.quote({0: BTC})

    done = three.step(Duty.ORACLE, signers=keys(0), peers=peers)

    assert len(done.sent) == 1
    assert three.view("getMarket", 0)["price"]["index"] == (BTC + 10) * PRICE


def test_reports_of_strangers_and_forged_ones_do_not_spoil_a_round(
    three: World, tmp_path: Path
) -> None:
    stranger, forged = tmp_path / "stranger.json", tmp_path / "forged.json"
    three.quote({0: BTC})
    three.wait(1)
    outsider = (OracleKey.of_dev_account(OPERATORS.challenger),)
    three.step(Duty.ORACLE, signers=outsider, publish=stranger, account=None)
    three.step(Duty.ORACLE, signers=keys(1), publish=forged, account=None)
    forged.write_text(forged.read_text().replace("6425000000000", "1425000000000"))

    alone = three.step(Duty.ORACLE, signers=keys(0), peers=(stranger, forged))
    together = three.step(Duty.ORACLE, signers=keys(0, 1), peers=(stranger, forged))

    assert [one.reason for one in alone.refused] == ["too few of the signers are present"]
    assert len(together.sent) == 1
    assert three.view("getMarket", 0)["price"]["index"] == BTC * PRICE


def test_external_price_is_reported_beside_the_index(alone: World) -> None:
    alone.price_file.write_text('{"prices": {"0": "64250"}, "external": {"0": "64251.5"}}')
    alone.wait(1)

    done = alone.step(Duty.ORACLE)

    assert len(done.sent) == 2
    assert alone.view("getMarket", 0)["book"]["external_"] == 6_425_150_000_000
