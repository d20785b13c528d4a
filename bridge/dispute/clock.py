"""Chess clocks: how long either side of a dispute has, and who may still move.

Each side of a path from the root shares one clock: a claim inherits the time that its
grandparent's side had used. A mover who leaves the other clock nearly empty can't use that up,
since a move gives its own side back an extension: whoever has to take over a freeloader's clock
has time to answer (as in OP's fault dispute game).
"""

from dataclasses import dataclass

from state.types import Timestamp


@dataclass(frozen=True, slots=True)
class ClockRules:
    """Seconds. Raises `ValueError` unless both extensions fit the clock."""

    duration: int
    """What each side has in all."""
    extension: int
    """What a mover's side has left at least."""

    def __post_init__(self) -> None:
        if not 0 <= 2 * self.extension <= self.duration:
            raise ValueError(f"no clock: {self.duration} s with extensions of {self.extension} s")

    def elapsed(self, grandparent_used: int, made_at: Timestamp, now: Timestamp) -> int:
        """What the side that would answer a claim has used up: before, and since the claim was
        made."""
        return min(self.duration, grandparent_used + now - made_at)

    def used_after_move(self, elapsed: int, depth: int, max_depth: int) -> int:
        """What a claim at `depth` puts on its side's clock. Above the leaves the extension is
        twice as long: the side's next answer is a step, whose witness takes time to make."""
        extension = 2 * self.extension if depth == max_depth - 1 else self.extension
        return min(elapsed, self.duration - extension)

    def longest_game(self, max_depth: int) -> int:
        """Seconds after which every claim of a game can be resolved, however it is played: both
        clocks, and the extension that each move down the longest path may have given back."""
        return 2 * self.duration + (max_depth + 1) * self.extension
