"""From fractions to integers: the only place where the model loses anything.

MARGIN.md, "Units and rounding": rounding always favours the system, so every caller says which way.
"""

from fractions import Fraction
from math import ceil, floor, trunc

Exact = int | Fraction

__all__ = ["Exact", "ceil", "clamp", "floor", "multiple_above", "multiple_below", "trunc"]


def clamp(value: int, bound: int) -> int:
    """The value, held within +-bound."""
    return max(-bound, min(value, bound))


def multiple_below(value: Exact, step: int) -> int:
    """The largest multiple of the step that isn't above the value."""
    return floor(Fraction(value) / step) * step


def multiple_above(value: Exact, step: int) -> int:
    """The smallest multiple of the step that isn't below the value."""
    return ceil(Fraction(value) / step) * step
