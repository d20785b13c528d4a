"""The exchange of a running devnet: matched, settled in the next block, and never twice."""

import asyncio
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from bridge.deployment import load_deployment
from bridge.l1.client import L1Client
from bridge.l1.rpc import RpcClient
from execution.margin import Order, domain_separator, report_call, sign_report
from genesis.accounts import DevAccount, dev_accounts, operator_accounts
from genesis.networks import L2_DEVNET_CHAIN_ID
from genesis.predeploys import CLEARING_HOUSE
from node.bridging.collateral import Collateral
from node.layer import Layer
from state.types import Timestamp
from tests.devnet.conftest import Devnet, RpcFailed, answers, devnet_in, rpc, wait_for

pytestmark = pytest.mark.slow

LOT = 10**5
PRICE = 64_250 * 10**8
EXPIRY = Timestamp(int(time.time()) + 86_400)
DOMAIN = domain_separator(L2_DEVNET_CHAIN_ID)
CASH = 50_000 * 10**6
ROUNDS = 3


@dataclass
class Trader:
    """Signs orders for one account, each with a fresh nonce, and remembers them."""

    key: DevAccount
    account: int
    orders: dict[str, bool] = field(default_factory=dict)
    """By hash, whether the sequencer acknowledged it."""

    def place(self, url: str, is_buy: bool, size: int = LOT) -> Any:
        order = Order(
            account=self.account,
            market=0,
            is_buy=is_buy,
            size=size,
            price=PRICE,
            max_fee_ppm=1_000,
            nonce=len(self.orders),
            expiry=EXPIRY,
        )
        signed = order.sign(self.key.key, DOMAIN)
        order_hash = "0x" + order.digest(DOMAIN).hex()
        self.orders[order_hash] = False
        placed = rpc(url, "trade_placeOrder", {
            "account": self.account, "market": 0, "isBuy": is_buy, "sizeS8": str(size),
            "priceP8": str(PRICE), "maxFeePpm": 1_000, "nonce": str(order.nonce),
            "expiry": EXPIRY, "signature": "0x" + (signed.r + signed.vs).hex(),
        })  # fmt: skip
        self.orders[order_hash] = True
        return placed


@dataclass
class Market:
    """Two traders with collateral on a devnet."""

    devnet: Devnet
    buyer: Trader
    seller: Trader

    def trade(self) -> Any:
        """A fill of a lot between two new orders."""
        self.seller.place(self.devnet.sequencer, False)
        return self.buyer.place(self.devnet.sequencer, True)

    def position(self, trader: Trader, url: str, block: str = "latest") -> int:
        """s8, by the contract."""
        perps = rpc(url, "margin_getPositions", trader.account, block)["perps"]
        return sum(int(perp["sizeS8"]) for perp in perps if perp["market"] == 0)

    def filled(self, trader: Trader) -> int:
        """s8 that the exchange says the trader's orders have traded."""
        return sum(int(order["filledS8"]) for order in self.known(trader).values())

    def known(self, trader: Trader) -> dict[str, Any]:
        found = {h: rpc(self.devnet.sequencer, "trade_getOrder", h) for h in trader.orders}
        return {order_hash: order for order_hash, order in found.items() if order is not None}

    def is_settled(self) -> bool:
        """Whether nothing that was matched waits."""
        orders = self.known(self.buyer).values()
        ids = {fill for order in orders for fill in order["fills"]}
        return self.position(self.buyer, self.devnet.sequencer) == self.filled(self.buyer) and (
            bool(ids) or not orders
        )


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with devnet_in(tmp_path_factory.mktemp("trading")) as devnet:
        devnet.start()
        buyer, seller = asyncio.run(_open_accounts(devnet))
        yield Market(devnet, buyer, seller)


