"""The crashes of `tallystick demo crash` on revm: everything happens, and the books balance."""

import pytest

from node.demo.cast import BACKING
from node.demo.shapes import ETH, SHAPES
from tests.node.demo.replay import Replay


@pytest.fixture(scope="module", params=SHAPES)
def replay(request: pytest.FixtureRequest) -> Replay:
    """One crash, played to its end; its books were added up after each report."""
    played = Replay(SHAPES[request.param], seed=1)
    played.run()
    return played


def test_crash_uses_every_line_of_defence(replay: Replay) -> None:
    found = replay.tally

    assert found.backstopped > 0
    assert found.fees > 0
    assert found.paid > 0
    assert found.deleveraged > 0
    assert found.pauses > 0


def test_crash_closes_withdrawals_until_known_debt_is_covered(replay: Replay) -> None:
    closed, opened = replay.gates

    assert closed.is_closed
    assert closed.debt > closed.insurance
    assert not opened.is_closed


def test_crash_deleverages_higher_score_first_and_leaves_nobody_bankrupt(replay: Replay) -> None:
    deleveraged = [one.event.arguments for one in replay.news if one.event.name == "Deleveraged"]

    order = [one["counterparty"] for one in deleveraged if one["market"] == ETH]
    assert order == [replay.seats["Eve"].account, replay.seats["Mara"].account]
    assert all(replay.equity(seat.account) >= 0 for seat in replay.seats.values())


def test_crash_leaves_vaults_solvent_and_insurance_at_zero_or_more(replay: Replay) -> None:
    for market in BACKING:
        _, _, vault, insured = replay.desk.read("getSafety", market)
        assert replay.equity(vault["account"]) > 0
        assert insured >= 0


def test_crash_of_one_seed_ends_with_same_equities_again(replay: Replay) -> None:
    again = Replay(replay.shape, replay.seed)

    again.run()

    accounts = [seat.account for seat in replay.seats.values()]
    assert [again.equity(id_) for id_ in accounts] == [replay.equity(id_) for id_ in accounts]
    assert again.tally == replay.tally
