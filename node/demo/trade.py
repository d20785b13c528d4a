"""`tallystick demo trade`: collateral up from L1, a trade, a refusal, and money back on L1.

Everything goes over JSON-RPC, as any client would do it; on a devnet without keepers, one of its
operator accounts signs for the oracle.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from bridge.deployment import Deployment
from bridge.games import Game, read_game
from bridge.l1 import contracts
from bridge.l1.client import L1Client
from bridge.withdrawals import (
    RpcEvidence,
    Withdrawal,
    WithdrawalNotReady,
    Withdrawer,
    withdrawals_of,
)
from execution.contracts.abi import interface
from execution.contracts.parameters import PRICE_ONE, SIZE_ONE
from execution.margin import (
    domain_separator,
    report_call,
    sign_report,
)
from genesis.accounts import dev_accounts, operator_accounts
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN
from node.bridging.collateral import Collateral
from node.client import (
    BUY,
    SELL,
    AsyncTradeClient,
    OrderRefused,
    Refusal,
    TradeFill,
    limit,
    market_order,
)
from node.demo.amounts import USD, dollars, quantity, usd
from node.demo.trade_story import Audience, Books, Commitment, Trader, TradeStory
from node.layer import House, Layer, events
from node.limits import DEMO_STEP_SECONDS_MAX
from sequencer.matching.events import FillState
from state.clock import Clock, SystemClock
from state.errors import Invalid
from state.types import BlockNumber, Hash32, Timestamp

T = TypeVar("T")

MARKET: Final = 0
INDEX: Final = 64_250 * PRICE_ONE
"""What the oracle says where no keeper reports prices."""
TICKS_ABOVE_MARK: Final = 3
"""Where the two meet: at 64,250.3 USD when the mark is the index above."""
TRADE_SIZE: Final = 15 * SIZE_ONE // 10
RECKLESS_SIZE: Final = 50 * SIZE_ONE
"""Fifty BTC on twenty thousand dollars."""
COLLATERAL: Final = 20_000 * USD
WITHDRAWN: Final = 5_000 * USD
ORDER_SECONDS: Final = 3_600
SAFE: Final = frozenset({FillState.SAFE, FillState.FINALIZED})
SETTLED: Final = SAFE | {FillState.UNSAFE}

_POLL_SECONDS: Final = 1.0
"""Between two looks whether something has come about: a devnet's block."""


class DemoFailed(Invalid):
    """The chain did something else than the story says."""


