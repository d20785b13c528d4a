"""Traders with collateral in a clearing house, on our devnet or on anvil, and orders of theirs."""

import asyncio
import itertools
import json
import time
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.deployment import Deployment, l2_alloc, load_deployment
from bridge.l1.client import L1Client
from bridge.l1.rpc import RpcClient
from execution.contracts import artifact
from execution.contracts.abi import clearing_house, interface, topic_of
from execution.contracts.layout import Layout
from execution.contracts.parameters import PRICE_ONE, QUOTE_ONE
from execution.margin import (
    Order,
    OrderFlag,
    SignedOrder,
    domain_separator,
    report_call,
    sign_report,
)
from execution.signing import sign
from genesis.accounts import DevAccount, dev_accounts, operator_accounts
from genesis.builder import GenesisAccount
from genesis.networks import L2_DEVNET_CHAIN_ID
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN
from node.bridging.collateral import Collateral
from node.devnet import read_manifest
from node.layer import Layer
from scripts.benchmarks.chains import DEVNET, RunningChain
from scripts.benchmarks.throughput import mine, nonce_of, unsigned
from state.types import Address, Gas, Timestamp

MARKET = 0
TICK = 10**7
LOT = 10**5
"""A thousandth of a bitcoin, ten of the market's own lots."""
INDEX = 64_250 * PRICE_ONE
MAX_FEE_PPM = 1_000
CASH = 50_000 * QUOTE_ONE
"""q6 of each account: some thousand lots may be open."""
ORDER_SECONDS = 120
"""Longer than any round takes; the book forgets those of rounds before."""
REPORT_SECONDS = 60
SETUP_GAS = Gas(400_000)
"""Making an account, or a deposit; both take less than half."""

MAKER_OWNERS, TAKER_OWNER = dev_accounts()[1:9], dev_accounts()[9]
"""An owner's orders never trade with each other, and may be a tenth of the book."""


@dataclass(slots=True)
class Trader:
    """A sub-account, whose owner signs for it with nonces in order."""

    owner: DevAccount
    account: int
    next_nonce: int = 0

    def order(self, *, is_buy: bool, price: int, flags: OrderFlag = OrderFlag.NONE) -> SignedOrder:
        """A lot, signed. Price p8."""
        expiry = Timestamp(int(time.time()) + ORDER_SECONDS)
        order = Order(
            self.account, MARKET, is_buy, LOT, price, MAX_FEE_PPM, self.next_nonce, expiry, flags
        )
        self.next_nonce += 1
        return order.sign(self.owner.key, _DOMAIN)


_DOMAIN = domain_separator(L2_DEVNET_CHAIN_ID)


@dataclass(slots=True)
class Venue:
    """A chain whose clearing house has traders."""

    chain: RunningChain
    makers: tuple[Trader, ...]
    takers: tuple[Trader, ...]
    reports: int = 0
    reported: int = 0
    """Timestamp of the newest report, s."""

    @classmethod
    def opened(cls, chain: RunningChain, makers: int, takers: int) -> "Venue":
        """Accounts for owners who have collateral, and a price."""
        counts = shares(makers, takers)
        accounts = {owner: _accounts(chain, owner, count) for owner, count in counts.items()}
        of_takers = accounts.pop(TAKER_OWNER)
        venue = cls(
            chain,
            tuple(itertools.chain.from_iterable(zip(*accounts.values(), strict=True))),
            of_takers,
        )
        venue.report()
        return venue

    def report(self) -> None:
        """Let the index be good for the next minutes; it goes stale after five."""
        block = self.chain.ask("eth_getBlockByNumber", "latest", False)
        now = Timestamp(int(block["timestamp"], 16))
        if now < self.reported + REPORT_SECONDS:
            return
        self.reports, self.reported = self.reports + 1, now
        oracle = operator_accounts().oracle
        report = sign_report(MARKET, self.reports, INDEX, now, oracle.key, _DOMAIN)
        _send(self.chain, oracle, [(CLEARING_HOUSE, report_call(MARKET, self.reports, [report]))])

    def head(self) -> int:
        """The newest block's number."""
        return int(self.chain.ask("eth_blockNumber"), 16)

    def count(self, event: str, first: int, last: int) -> int:
        """How many events of that name the clearing house logged in blocks `first` to `last`."""
        if last < first:
            return 0
        query = {
            "address": f"0x{CLEARING_HOUSE.hex()}",
            "topics": [f"0x{_topic(event).hex()}"],
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }
        return len(self.chain.ask("eth_getLogs", query))


