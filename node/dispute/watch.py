"""How many disputes L1 has that aren't settled: what an operator is woken for."""

from dataclasses import dataclass
from typing import Final

from bridge.derive.view import DerivationView
from bridge.games import GameStatus
from node.dispute.roots import RootsReader

PROPOSALS_WATCHED: Final = 32
"""The newest proposals: more than are in their dispute windows at the pace of a devnet."""


@dataclass(frozen=True, slots=True)
class DisputeStatistics:
    """Counts as of the last look at L1."""

    open: int = 0
    """Proposals that nobody has resolved yet."""
    unresolved: int = 0
    """Of these, the ones that somebody disputes."""
    wrong: int = 0
    """Of the open ones, those whose root isn't the one that this node derives."""


class DisputeWatch:
    """Looks at the newest proposals; `step` is for `every`."""

    def __init__(self, roots: RootsReader, view: DerivationView) -> None:
        self._roots = roots
        self._view = view
        self.statistics = DisputeStatistics()

    async def step(self) -> None:
        """One look. Raises `Unavailable` where L1 doesn't answer."""
        found = await self._roots.roots(PROPOSALS_WATCHED)
        running = [one for one in found.proposals if one.status is GameStatus.IN_PROGRESS]
        derived = ((self._view.output_root(one.l2_block), one.output_root) for one in running)
        self.statistics = DisputeStatistics(
            open=len(running),
            unresolved=sum(one.claims > 1 for one in running),
            wrong=sum(own is not None and own != claimed for own, claimed in derived),
        )
