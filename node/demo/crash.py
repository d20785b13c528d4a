"""`tallystick demo crash`: prices fall as they once did, and the devnet's own keepers act.

The demo brings traders into position and writes prices into the devnet's price file. It liquidates
nobody: what happens to the accounts is done by keepers, who see the index on L2 and nothing else.
In the end it adds the books up, in one block, to the last unit.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from bridge.deployment import Deployment
from bridge.l1 import wire
from bridge.l1.abi import describe_revert
from bridge.l1.errors import L1CallReverted
from execution.contracts.abi import clearing_house
from execution.margin import (
    MarketStatus,
    Reason,
    domain_separator,
    pack_batch,
    read_custody,
    read_health,
    read_holdings,
    read_option_inputs,
    read_option_rules,
    read_safety_rules,
    read_scenario_array,
)
from genesis.accounts import DevAccount, dev_accounts, operator_accounts
from genesis.predeploys import CLEARING_HOUSE
from node.bridging.collateral import Collateral
from node.demo.amounts import USD, usd
from node.demo.backing import insurance_of, missing_backing, vault_of
from node.demo.cast import (
    BACKER_KEY,
    BACKING,
    PARTS,
    Insured,
    Offer,
    Opening,
    Part,
    Seat,
    put_series,
)
from node.demo.crash_story import Audience, CrashStory, Gate, News, Stand
from node.demo.herald import Herald
from node.demo.ledger import positions_of, read_ledger
from node.demo.limits import (
    CALM_SECONDS_MAX,
    CRASH_POLL_SECONDS,
    REPORT_SECONDS_MAX,
    SCENE_BLOCKS,
)
from node.demo.names import MARKET_NAMES, holding_names
from node.demo.shapes import BTC, Scene, Shape
from node.demo.stage import Stage
from node.demo.trade import ORDER_SECONDS, DemoFailed
from node.keepers.books import Books, Moment, house_errors
from node.layer import House, Layer, events
from node.limits import DEMO_STEP_SECONDS_MAX
from state.errors import Unavailable
from state.types import BlockNumber, Gas, Hash32, Timestamp

OPENING_GAS: Final = Gas(8_000_000)
"""Given, not estimated: a batch with too little stops early. Some fills at 200,000, and an option's
at some more."""

PRICING_GAS: Final = Gas(1_000_000)
"""One series, at 250,000 (MARGIN.md)."""


class NoKeepers(Unavailable):
    """Nobody reports what is in the price file."""


@dataclass(slots=True)
class CrashDemo:
    """One run of the story."""

    l1: Layer
    l2: Layer
    deployment: Deployment
    books: Books
    stage: Stage
    shape: Shape
    seed: int
    audience: Audience
    _start: dict[int, int] = field(default_factory=dict)
    """p8 by market."""
    _seats: dict[str, Seat] = field(default_factory=dict)
    _news: list[News] = field(default_factory=list)
    _gates: list[Gate] = field(default_factory=list)
    _herald: Herald | None = None
    """There once the crash begins."""

    async def run(self) -> CrashStory:
        """The whole story. Raises `DemoFailed`, `Unavailable`, and what an endpoint refuses."""
        began = await self.l2.block_time()
        scenes = self.shape.scenes(self.seed)
        with self.stage.held():
            await self._freeze(scenes[0])
            await self._gather_everybody()
            await self._open_positions()
            await self._until_window_is_over()
            moment = await self.books.look()
            before, insured = await self._stands(), await insurance_of(self.books)
            self._herald = Herald(self.l2, moment.block)
            names = holding_names(await self.books.strikes())
            self.audience.opened(self.shape, before, names)
            for scene in scenes[1:]:
                await self._play(scene)
            await self._until_calm()
        moment = await self.books.look()
        await self._hear(moment)
        after = await insurance_of(self.books)
        return CrashStory(
            shape=self.shape,
            seed=self.seed,
            names=names,
            start=self._start,
            before=before,
            after=await self._stands(),
            insurance={id_: (insured[id_], after[id_]) for id_ in insured},
            news=tuple(self._news),
            gates=tuple(self._gates),
            ledger=await read_ledger(self.books, self.l2, moment),
            seconds=moment.time - began,
        )

    # Before the crash

    async def _freeze(self, first: Scene) -> None:
        """Prices stand still while everybody takes position."""
        self.audience.waiting("Waiting for the devnet's first prices")
        await self._until(self._has_prices, REPORT_SECONDS_MAX, _NO_PRICES)
        markets = await self.books.markets()
        self._start = {
            id_: one.index for id_, one in markets.items() if one.status is not MarketStatus.CLOSED
        }
        await self._write(first)

    async def _has_prices(self, moment: Moment) -> bool:
        markets = await self.books.markets()
        live = [one for one in markets.values() if one.status is not MarketStatus.CLOSED]
        return bool(live) and all(one.index > 0 for one in live)

    async def _write(self, scene: Scene) -> None:
        moment = await self.books.look()
        listed = await self.books.strikes()
        strikes = {
            id_: one
            for id_, one in listed.items()
            if one.expiry > moment.time and one.underlying in self._start
        }
        self.stage.show(scene.prices(self._start, strikes))

    async def _gather_everybody(self) -> None:
        """Collateral for all through the Portal at the same time, then accounts, then backing."""
        self.audience.waiting("Everybody brings collateral from L1")
        owners = {part.name: dev_accounts()[part.key] for part in PARTS}
        backer = dev_accounts()[BACKER_KEY]
        lacking = await missing_backing(self.books)
        backing = sum(one.vault + one.insurance for one in lacking.values())
        sums = [(owners[part.name], part.cash) for part in PARTS]
        sums += [(backer, backing)] if backing else []
        receipts = await asyncio.gather(*(self._collateral.bring(*one) for one in sums))
        total = sum(amount for _, amount in sums)
        self.audience.told(
            f"{len(PARTS)} traders and a backer brought {usd(total)} through the Portal",
            f"L1 blocks {min(r.block_number for r in receipts)} to"
            f" {max(r.block_number for r in receipts)}",
        )
        self.audience.waiting("Everybody opens an account")
        seats = await asyncio.gather(*(self._open(part, owners[part.name]) for part in PARTS))
        self._seats = {seat.part.name: seat for seat in seats}
        await self._back(backer, lacking)

    async def _open(self, part: Part, owner: DevAccount) -> Seat:
        opened = await self._collateral.open_account(owner, part.cash)
        return Seat(part, owner, opened.account)

    @property
    def _collateral(self) -> Collateral:
        return Collateral(self.l1, self.l2, self.deployment)

    async def _back(self, backer: DevAccount, lacking: Mapping[int, Insured]) -> None:
        """Fill the vaults and the insurance; anyone may."""
        self.audience.waiting("The backer fills the vaults and the insurance")
        house = House(self.l2)
        backing = sum(one.vault + one.insurance for one in lacking.values())
        await self._collateral.approve(backer, backing)
        for market, one in lacking.items():
            if one.vault:
                await house.send(backer, "deposit", await vault_of(self.books, market), one.vault)
            if one.insurance:
                await house.send(backer, "fundInsurance", market, one.insurance)
        vaults = " and ".join(usd(one.vault) for one in BACKING.values())
        funds = " and ".join(usd(one.insurance) for one in BACKING.values())
        self.audience.told(f"The backstops have {vaults}", f"insurance {funds}, or more")

    async def _open_positions(self) -> None:
        """Everybody signs; the matcher settles all of it in one batch."""
        self.audience.waiting("Everybody takes position as soon as nothing is paused")
        await self._until(self._is_unpaused, DEMO_STEP_SECONDS_MAX, "a volatility pause")
        series = put_series(await self.books.strikes(), BTC, self._start[BTC])
        await self._until(partial(self._has_inputs, series), REPORT_SECONDS_MAX, _NO_PRICES)
        pricing = clearing_house().call("priceSeries", [series])
        pricer = dev_accounts()[BACKER_KEY]
        await self.l2.send(pricer, "pricing", CLEARING_HOUSE, pricing, gas=PRICING_GAS)
        moment = await self.books.look()
        opening = Opening(
            seats=self._seats,
            offers=await self._offers(series),
            domain=self._domain,
            expiry=Timestamp(moment.time + ORDER_SECONDS),
        )
        matches = opening.matches()
        batch, matcher = pack_batch(matches), operator_accounts().matcher
        receipt = await self.l2.send(
            matcher, "settlement", CLEARING_HOUSE, batch.calldata, gas=OPENING_GAS
        )
        if len(events(receipt, "FillSettled")) != len(matches):
            refused = [Reason(one["reason"]).name for one in events(receipt, "FillRejected")]
            raise DemoFailed(f"not every first trade was settled: {', '.join(refused)}")
        self.audience.told(
            f"The matcher settled {len(matches)} trades between them",
            f"{receipt.gas_used:,} gas, L2 block {receipt.block_number}",
        )

    async def _is_unpaused(self, moment: Moment) -> bool:
        """A crash that was played a minute ago may have left a pause."""
        readers = [partial(read_health, market=market) for market in BACKING]
        states = await self.books.read_each(readers)
        return all(moment.time >= health.paused_until for health in states)

    @property
    def _domain(self) -> Hash32:
        return domain_separator(self.deployment.l2_chain_id)

    async def _has_inputs(self, series: int, moment: Moment) -> bool:
        """Whether the strike can be priced: keepers report one that nobody holds now and then."""
        inputs = await self.books.read(partial(read_option_inputs, strike=series & ~1))
        rules = (await self.books.market_members([BTC]))[BTC]["rules"]
        return inputs is not None and moment.time - inputs.time < rules["staleSeconds"]

    async def _offers(self, series: int) -> dict[int, Offer]:
        """Perpetuals at the mark and the put at its value, on their ticks."""
        markets = await self.books.markets()
        rules = await self.books.market_members(BACKING)
        offers = {
            id_: Offer(_on_tick(markets[id_].mark, one["rules"]["tick"]), one["rules"]["lot"])
            for id_, one in rules.items()
        }
        array = await self.books.read(partial(read_scenario_array, series=series))
        options = await self.books.read(partial(read_option_rules, underlying=BTC))
        if array is None or options is None:
            raise DemoFailed("the put can't be priced on this devnet")
        offers[series] = Offer(_on_tick(array.value, options.tick), options.lot)
        return offers

    async def _until_window_is_over(self) -> None:
        """The next report begins a new volatility window, so that the whole fall is in one."""
        self.audience.waiting("Waiting for the running volatility window to end")
        await self._until(self._window_is_over, DEMO_STEP_SECONDS_MAX, "a volatility window")

    async def _window_is_over(self, moment: Moment) -> bool:
        for market in BACKING:
            health = await self.books.read(partial(read_health, market=market))
            rules = await self.books.read(partial(read_safety_rules, market=market))
            if moment.time <= health.anchor_time + rules.pause_window:
                return False
        return True

    # The crash

    async def _play(self, scene: Scene) -> None:
        """Write one report's prices, wait until they are in the books, and let keepers act."""
        self.audience.waiting(f"Report {scene.number} of {self.shape.reports}")
        await self._write(scene)
        expected = {id_: scene.price(id_, price) for id_, price in self._start.items()}
        await self._until(partial(self._is_reported, expected), REPORT_SECONDS_MAX, _NO_PRICES)
        self.audience.played(scene, expected, self._start)
        stands_until = BlockNumber((await self.books.look()).block + SCENE_BLOCKS)
        await self._until(partial(self._is_block, stands_until), REPORT_SECONDS_MAX, "a block")

    async def _is_block(self, number: BlockNumber, moment: Moment) -> bool:
        await self._hear(moment)
        return moment.block >= number

    async def _is_reported(self, expected: Mapping[int, int], moment: Moment) -> bool:
        await self._hear(moment)
        markets = await self.books.markets()
        return all(markets[id_].index == price for id_, price in expected.items())

    async def _until_calm(self) -> None:
        """Keepers close what is left of the bankrupt, as far as they get."""
        self.audience.waiting("The keepers close what is left of the bankrupt")
        with contextlib.suppress(Unavailable):
            await self._until(self._is_calm, CALM_SECONDS_MAX, "the keepers")

    async def _is_calm(self, moment: Moment) -> bool:
        await self._hear(moment)
        custody = await self.books.read(read_custody)
        stands = await self._stands()
        return not custody.is_gated and all(one.equity >= 0 or not one.held for one in stands)

    # What is heard

    async def _hear(self, moment: Moment) -> None:
        """Tell the news of the blocks since the last look, and whether withdrawals are open."""
        if self._herald is not None:
            async for news in self._herald.news(moment.block):
                self._news.append(news)
                self.audience.announced(news)
        custody = await self.books.read(read_custody)
        was_closed = bool(self._gates) and self._gates[-1].is_closed
        if custody.is_gated == was_closed:
            return
        gate = Gate(
            block=moment.block,
            is_closed=custody.is_gated,
            debt=custody.reported_debt,
            insurance=custody.insurance,
            refusal=await self._try_withdrawal(moment) if custody.is_gated else "",
        )
        self._gates.append(gate)
        self.audience.gated(gate)

    async def _try_withdrawal(self, moment: Moment) -> str:
        """What the contract says to the market maker, who has done nothing wrong."""
        seat = self._seats["Mara"]
        data = clearing_house().call("withdraw", seat.account, USD, seat.owner.address)
        (answer,) = await self.books.call_each(
            [data], block=wire.to_quantity(moment.block), sender=seat.owner.address
        )
        if not isinstance(answer, L1CallReverted):
            return ""
        return describe_revert(answer.revert_data, house_errors()) or answer.reason

    # Reading

    async def _stands(self) -> tuple[Stand, ...]:
        """The cast and the vaults, in the block that was looked at last."""
        people = {seat.account: (seat.part.name, seat.part.role) for seat in self._seats.values()}
        for market in BACKING:
            people[await vault_of(self.books, market)] = (
                f"{MARKET_NAMES[market]} vault",
                "backstop",
            )
        accounts = await self.books.accounts(people)
        standings = await self.books.standings(people)
        positions = await positions_of(self.books, accounts)
        found = []
        for id_, (name, role) in people.items():
            held = {market: p.size for (one, market), p in positions.items() if one == id_}
            holdings = await self.books.read(partial(read_holdings, account=id_))
            held |= {holding.series: holding.size for holding in holdings}
            standing = standings[id_]
            found.append(
                Stand(
                    name=name,
                    role=role,
                    account=id_,
                    held=held,
                    cash=accounts[id_].cash,
                    equity=standing.equity,
                    maintenance=standing.maintenance,
                )
            )
        return tuple(found)

    async def _until(
        self, holds: Callable[[Moment], Awaitable[bool]], seconds_max: float, what: str
    ) -> None:
        """Look at one block after the other until it holds. Raises `NoKeepers`."""
        seen: Moment | None = None
        try:
            async with asyncio.timeout(seconds_max):
                while True:
                    moment = await self.books.look()
                    if moment != seen and await holds(moment):
                        return
                    seen = moment
                    await asyncio.sleep(CRASH_POLL_SECONDS)
        except TimeoutError:
            raise NoKeepers(f"waited {seconds_max:.0f} s for {what}") from None


_NO_PRICES: Final = (
    "the oracle to report: this needs a devnet with keepers, started without --no-keepers"
)


def _on_tick(price: int, tick: int) -> int:
    return price - price % tick
