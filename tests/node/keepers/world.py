"""A node whose L2 has a clearing house in it, traders, and keepers that talk to it."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bridge.l1.accounts import Operator
from execution.contracts import artifact
from execution.contracts.abi import clearing_house
from execution.contracts.devnet import DEFAULT_MARKETS
from execution.contracts.genesis import ClearingHouseParameters, clearing_house_alloc
from execution.contracts.layout import Layout
from execution.contracts.parameters import MarketParameters, StrikeParameters
from execution.contracts.system import system_alloc
from execution.margin import Match, Order, SignedOrder, domain_separator, pack_batch
from execution.signing import UnsignedTransaction
from execution.signing import sign as sign_fields
from genesis.accounts import DevAccount, dev_accounts, operator_accounts
from genesis.builder import GenesisAccount
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN
from node.keepers.crew import crew
from node.keepers.keeper import Done, take_step
from node.keepers.prices import OptionInputs, Prices, prices_json
from node.keepers.reports import OracleKey
from node.keepers.settings import CrewSettings, Duty
from state.types import Address, Gas, Timestamp, Wei
from tests.node.rpc.harness import GENESIS_TIME, L2_CONFIG, NOBODY, RunningNode, open_chain
from tests.node.rpc.harness import running_node as running

USD = 10**6
PRICE = 10**8
SIZE = 10**8
WAD = 10**18
MARKET = 0
BEGIN = 60_000
"""USD: where the market stands when a test begins."""
OPERATORS = operator_accounts()
DEV = dev_accounts()
PURSE = 10_000_000 * USD
"""q6 of the collateral token that every dev account begins with."""
DOMAIN = domain_separator(L2_CONFIG.chain_id)


class Reverted(Exception):
    """A transaction of a test failed in its block."""


@dataclass
class Trader:
    """A dev account, its sub-account, and the nonce of its next order."""

    key: DevAccount
    id: int
    next_nonce: int = 0


@dataclass
class World:
    """What a test does as traders, as the matcher and as whoever runs keepers."""

    node: RunningNode
    folder: Path
    settings: CrewSettings
    strikes: tuple[StrikeParameters, ...] = ()
    _next: int = field(default=0)

    @property
    def now(self) -> int:
        return int(self.node.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    @property
    def price_file(self) -> Path:
        return self.folder / "prices.json"

    # Time and prices

    def wait(self, seconds: int) -> None:
        """Let time pass, in one block."""
        self.node.miner.gap = seconds
        self.node.mine()
        self.node.miner.gap = 1

    def quote(self, index: Mapping[int, int], volatility: str | None = None) -> None:
        """Prices (USD) for the file feed; options forward at the index of their underlying."""
        options = {}
        if volatility is not None:
            options = {
                64 + 2 * number: OptionInputs(index[strike.market] * PRICE, WAD, _wad(volatility))
                for number, strike in enumerate(self.strikes)
            }
        prices = Prices({id_: usd * PRICE for id_, usd in index.items()}, {}, options)
        self.price_file.write_bytes(prices_json(prices))

    def report(self, index: Mapping[int, int], volatility: str | None = None) -> Done:
        """Quote, and let the reporter report, a second later."""
        self.quote(index, volatility)
        self.wait(1)
        return self.step(Duty.ORACLE)

    # Keepers

    def step(self, *duties: Duty, **changes: Any) -> Done:
        """One step of each keeper, in a process's place."""
        return asyncio.run(self._step(replace(self.settings, duties=duties, **changes)))

    async def _step(self, settings: CrewSettings) -> Done:
        async with crew(settings) as keepers:
            return Done.of([await take_step(keeper) for keeper in keepers])

    # Traders

    def trader(self, index: int, cash: int) -> Trader:
        """A sub-account of dev account `index` with `cash` (q6)."""
        key = DEV[index]
        receipt = self.send(key, clearing_house().call("createAccount"))
        trader = Trader(key, events(receipt, "AccountCreated")[0]["account"])
        if cash:
            self.deposit(trader, cash)
        return trader

    def deposit(self, trader: Trader, cash: int) -> None:
        self.send(trader.key, clearing_house().call("deposit", trader.id, cash))

    def fund(self, market: int, cash: int) -> None:
        """Insurance (q6) from dev account 9."""
        self.send(DEV[9], clearing_house().call("fundInsurance", market, cash))

    def fill_vault(self, market: int, cash: int) -> None:
        """Collateral (q6) for a market's backstop, from dev account 9."""
        self.send(DEV[9], clearing_house().call("deposit", market + 1, cash))

    def order(
        self, trader: Trader, is_buy: bool, size: int, price: int, market: int = 0
    ) -> SignedOrder:
        """Signed with the trader's next nonce; size s8, price p8."""
        order = Order(
            account=trader.id,
            market=market,
            is_buy=is_buy,
            size=size,
            price=price,
            max_fee_ppm=1_000,
            nonce=trader.next_nonce,
            expiry=Timestamp(self.now + 10**6),
        )
        trader.next_nonce += 1
        return order.sign(trader.key.key, DOMAIN)

    def trade(self, buyer: Trader, seller: Trader, size: int, price: int, market: int = 0) -> None:
        """One fill, which is settled or the test fails."""
        taker = self.order(buyer, True, size, price, market)
        maker = self.order(seller, False, size, price, market)
        batch = pack_batch([Match(taker, maker, size)])
        receipt = self.send(OPERATORS.matcher, batch.calldata)
        assert events(receipt, "FillSettled"), events(receipt, "FillRejected")

    # The chain

    def send(self, account: DevAccount, data: bytes, to: Address = CLEARING_HOUSE) -> Any:
        """A transaction, in a block at once. Raises `Reverted`."""
        sender = f"0x{account.address.hex()}"
        fields = UnsignedTransaction(
            nonce=int(self.node.call("eth_getTransactionCount", sender, "latest"), 16),
            gas=Gas(12_000_000),
            to=to,
            data=data,
            max_fee_per_gas=Wei(10**10),
            max_priority_fee_per_gas=Wei(1),
        )
        raw = sign_fields(fields, account.key, L2_CONFIG.chain_id)
        hash_ = self.node.call("eth_sendRawTransaction", f"0x{raw.hex()}")
        receipt = self.node.call("eth_getTransactionReceipt", hash_)
        if receipt["status"] != "0x1":
            call = {"from": sender, "to": f"0x{to.hex()}", "data": f"0x{data.hex()}"}
            raise Reverted(self.node.answer("eth_call", call, "latest"))
        return receipt

    def view(self, name: str, *arguments: Any) -> Any:
        """What a view function of the ClearingHouse returns; one result comes bare."""
        data = clearing_house().call(name, *arguments)
        call = {"to": f"0x{CLEARING_HOUSE.hex()}", "data": f"0x{data.hex()}"}
        output = bytes.fromhex(self.node.call("eth_call", call, "latest")[2:])
        results = clearing_house().result(name, output)
        return results[0] if len(results) == 1 else results

    def size(self, trader: Trader, market: int = 0) -> int:
        return self.view("getPosition", trader.id, market)["size"]


