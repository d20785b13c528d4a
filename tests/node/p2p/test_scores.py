"""Points and bans."""

from node.p2p.limits import BAN_SECONDS, SCORE_HALF_SECONDS
from node.p2p.scores import PENALTIES, Offence, Scores


def test_every_offence_has_a_penalty() -> None:
    assert set(PENALTIES) == set(Offence)


def test_points_halve_with_time() -> None:
    scores = Scores()
    scores.penalize("a", Offence.MALFORMED, 0.0)
    assert scores.points("a", 0.0) == PENALTIES[Offence.MALFORMED]
    assert scores.points("a", SCORE_HALF_SECONDS) == PENALTIES[Offence.MALFORMED] / 2
    assert scores.points("b", 0.0) == 0


def test_too_many_points_ban_for_a_time() -> None:
    scores = Scores()
    assert not scores.penalize("a", Offence.FORGED, 0.0)
    assert scores.penalize("a", Offence.FORGED, 0.0)
    assert not scores.penalize("a", Offence.FORGED, 0.0), "it is banned already"
    assert scores.is_banned("a", BAN_SECONDS - 1)
    assert scores.banned(1.0) == 1
    assert not scores.is_banned("a", BAN_SECONDS)
    assert not scores.is_banned("b", 0.0)


def test_rare_offences_never_ban() -> None:
    scores = Scores()
    for minute in range(100):
        assert not scores.penalize("a", Offence.MALFORMED, 60.0 * minute)


def test_scores_are_bounded() -> None:
    scores = Scores(peers_max=2)
    for name in "abc":
        scores.penalize(name, Offence.OVERSIZE, 0.0)
    assert [scores.is_banned(name, 0.0) for name in "abc"] == [False, True, True]
