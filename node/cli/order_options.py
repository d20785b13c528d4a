"""Options of `trade place` and `trade replace`: what may be asked of an order besides its price."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import click

from node.cli.options import with_options
from node.client import Draft, limit, market_order, p8, stop, take_profit

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the options said."""

    post_only: bool
    reduce_only: bool
    ioc: bool
    fok: bool
    seconds: int | None
    client_id: str | None
    stop_at: str | None
    profit_at: str | None

    def draft(
        self, market: int, is_buy: bool, size: int, price: int, *, at_market: bool = False
    ) -> Draft:
        """The order (size s8, price p8).

        Raises a usage error, and `InexactAmount` for a trigger that is no price.
        """
        if self.ioc and self.fok:
            raise click.UsageError("give either --ioc or --fok")
        draft = self._triggered(market, is_buy, size, price, at_market)
        for wish in ("post_only", "reduce_only", "ioc", "fok"):
            if getattr(self, wish):
                draft = getattr(draft, wish)()
        if self.seconds is not None:
            draft = draft.lasting(self.seconds)
        return draft if self.client_id is None else draft.named(self.client_id)

    def _triggered(
        self, market: int, is_buy: bool, size: int, price: int, at_market: bool
    ) -> Draft:
        if self.stop_at is not None and self.profit_at is not None:
            raise click.UsageError("give either --stop or --take-profit")
        if self.stop_at is not None:
            return stop(market, is_buy, size, trigger=p8(self.stop_at), price=price)
        if self.profit_at is not None:
            return take_profit(market, is_buy, size, trigger=p8(self.profit_at), price=price)
        return (market_order if at_market else limit)(market, is_buy, size, price)


def order_options(command: Callable[..., R]) -> Callable[..., R]:
    """Passed on as `wishes`."""
    options = (
        click.option("--post-only", is_flag=True, help="Refused rather than to trade at once."),
        click.option("--reduce-only", is_flag=True, help="Only towards a position of zero."),
        click.option("--ioc", is_flag=True, help="What can't trade at once is let go."),
        click.option("--fok", is_flag=True, help="All at once or nothing."),
        click.option("--seconds", type=click.IntRange(1), help="How long the order is good."),
        click.option("--client-id", help="A name of your own for it."),
        click.option(
            "--stop", "stop_at", metavar="PRICE", help="Wait until the mark is there or beyond."
        ),
        click.option(
            "--take-profit", "profit_at", metavar="PRICE", help="Likewise, the other way."
        ),
    )
    names = Wishes.__dataclass_fields__

    @wraps(command)
    def with_wishes(**given: Any) -> R:
        wishes = Wishes(**{name: given.pop(name) for name in names})
        return command(wishes=wishes, **given)

    return with_options(with_wishes, options)
