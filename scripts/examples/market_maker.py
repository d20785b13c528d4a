"""A market maker for a devnet: quotes both sides around the mark, and leans against its position.

    ./scripts/devnet                                                 # in one terminal
    .venv/bin/python -m scripts.examples.market_maker                # in another
    .venv/bin/python -m scripts.examples.market_maker --self-test    # with a taker, to an end

Ctrl-C takes all quotes back. The self-test's exit code is 1 if anything is off. Either brings
collateral from L1 with a devnet account first. Quotes are post-only, so that it never pays a
taker's fee; they move with the mark, by one replacement each, and away from the side that its
position is on. It shows the client, not a strategy that earns money.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from bridge.deployment import load_deployment
from bridge.l1.client import L1Client
from bridge.l1.contracts import l1_errors
from bridge.l1.rpc import RpcClient
from execution.contracts.parameters import SIZE_ONE
from genesis.accounts import DevAccount, dev_accounts
from node.bridging.collateral import Collateral
from node.client import (
    BUY,
    SELL,
    AsyncTradeClient,
    Draft,
    Gap,
    MarketTerms,
    OrderRefused,
    OrderState,
    OrderUpdate,
    Refusal,
    Stream,
    TradeFill,
    limit,
    market_order,
)
from node.demo.amounts import USD, dollars, quantity, signed_quantity, usd
from node.devnet import DEFAULT_DATA_DIR, read_manifest
from node.layer import Layer
from sequencer.matching.events import FillState
from state.errors import TallystickError

COLLATERAL = 20_000 * USD
MAKER, TAKER = 3, 4
"""Devnet accounts; the demos trade with others."""

GONE = frozenset({Refusal.POST_ONLY_WOULD_TAKE, Refusal.UNKNOWN_ORDER})
"""Refusals that a moving market brings: the next mark quotes anew."""

SELF_TEST_SECONDS_MAX = 120
"""The self-test's three trades settle within seconds, even on a busy machine."""

_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Strategy:
    """How it quotes. Rates in ppm of the mark, sizes in s8."""

    market: int = 0
    size: int = SIZE_ONE // 100
    half_spread_ppm: int = 200
    skew_ppm: int = 100
    """How far quotes move against the position for each `size` of it."""
    position_max: int = SIZE_ONE // 10
    """At this position it quotes one side only."""
    quote_seconds: int = 600

    def quotes(self, terms: MarketTerms, mark: int, position: int) -> dict[bool, Draft]:
        """What should rest now, by whether it buys."""
        lean = mark * self.skew_ppm * position // (self.size * _PPM)
        half = mark * self.half_spread_ppm // _PPM
        bid = terms.nearest(mark - half - lean)
        ask = terms.nearest(mark + half - lean) + terms.tick
        wanted = {}
        if position < self.position_max:
            wanted[BUY] = self._quote(BUY, bid)
        if position > -self.position_max:
            wanted[SELL] = self._quote(SELL, ask)
        return wanted

    def _quote(self, is_buy: bool, price: int) -> Draft:
        return limit(self.market, is_buy, self.size, price).post_only().lasting(self.quote_seconds)


