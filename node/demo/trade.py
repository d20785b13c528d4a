"""`tallystick demo trade`: collateral up from L1, a trade, a refusal, and money back on L1.

Everything goes over JSON-RPC, as any client would do it; the operator accounts of a devnet sign for
the oracle and the matcher.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from bridge.deployment import Deployment
from bridge.games import Game, read_game
from bridge.l1 import contracts
from bridge.l1.client import L1Client, L1Receipt
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
    Match,
    Order,
    Reason,
    SignedOrder,
    domain_separator,
    pack_batch,
    report_call,
    sign_report,
)
from genesis.accounts import dev_accounts, operator_accounts
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN
from node.demo.amounts import USD, dollars, quantity, usd
from node.demo.collateral import Collateral
from node.demo.trade_story import Audience, Books, Commitment, Trader, TradeStory
from node.layer import House, Layer, events
from node.limits import DEMO_STEP_SECONDS_MAX
from state.errors import Invalid
from state.types import BlockNumber, Gas, Hash32, Timestamp

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
MAX_FEE_PPM: Final = 1_000
SETTLEMENT_GAS: Final = Gas(2_000_000)
"""Given, not estimated: a batch with too little gas stops early instead of reverting."""

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
        await self.trade(alice, bob)
        refusal = await self.trade_recklessly(alice, bob)
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

    async def trade(self, alice: Trader, bob: Trader) -> None:
        """Alice buys from Bob; the matcher settles both signed orders."""
        self.audience.waiting("Alice and Bob sign orders; the matcher settles them")
        receipt = await self.settle(alice, bob, TRADE_SIZE, nonce=0)
        fills = events(receipt, "FillSettled")
        if len(fills) != 1:
            refused = [words(Reason(one["reason"])) for one in events(receipt, "FillRejected")]
            raise DemoFailed(f"the fill was not settled: {', '.join(refused) or 'no answer'}")
        fill = fills[0]
        self.audience.told(
            f"Alice bought {quantity(fill['size'])} BTC from Bob at {dollars(fill['price'])}",
            f"she pays a fee of {usd(fill['takerFee'])}, he gets {usd(-fill['makerFee'])},"
            f" {receipt.gas_used:,} gas, L2 block {receipt.block_number}",
        )

    async def trade_recklessly(self, alice: Trader, bob: Trader) -> Reason:
        """A fill that the collateral can't carry is refused, with the reason."""
        self.audience.waiting("Alice tries to buy far more than she can carry")
        receipt = await self.settle(alice, bob, RECKLESS_SIZE, nonce=1)
        refusals = events(receipt, "FillRejected")
        if len(refusals) != 1:
            raise DemoFailed("an undercollateralised fill was settled")
        reason = Reason(refusals[0]["reason"])
        self.audience.told(
            f"Alice's order for {quantity(RECKLESS_SIZE)} BTC was refused: {words(reason)}",
            f"she has too little for it: FillRejected({refusals[0]['index']}, {int(reason)}),"
            " and nothing happened",
        )
        return reason

    async def settle(self, alice: Trader, bob: Trader, size: int, nonce: int) -> L1Receipt:
        """Both sign, the matcher settles."""
        expiry = Timestamp(await self.l2.block_time() + ORDER_SECONDS)
        taker = self.sign(alice, True, size, nonce, expiry)
        maker = self.sign(bob, False, size, nonce, expiry)
        batch = pack_batch([Match(taker, maker, size)])
        matcher = operator_accounts().matcher
        return await self.l2.send(
            matcher, "settlement", CLEARING_HOUSE, batch.calldata, gas=SETTLEMENT_GAS
        )

    def sign(
        self, trader: Trader, is_buy: bool, size: int, nonce: int, expiry: Timestamp
    ) -> SignedOrder:
        order = Order(
            account=trader.id,
            market=MARKET,
            is_buy=is_buy,
            size=size,
            price=self.price,
            max_fee_ppm=MAX_FEE_PPM,
            nonce=nonce,
            expiry=expiry,
        )
        return order.sign(trader.account.key, self.domain)

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


def words(reason: Reason) -> str:
    """A rejection in words."""
    return reason.name.replace("_", " ").lower()
