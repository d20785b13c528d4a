"""Holdings of the exact model, as the formulas of the contract are asked about them."""

from tests.execution.contracts.exact.holdings import PerpHolding

PerpAsked = tuple[int, int, int, int, int, int]
"""The members of PerpInput, in their order."""

OptionAsked = tuple[int, int, bool, int, int, int, int, int, int]
"""The members of OptionInput, in their order."""


def as_perp_input(perp: PerpHolding) -> PerpAsked:
    """What the formulas ask of a perpetual."""
    return (
        perp.size,
        perp.cost,
        perp.mark,
        perp.funding_change,
        perp.initial_fraction,
        perp.maintenance_fraction,
    )