@dataclass(slots=True)
class TradeDemo:
    """One run of the story."""

    l1: Layer
    l2: Layer
    deployment: Deployment
    audience: Audience
    clock: Clock = field(default_factory=SystemClock)
    price: int = 0
    """p8 that the two trade at: the mark's neighbour, on the tick."""

    @property
    def collateral(self) -> Collateral:
        return Collateral(self.l1, self.l2, self.deployment)

    @property
    def house(self) -> House:
        return House(self.l2)

    @property
    def domain(self) -> Hash32:
        return domain_separator(self.deployment.l2_chain_id)

    async def run(self) -> TradeStory:
        """The whole story. Raises `DemoFailed`, and whatever an endpoint refuses."""
        alice = Trader("Alice", dev_accounts()[1])
        bob = Trader("Bob", dev_accounts()[2])
        for trader in (alice, bob):
            await self.bring_collateral(trader)
        alice, bob = [await self.open_account(trader) for trader in (alice, bob)]
        await self.report_price()
        fill = await self.trade(alice, bob)
        refusal = await self.trade_recklessly(alice)
        await self.until_safe(alice, fill)
        before = await self.token_balance(alice)
        withdrawal, block = await self.leave(alice)
        game = await self.be_paid(alice, withdrawal, block)
        books = tuple([await self.read_books(trader, game.l2_block) for trader in (alice, bob)])
        paid = await self.token_balance(alice) - before
        return TradeStory(books, refusal, await self.commitment(game), paid)

    # Collateral

    async def bring_collateral(self, trader: Trader) -> None:
        """Mint test dollars on L1, lock them in the Portal, and wait for them on L2."""
        self.audience.waiting(f"{trader.name} brings collateral from L1")
        receipt = await self.collateral.bring(trader.account, COLLATERAL)
        self.audience.told(
            f"{trader.name} deposited {usd(COLLATERAL)} through the Portal",
            f"L1 block {receipt.block_number}",
        )

    async def open_account(self, trader: Trader) -> Trader:
        """A sub-account with the collateral in it."""
        self.audience.waiting(f"{trader.name} opens a margin account")
        opened = await self.collateral.open_account(trader.account, COLLATERAL)
        self.audience.told(
            f"{trader.name} opened account {opened.account} with {usd(opened.credited)}",
            f"L2 block {opened.block}",
        )
        return replace(trader, id=opened.account)

    # Trading

    async def until_open(self) -> None:
        """Wait out a volatility pause, which a crash that was played before may have left."""
        async with asyncio.timeout(DEMO_STEP_SECONDS_MAX):
            while await self.is_paused():
                self.audience.waiting("BTC-USD moved too fast: nobody may open there for now")
                await asyncio.sleep(_POLL_SECONDS)

    async def is_paused(self) -> bool:
        _, health, _, _ = await self.house.view("getSafety", MARKET)
        return await self.l2.block_time() < int(health["pausedUntil"])

    async def report_price(self) -> None:
        """Take the price that keepers report, or report one where none do."""
        await self.until_open()
        self.audience.waiting("The oracle reports the index price")
        (market,) = await self.house.view("getMarket", MARKET)
        price, now = market["price"], await self.l2.block_time()
        if 2 * (now - price["indexTime"]) < market["rules"]["staleSeconds"]:
            age = max(0, now - price["indexTime"])
            self.audience.told(
                f"The oracle has BTC-USD at {dollars(price['index'])}", f"{age} s ago"
            )
        else:
            await self.report_index(price["round"] + 1, max(now, price["indexTime"] + 1))
            (market,) = await self.house.view("getMarket", MARKET)
        tick = market["rules"]["tick"]
        self.price = (market["price"]["mark"] // tick + TICKS_ABOVE_MARK) * tick

    async def report_index(self, round_: int, time: int) -> None:
        """The oracle signs an index price; anybody may relay it."""
        operators, now = operator_accounts(), Timestamp(time)
        report = sign_report(MARKET, round_, INDEX, now, operators.oracle.key, self.domain)
        data = report_call(MARKET, round_, [report])
        receipt = await self.l2.send(operators.keeper, "report", CLEARING_HOUSE, data)
        self.audience.told(
            f"The oracle reported BTC-USD at {dollars(INDEX)}", f"L2 block {receipt.block_number}"
        )

    def client(self, trader: Trader) -> AsyncTradeClient:
        """The exchange, for one trader."""
        return AsyncTradeClient(self.l2.client.rpc, trader.account.key, trader.id)

    async def trade(self, alice: Trader, bob: Trader) -> TradeFill:
        """Bob offers, Alice takes it; the matcher settles both signed orders in the next block."""
        self.audience.waiting("Alice and Bob sign orders")
        async with self.client(bob) as seller, self.client(alice) as buyer:
            offered = await seller.place(limit(MARKET, SELL, TRADE_SIZE, self.price).post_only())
            self.audience.told(
                f"Bob offers {quantity(TRADE_SIZE)} BTC at {dollars(self.price)}",
                f"signed order {str(offered.order.hash)[:18]}…, {offered.order.status}",
            )
            began = self.clock.monotonic()
            taken = await buyer.place(market_order(MARKET, BUY, TRADE_SIZE, self.price))
            milliseconds = (self.clock.monotonic() - began) * 1_000
            if [fill.maker_order for fill in taken.fills] != [offered.order.hash]:
                raise DemoFailed("somebody else trades at Bob's price: run the demo again")
            (fill,) = taken.fills
            self.audience.told(
                f"Alice bought {quantity(fill.size)} BTC from Bob at {dollars(fill.price)}",
                f"soft confirmation: on the sequencer's disk, {milliseconds:.0f} ms",
            )
            self.audience.waiting("The next block settles it")
            settled = await self.fill_in(buyer, fill, SETTLED)
        await self.tell_settlement(settled)
        return settled

    async def tell_settlement(self, fill: TradeFill) -> None:
        """What the clearing house made of a fill, from the receipt of its transaction."""
        receipt = await self.l2.client.receipt(Hash32(bytes(fill.transaction or b"")))
        ours = (fill.taker_account, fill.maker_account)
        found = () if receipt is None else events(receipt, "FillSettled")
        fees = [one for one in found if (one["taker"], one["maker"]) == ours]
        if receipt is None or not fees:
            raise DemoFailed(f"L2 block {fill.block} doesn't hold what the node says it settled")
        paid, gained = fees[0]["takerFee"], -fees[0]["makerFee"]
        self.audience.told(
            "It is settled: unsafe, not on L1 yet",
            f"L2 block {fill.block}, she pays {usd(paid)}, he gets {usd(gained)},"
            f" {receipt.gas_used:,} gas",
        )

    async def trade_recklessly(self, alice: Trader) -> Refusal:
        """An order that the collateral can't carry is refused, with the reason."""
        self.audience.waiting("Alice tries to buy far more than she can carry")
        async with self.client(alice) as buyer:
            try:
                await buyer.place(limit(MARKET, BUY, RECKLESS_SIZE, self.price))
            except OrderRefused as refusal:
                self.audience.told(
                    f"Alice's order for {quantity(RECKLESS_SIZE)} BTC was refused before it met"
                    f" anybody: {refusal.reason}",
                    str(refusal),
                )
                return refusal.reason
        raise DemoFailed("an order was taken that its account can't carry")

    async def until_safe(self, alice: Trader, fill: TradeFill) -> None:
        """Wait until L1 alone leads to the block that settled a fill."""
        self.audience.waiting("The trade's block goes to L1")
        async with self.client(alice) as buyer:
            safe = await self.fill_in(buyer, fill, SAFE)
        self.audience.told(
            f"The trade is {safe.state}: L1 alone leads to it now", f"L2 block {safe.block}"
        )

    async def fill_in(
        self, trader: AsyncTradeClient, fill: TradeFill, states: frozenset[FillState]
    ) -> TradeFill:
        """A fill once it has come so far. Raises `DemoFailed` where the chain refused it."""
        async with asyncio.timeout(DEMO_STEP_SECONDS_MAX):
            while True:
                for found in await trader.fills():
                    if found.id == fill.id and found.state is FillState.REFUSED:
                        raise DemoFailed(f"the fill was not settled: {found.reason}")
                    if found.id == fill.id and found.state in states:
                        return found
                await asyncio.sleep(_POLL_SECONDS)

    # Withdrawing

    async def leave(self, trader: Trader) -> tuple[Withdrawal, BlockNumber]:
        """Take collateral out of the clearing house and burn it on L2 for L1."""
        self.audience.waiting(f"{trader.name} withdraws {usd(WITHDRAWN)}")
        owner = trader.account
        await self.house.send(owner, "withdraw", trader.id, WITHDRAWN, owner.address)
        burn = interface("CollateralToken").call("withdrawTo", owner.address, WITHDRAWN)
        receipt = await self.l2.send(owner, "withdrawal", COLLATERAL_TOKEN, burn)
        (withdrawal,) = withdrawals_of(receipt.logs)
        self.audience.told(
            f"{trader.name} took {usd(WITHDRAWN)} out and burned it on L2",
            f"L2 block {receipt.block_number}, withdrawal 0x{withdrawal.hash.hex()[:16]}…",
        )
        return withdrawal, receipt.block_number

    async def be_paid(self, trader: Trader, withdrawal: Withdrawal, block: BlockNumber) -> Game:
        """Prove the withdrawal against an output root, wait out its dispute, be paid."""
        evidence = RpcEvidence(self.l2.client.rpc)
        portal, rollup = self.deployment.portal, self.deployment.rollup
        withdrawer = Withdrawer(self.l1.transactor(trader.account), evidence, portal, rollup)
        game = await self.when_ready(lambda: withdrawer.find_game(block))
        proof = await withdrawer.make_proof(withdrawal, game)
        await self.when_ready(lambda: withdrawer.send_proof(proof))
        self.audience.told(
            "The withdrawal is proven against a proposed output root",
            f"L2 block {game.l2_block}, game 0x{game.address.hex()[:16]}…",
        )
        receipt = await self.when_ready(lambda: withdrawer.finalize(withdrawal))
        self.audience.told(
            f"The root's clock ran out unchallenged: the Portal paid {usd(WITHDRAWN)}",
            f"L1 block {receipt.block_number}",
        )
        return await read_game(self.l1.client, game.address, at="latest")

    # Reading

    async def read_books(self, trader: Trader, at: BlockNumber) -> Books:
        """What the block with the resolved output root says of a trader."""
        house = self.house
        (position,) = await house.view("getPosition", trader.id, MARKET, at=at)
        (standing,) = await house.view("requirements", trader.id, at=at)
        _, account = await house.view("getAccount", trader.id, at=at)
        return Books(
            trader=trader,
            size=position["size"],
            cost=position["cost"],
            cash=account["cash"],
            equity=standing["equity"],
            initial=standing["initial"],
            maintenance=standing["maintenance"],
            withdrawable=standing["withdrawable"],
            token_l1=await self.token_balance(trader),
            token_l2=await self.collateral.balance(trader.account, at),
        )

    async def token_balance(self, trader: Trader) -> int:
        """q6 of the collateral token on L1."""
        (balance,) = await self.l1.client.call(
            self.deployment.token, contracts.BALANCE_OF, trader.account.address
        )
        return int(balance)

    async def commitment(self, game: Game) -> Commitment:
        boundary = await RpcEvidence(self.l2.client.rpc).boundary(game.l2_block)
        return Commitment(
            block=boundary.number,
            header_hash=boundary.header_hash,
            state_root=boundary.state_root,
            output_root=game.root_claim,
            game=game,
        )

    # Waiting

    async def when_ready(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again while a withdrawal isn't ready, showing what is waited for."""
        async with asyncio.timeout(DEMO_STEP_SECONDS_MAX):
            while True:
                try:
                    return await ask()
                except WithdrawalNotReady as error:
                    self.audience.waiting(str(error))
                    await asyncio.sleep(_POLL_SECONDS)


def layers(l1: L1Client, l2: L1Client) -> tuple[Layer, Layer]:
    """Both layers of a devnet."""
    return Layer(l1), Layer(l2)