def events(receipt: Any, name: str) -> list[Mapping[str, Any]]:
    """Arguments of the ClearingHouse's events of one name in a JSON receipt."""
    found = []
    for log in receipt["logs"]:
        if bytes.fromhex(log["address"][2:]) == CLEARING_HOUSE:
            topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
            event = clearing_house().event(topics, bytes.fromhex(log["data"][2:]))
            if event.name == name:
                found.append(event.arguments)
    return found


@contextmanager
def world(
    folder: Path,
    *,
    signers: Mapping[Address, int] | None = None,
    markets: tuple[MarketParameters, ...] = DEFAULT_MARKETS,
    strikes: tuple[StrikeParameters, ...] = (),
) -> Iterator[World]:
    """A node on free ports, with a feed that reads a file."""
    house = ClearingHouseParameters(
        matcher=OPERATORS.matcher.address,
        guardian=OPERATORS.guardian.address,
        oracle_signers=signers or {OPERATORS.oracle.address: 1},
        genesis_time=GENESIS_TIME,
        markets=markets,
        vaults=True,
        strikes=strikes,
    )
    system = dict(system_alloc(NOBODY))
    system[COLLATERAL_TOKEN] = _funded(system[COLLATERAL_TOKEN])
    chain = open_chain(L2_CONFIG, alloc={**system, **clearing_house_alloc(house)})
    with running(chain) as node:
        settings = CrewSettings(
            duties=(Duty.FUNDING,),
            rpc_url=node.url,
            chain_id=L2_CONFIG.chain_id,
            account=Operator.of_dev_account(OPERATORS.keeper),
            signers=(OracleKey.of_dev_account(OPERATORS.oracle),),
            feed=str(folder / "prices.json"),
        )
        yield World(node, folder, settings, strikes)


def _funded(token: GenesisAccount) -> GenesisAccount:
    """The token with every dev account's purse in it, spendable by the ClearingHouse."""
    layout = Layout.of(artifact("CollateralToken"))
    words: dict[int, int] = dict(token.storage)
    for account in DEV:
        layout.write(layout.place("balanceOf", account.address), PURSE, words)
        allowance = layout.place("allowance", account.address, CLEARING_HOUSE)
        layout.write(allowance, 2**256 - 1, words)
    return replace(token, storage=words)


def _wad(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(18, "0"))