@dataclass
class MarketMaker:
    """Keeps its quotes where the strategy wants them."""

    client: AsyncTradeClient
    strategy: Strategy
    say: Callable[[str], None]
    position: int = 0
    """s8, with what is matched and not settled yet."""
    counted: set[int] = field(default_factory=set)
    """Fills that the position has in it already."""
    quotes: dict[bool, OrderState] = field(default_factory=dict)
    quoted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever both sides have been quoted."""

    async def run(self) -> None:
        """Quote until cancelled, then take all quotes back."""
        terms = await self.client.market_terms(self.strategy.market)
        news = await self.client.follow_orders()
        await self.look()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.follow_orders(news))
                tasks.create_task(self.follow_mark(terms))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            gone = await self.client.cancel_all(self.strategy.market)
            self.say(f"took {len(gone)} quotes back; position {signed_quantity(self.position)}")

    async def look(self) -> None:
        """Begin from what is there: the position, fills that wait, and orders of an earlier run."""
        await self.client.cancel_all(self.strategy.market)
        self.quotes.clear()
        held = await self.client.positions()
        fills = [one for one in await self.client.fills() if one.state is not FillState.REFUSED]
        later = [one for one in fills if one.block is None or one.block > held.block.number]
        self.position = held.size(self.strategy.market) + sum(map(self.change, later))
        self.counted = {one.id for one in fills}

    def change(self, fill: TradeFill) -> int:
        """What a fill does to the position (s8)."""
        if fill.market != self.strategy.market or self.client.account is None:
            return 0
        return fill.change(self.client.account)

    async def follow_mark(self, terms: MarketTerms) -> None:
        """Quote at each new mark."""
        stream = await self.client.follow_mark(terms.market)
        await self.quote(terms, terms.mark)
        async for news in stream:
            if not isinstance(news, Gap):
                await self.quote(terms, news.mark)

    async def follow_orders(self, stream: Stream[OrderUpdate]) -> None:
        """Keep count of position and quotes, and begin anew after a gap."""
        async for news in stream:
            if isinstance(news, Gap):
                self.say("lost the connection: looking at everything again")
                await self.look()
            elif news.fill is not None:
                self.on_fill(news.fill)
            elif news.order is not None and not news.order.is_open:
                self.drop(news.order)

    def on_fill(self, fill: TradeFill) -> None:
        if fill.state is FillState.MATCHED and fill.id not in self.counted:
            self.counted.add(fill.id)
            self.position += self.change(fill)
            did = "bought" if self.change(fill) > 0 else "sold"
            self.say(
                f"{did} {quantity(fill.size)} at {dollars(fill.price)};"
                f" position {signed_quantity(self.position)}"
            )
        elif fill.state is FillState.REFUSED and fill.id in self.counted:
            self.counted.remove(fill.id)
            self.position -= self.change(fill)
            self.say(f"fill {fill.id} was refused on chain: {fill.reason}")

    def drop(self, order: OrderState) -> None:
        """Forget a quote that is gone."""
        if (ours := self.quotes.get(order.is_buy)) is not None and ours.hash == order.hash:
            del self.quotes[order.is_buy]

    async def quote(self, terms: MarketTerms, mark: int) -> None:
        """Bring both sides to where they should be."""
        wanted = self.strategy.quotes(terms, mark, self.position)
        for is_buy in (BUY, SELL):
            old, new = self.quotes.get(is_buy), wanted.get(is_buy)
            try:
                await self.move(old, new)
            except OrderRefused as refusal:
                if refusal.reason not in GONE:
                    raise
                if refusal.reason is Refusal.UNKNOWN_ORDER and old is not None:
                    self.drop(old)
                self.say(f"not quoted: {refusal}")
        self.quoted.set()

    async def move(self, old: OrderState | None, new: Draft | None) -> None:
        """Bring one side from a quote to another, in one request at the most."""
        if new is None:
            if old is not None:
                await self.client.cancel(old.hash)
            return
        if old is None:
            placed = await self.client.place(new)
        elif old.price != new.price:
            placed = await self.client.replace(old.hash, new)
        else:
            return
        self.quotes[new.is_buy] = placed.order
        side = "bid" if new.is_buy else "ask"
        self.say(f"{side} {quantity(new.size)} at {dollars(new.price)}")


@dataclass(frozen=True, slots=True)
class Place:
    """A running devnet."""

    folder: Path

    @property
    def url(self) -> str:
        """Where the sequencer takes websockets."""
        return str(read_manifest(self.folder)["sequencer"]).replace("http", "ws", 1)

    async def open_account(self, owner: DevAccount) -> int:
        """A new margin account with collateral from L1."""
        manifest = read_manifest(self.folder)
        deployment = load_deployment(Path(manifest["deployment"]))
        async with RpcClient(manifest["l1"]) as l1, RpcClient(manifest["sequencer"]) as l2:
            collateral = Collateral(
                Layer(L1Client(l1, chain_id=deployment.l1_chain_id, errors=l1_errors())),
                Layer(L1Client(l2, chain_id=deployment.l2_chain_id)),
                deployment,
            )
            await collateral.bring(owner, COLLATERAL)
            return (await collateral.open_account(owner, COLLATERAL)).account

    @contextlib.asynccontextmanager
    async def trader(self, index: int) -> AsyncIterator[AsyncTradeClient]:
        """A client with an account of its own, owned by a devnet account."""
        owner = dev_accounts()[index]
        account = await self.open_account(owner)
        click.echo(f"account {account} has {usd(COLLATERAL)}")
        async with AsyncTradeClient(self.url, owner.key, account) as client:
            yield client


async def make_market(place: Place, strategy: Strategy) -> None:
    """Quote until SIGINT or SIGTERM."""
    async with place.trader(MAKER) as client:
        making = asyncio.create_task(MarketMaker(client, strategy, click.echo).run())
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, making.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await making


async def self_test(place: Place, strategy: Strategy) -> None:
    """Have a taker trade with the maker, and wait until the chain has settled it.

    Raises `click.ClickException` if it doesn't.
    """
    async with (
        place.trader(MAKER) as client,
        place.trader(TAKER) as taker,
    ):
        maker = MarketMaker(client, strategy, click.echo)
        making = asyncio.create_task(maker.run())
        try:
            async with asyncio.timeout(SELF_TEST_SECONDS_MAX):
                await _first_done(making, take(taker, maker))
        except TimeoutError:
            seconds = SELF_TEST_SECONDS_MAX
            raise click.ClickException(f"the trades didn't settle within {seconds} s") from None
        finally:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
        left = await client.orders(strategy.market)
    if left:
        raise click.ClickException(f"{len(left)} quotes are still in the book")
    click.echo(f"the chain and the maker agree: {signed_quantity(maker.position)}")


async def take(taker: AsyncTradeClient, maker: MarketMaker) -> None:
    """Two buys and a sell at the market, then wait for the chain to hold what came of them."""
    market = maker.strategy.market
    for is_buy in (BUY, BUY, SELL):
        done = await take_one(taker, maker, is_buy)
        click.echo(f"the taker {'bought' if is_buy else 'sold'} {quantity(done)}")
    stream = await taker.follow_mark(market)
    async for _ in stream:
        if (await maker.client.positions()).size(market) == maker.position != 0:
            return


async def take_one(taker: AsyncTradeClient, maker: MarketMaker, is_buy: bool) -> int:
    """Trade with the maker's next quote; returns the size (s8)."""
    strategy = maker.strategy
    while True:
        maker.quoted.clear()
        await maker.quoted.wait()
        terms = await taker.market_terms(strategy.market)
        bound = terms.bound(is_buy, slippage_ppm=5_000)
        placed = await taker.place(market_order(strategy.market, is_buy, strategy.size, bound))
        if placed.fills:
            return sum(fill.size for fill in placed.fills)


async def _first_done(making: "asyncio.Task[None]", work: Coroutine[Any, Any, Any]) -> None:
    """Wait for `work`, or for the maker's failure."""
    task = asyncio.ensure_future(work)
    await asyncio.wait((making, task), return_when=asyncio.FIRST_COMPLETED)
    if making.done():
        task.cancel()
        making.result()
    await task


@click.command(context_settings={"show_default": True})
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DATA_DIR,
    help="The running devnet.",
)
@click.option("--market", "market_id", default=0, help="The perpetual market.")
@click.option("--self-test", "testing", is_flag=True, help="Trade with it, and see it settled.")
def main(data_dir: Path, market_id: int, testing: bool) -> None:
    """Make a market on a devnet."""
    work = self_test if testing else make_market
    try:
        asyncio.run(work(Place(data_dir), Strategy(market_id)))
    except TallystickError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