def shares(makers: int, takers: int) -> dict[DevAccount, int]:
    """How many accounts each owner has."""
    return dict.fromkeys(MAKER_OWNERS, makers // len(MAKER_OWNERS)) | {TAKER_OWNER: takers}


def _topic(event: str) -> bytes:
    (item,) = (one for one in clearing_house().items if one.get("name") == event)
    return topic_of(item)


# Collateral


def bring_collateral(folder: Path, counts: Mapping[DevAccount, int]) -> None:
    """Through the Portal of a running devnet, enough for so many accounts of each owner."""
    asyncio.run(_bring(folder / DEVNET, counts))


async def _bring(data_dir: Path, counts: Mapping[DevAccount, int]) -> None:
    manifest = read_manifest(data_dir)
    deployment = load_deployment(Path(manifest["deployment"]))
    async with RpcClient(manifest["l1"]) as l1, RpcClient(manifest["sequencer"]) as l2:
        collateral = Collateral(
            Layer(L1Client(l1, chain_id=deployment.l1_chain_id)),
            Layer(L1Client(l2, chain_id=deployment.l2_chain_id)),
            deployment,
        )
        await asyncio.gather(
            *(collateral.bring(owner, accounts * CASH) for owner, accounts in counts.items())
        )


def write_genesis(folder: Path, counts: Mapping[DevAccount, int]) -> Path:
    """The first state of a devnet's L2 as anvil reads it, with collateral in its owners' hands.

    The contracts are the same, with the same bytes and parameters.
    """
    deployment = load_deployment(folder / DEVNET / "deployment.json")
    alloc = l2_alloc(deployment.plan, deployment.genesis_time)
    alloc[COLLATERAL_TOKEN] = _with_tokens(alloc[COLLATERAL_TOKEN], counts)
    path = folder / "genesis.json"
    path.write_text(json.dumps(_geth_genesis(deployment, alloc)))
    return path


def _with_tokens(token: GenesisAccount, counts: Mapping[DevAccount, int]) -> GenesisAccount:
    layout = Layout.of(artifact("CollateralToken"))
    words: MutableMapping[int, int] = dict(token.storage)
    for owner, accounts in counts.items():
        layout.write(layout.place("balanceOf", owner.address), accounts * CASH, words)
    return GenesisAccount(token.balance, token.nonce, token.code, words)


def _geth_genesis(
    deployment: Deployment, alloc: Mapping[Address, GenesisAccount]
) -> dict[str, Any]:
    return {
        "config": {"chainId": deployment.l2_chain_id},
        "timestamp": hex(deployment.genesis_time),
        "gasLimit": hex(30_000_000),
        "difficulty": "0x0",
        "alloc": {f"0x{address.hex()}": _account_json(one) for address, one in alloc.items()},
    }


def _account_json(account: GenesisAccount) -> dict[str, Any]:
    return {
        "balance": hex(account.balance),
        "nonce": hex(account.nonce),
        "code": f"0x{account.code.hex()}",
        "storage": {f"0x{slot:064x}": f"0x{word:064x}" for slot, word in account.storage.items()},
    }


# Accounts


def _accounts(chain: RunningChain, owner: DevAccount, count: int) -> tuple[Trader, ...]:
    """New sub-accounts of an owner, each with `CASH`."""
    house = clearing_house()
    approve = interface("CollateralToken").call("approve", CLEARING_HOUSE, count * CASH)
    create = (CLEARING_HOUSE, house.call("createAccount"))
    _, *receipts = _send(chain, owner, [(COLLATERAL_TOKEN, approve), *([create] * count)])
    accounts = [_created(receipt) for receipt in receipts]
    _send(chain, owner, [(CLEARING_HOUSE, house.call("deposit", one, CASH)) for one in accounts])
    return tuple(Trader(owner, account) for account in accounts)


def _created(receipt: Mapping[str, Any]) -> int:
    (log,) = receipt["logs"]
    topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
    event = clearing_house().event(topics, bytes.fromhex(log["data"][2:]))
    return int(event.arguments["account"])


def _send(
    chain: RunningChain, sender: DevAccount, calls: Sequence[tuple[Address, bytes]]
) -> list[dict[str, Any]]:
    nonce = nonce_of(chain, sender.address)
    fields = [unsigned(nonce + n, SETUP_GAS, to, data=data) for n, (to, data) in enumerate(calls)]
    return mine(chain, [sign(one, sender.key, L2_DEVNET_CHAIN_ID) for one in fields])
