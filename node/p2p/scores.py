"""What peers did wrong: points that fade, and bans that end."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from node.p2p.limits import (
    ADDRESSES_TRACKED_MAX,
    BAN_SECONDS,
    PENALTY_FORGED,
    PENALTY_MALFORMED,
    PENALTY_OVERSIZE,
    PENALTY_RATE,
    PENALTY_SILENT,
    PENALTY_TOPIC,
    SCORE_BAN,
    SCORE_HALF_SECONDS,
)


class Offence(StrEnum):
    """Why a peer loses points; also the label of the metric."""

    MALFORMED = "malformed"
    FORGED = "forged"
    OVERSIZE = "oversize"
    RATE = "rate"
    TOPIC = "topic"
    SILENT = "silent"


PENALTIES = {
    Offence.MALFORMED: PENALTY_MALFORMED,
    Offence.FORGED: PENALTY_FORGED,
    Offence.OVERSIZE: PENALTY_OVERSIZE,
    Offence.RATE: PENALTY_RATE,
    Offence.TOPIC: PENALTY_TOPIC,
    Offence.SILENT: PENALTY_SILENT,
}


@dataclass(slots=True)
class _Score:
    points: float = 0.0
    at: float = 0.0
    banned_until: float = 0.0


class Scores:
    """The points of each peer, by its id."""

    def __init__(self, peers_max: int = ADDRESSES_TRACKED_MAX) -> None:
        self._peers_max = peers_max
        self._scores: OrderedDict[str, _Score] = OrderedDict()

    def penalize(self, peer: str, offence: Offence, now: float) -> bool:
        """Add the points of an offence; True when they make the peer a banned one just now."""
        score = self._scores.setdefault(peer, _Score(at=now))
        self._scores.move_to_end(peer)
        if len(self._scores) > self._peers_max:
            self._scores.popitem(last=False)
        score.points = _faded(score, now) + PENALTIES[offence]
        score.at = now
        if score.points < SCORE_BAN or now < score.banned_until:
            return False
        score.banned_until = now + BAN_SECONDS
        return True

    def points(self, peer: str, now: float) -> float:
        """The points of a peer by now; 0 for one that did nothing wrong."""
        score = self._scores.get(peer)
        return 0.0 if score is None else _faded(score, now)

    def is_banned(self, peer: str, now: float) -> bool:
        """Whether nothing of the peer is taken at the moment."""
        score = self._scores.get(peer)
        return score is not None and now < score.banned_until

    def banned(self, now: float) -> int:
        """How many peers are banned."""
        return sum(now < score.banned_until for score in self._scores.values())


def _faded(score: _Score, now: float) -> float:
    return score.points * math.exp2((score.at - now) / SCORE_HALF_SECONDS)