async def _open_accounts(devnet: Devnet) -> tuple[Trader, Trader]:
    """Collateral from L1, an account each, and a price."""
    deployment = load_deployment(devnet.data_dir / "deployment.json")
    async with RpcClient(devnet.l1) as l1, RpcClient(devnet.sequencer) as l2:
        layers = [
            Layer(L1Client(rpc, chain_id=chain_id))
            for rpc, chain_id in ((l1, deployment.l1_chain_id), (l2, deployment.l2_chain_id))
        ]
        collateral = Collateral(*layers, deployment)
        traders = []
        for owner in dev_accounts()[1:3]:
            await collateral.bring(owner, CASH)
            traders.append(Trader(owner, (await collateral.open_account(owner, CASH)).account))
        await _report_price(layers[1])
    return traders[0], traders[1]


async def _report_price(l2: Layer) -> None:
    oracle, now = operator_accounts().oracle, Timestamp(await l2.block_time())
    report = sign_report(0, 1, PRICE, now, oracle.key, DOMAIN)
    await l2.send(oracle, "report", CLEARING_HOUSE, report_call(0, 1, [report]))


def test_match_is_settled_by_the_first_transaction_of_the_next_block(market: Market) -> None:
    sequencer = market.devnet.sequencer
    head = int(rpc(sequencer, "eth_blockNumber"), 16)
    (fill,) = market.trade()["fills"]
    assert fill["state"] == "matched"
    order = next(iter(market.buyer.orders))
    wait_for(lambda: market.position(market.buyer, sequencer) == LOT, what="the settlement")
    known = rpc(sequencer, "trade_getOrder", order)
    assert known["status"] == "filled"
    assert known["filledS8"] == str(LOT)
    settled = int(rpc(sequencer, "eth_blockNumber"), 16)
    blocks = [
        rpc(sequencer, "eth_getBlockByNumber", hex(number), True)
        for number in range(head + 1, settled + 1)
    ]
    first = [block["transactions"][1:2] for block in blocks if len(block["transactions"]) > 1]
    assert len(first) == 1
    receipt = rpc(sequencer, "eth_getTransactionReceipt", first[0][0]["hash"])
    assert receipt["status"] == "0x1"
    assert receipt["from"] == "0x" + operator_accounts().matcher.address.hex()


def test_settled_match_is_the_same_on_a_verifier(market: Market) -> None:
    market.trade()
    sequencer, verifier = market.devnet.sequencer, market.devnet.verifier
    wait_for(market.is_settled, what="the settlement")
    held = market.position(market.buyer, sequencer)
    wait_for(lambda: market.position(market.buyer, verifier) == held, what="the verifier")
    assert market.position(market.seller, verifier) == -held


def test_killed_between_match_and_settlement_settles_each_fill_once(market: Market) -> None:
    """kill -9 at random moments while orders come in: before, during and after blocks."""
    moments = random.Random(11)
    devnet = market.devnet
    for _ in range(ROUNDS):
        with _trading(market):
            threading.Event().wait(moments.uniform(0.5, 3.0))
            os.kill(devnet.node_pid("sequencer"), signal.SIGKILL)
        wait_for(lambda: answers(devnet.sequencer), what="the sequencer again")
        wait_for(lambda: _trades_again(market), what="trading again")
    wait_for(market.is_settled, what="all settled")
    for trader in (market.buyer, market.seller):
        acknowledged = {order for order, is_known in trader.orders.items() if is_known}
        assert acknowledged <= market.known(trader).keys()
    held = market.position(market.buyer, devnet.sequencer)
    assert held == market.filled(market.buyer) == market.filled(market.seller)
    assert held >= ROUNDS * LOT
    wait_for(lambda: market.position(market.buyer, devnet.verifier) == held, what="the verifier")


def _trades_again(market: Market) -> bool:
    try:
        return bool(market.trade())
    except (httpx.HTTPError, RpcFailed):
        return False


@contextmanager
def _trading(market: Market) -> Iterator[None]:
    """Trade all the time, until the sequencer is gone."""
    stopping = threading.Event()

    def run() -> None:
        while not stopping.is_set():
            _trades_again(market)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
