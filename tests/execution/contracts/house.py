"""The real bytecode of the clearing house on revm, and traders to drive it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyrevm import EVM, AccountInfo, BlockEnv, CfgEnv, Env

from execution.contracts import artifact
from execution.contracts.abi import DecodedError, DecodedEvent, UnknownAbiItem, clearing_house
from execution.contracts.genesis import (
    DEFAULT_MARKETS,
    ClearingHouseParameters,
    MarketParameters,
    clearing_house_alloc,
)
from execution.contracts.layout import Layout
from execution.contracts.parameters import LimiterParameters, StrikeParameters
from execution.margin import (
    Match,
    Order,
    OrderFlag,
    PackedBatch,
    Reason,
    ReportKind,
    SignedOrder,
    SignedReport,
    domain_separator,
    pack_batch,
    report_call,
    sign_report,
)
from genesis.accounts import DevAccount, derive_account, operator_accounts
from genesis.artifacts import Artifact
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN
from state.types import Address, Timestamp

CHAIN_ID = 424242
START = Timestamp(1_700_000_000)
TIMELOCK = Address(b"\x71" * 20)
USD = 10**6
"""q6 of one USD."""
TRANSACTION_GAS = 2**24
FAR = Timestamp(START + 10**9)
OPERATORS = operator_accounts()


class Reverted(Exception):
    """A call reverted with `data`; `error` is the custom error if it is one of ours."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        try:
            self.error: DecodedError | None = clearing_house().error(data)
        except UnknownAbiItem:
            self.error = None
        super().__init__(str(self.error) if self.error else f"0x{data.hex()}")


@dataclass(frozen=True)
class Receipt:
    """What a call did."""

    output: bytes
    events: tuple[DecodedEvent, ...]
    log_data: tuple[bytes, ...]
    """Of every contract's logs, as they came."""

    def named(self, name: str) -> list[Mapping[str, Any]]:
        """Arguments of the events of one name."""
        return [e.arguments for e in self.events if e.name == name]

    @property
    def rejections(self) -> list[tuple[int, Reason]]:
        """The fills that were skipped, and why."""
        return [(e["index"], Reason(e["reason"])) for e in self.named("FillRejected")]


@dataclass
class Trader:
    """A key, one of its sub-accounts, and the next nonce of its orders."""

    key: DevAccount
    account: int
    next_nonce: int = 0

    @property
    def address(self) -> Address:
        return self.key.address


@dataclass
class House:
    """A clearing house with two signed-in operators, a clock and a funded token."""

    markets: tuple[MarketParameters, ...] = DEFAULT_MARKETS
    signers: Mapping[Address, int] = field(default_factory=lambda: {OPERATORS.oracle.address: 1})
    now: int = START
    token: Artifact = field(default_factory=lambda: artifact("CollateralToken"))
    timelock: Address = TIMELOCK
    limiters: tuple[LimiterParameters, ...] = ()
    vaults: bool = False
    """With vaults the accounts of traders start after one for each market."""
    strikes: tuple[StrikeParameters, ...] = ()

    def __post_init__(self) -> None:
        self.evm = EVM(env=self._env(), spec_id="CANCUN", gas_limit=2**60)
        self.version = 0
        """Another number after whatever may have changed something: what was read can be kept."""
        self.round = 0
        self.domain = domain_separator(CHAIN_ID)
        parameters = ClearingHouseParameters(
            matcher=OPERATORS.matcher.address,
            guardian=OPERATORS.guardian.address,
            oracle_signers=self.signers,
            timelock=self.timelock,
            markets=self.markets,
            genesis_time=START,
            limiters=self.limiters,
            vaults=self.vaults,
            strikes=self.strikes,
        )
        for address, account in clearing_house_alloc(parameters).items():
            self.install(address, account.code, account.storage)
        self.install(COLLATERAL_TOKEN, self.token.deployed_bytecode, {})

    def _env(self) -> Env:
        block = BlockEnv(number=1, timestamp=self.now, gas_limit=2**60)
        return Env(cfg=CfgEnv(chain_id=CHAIN_ID), block=block)

    # The machine

    def install(self, address: Address, code: bytes, storage: Mapping[int, int]) -> None:
        """Put a contract at an address."""
        self.version += 1
        self.evm.insert_account_info(_hex(address), AccountInfo(nonce=1, code=code))
        for slot, value in storage.items():
            self.evm.insert_account_storage(_hex(address), slot, value)

    def word(self, slot: int, address: Address = CLEARING_HOUSE) -> int:
        """One storage slot."""
        return int(self.evm.storage(_hex(address), slot))

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self.version += 1
        self.now += seconds
        self.evm.set_block_env(BlockEnv(number=1, timestamp=self.now, gas_limit=2**60))

    def call(
        self,
        sender: Address,
        data: bytes,
        *,
        to: Address = CLEARING_HOUSE,
        gas: int = TRANSACTION_GAS,
        static: bool = False,
    ) -> Receipt:
        """Run a call as a transaction would; raises `Reverted`."""
        self.evm.reset_transient_storage()
        before = self.evm.snapshot()
        try:
            output = self.evm.message_call(
                _hex(sender), _hex(to), calldata=data, gas=gas, is_static=static
            )
        except RuntimeError as failure:
            raise _reverted(failure) from None
        finally:
            result = self.evm.result
        if static:
            self.evm.revert(before)
        else:
            self.evm.commit()
            self.version += 1
        events = tuple(
            clearing_house().event(log.data[0], bytes(log.data[1]))
            for log in result.logs
            if log.address.lower() == _hex(CLEARING_HOUSE)
        )
        log_data = tuple(bytes(log.data[1]) for log in result.logs)
        return Receipt(bytes(output), events, log_data)

    def send(self, sender: Address, name: str, *arguments: Any, gas: int = TRANSACTION_GAS) -> Any:
        """Call a function of the clearing house that writes."""
        return self.call(sender, clearing_house().call(name, *arguments), gas=gas)

    def read(self, name: str, *arguments: Any) -> Any:
        """Call a view; one result comes bare."""
        data = clearing_house().call(name, *arguments)
        output = self.call(TIMELOCK, data, static=True, gas=2**40).output
        results = clearing_house().result(name, output)
        return results[0] if len(results) == 1 else results

    # Traders and operators

    def give(self, holder: Address, amount: int) -> None:
        """Put tokens (q6) into somebody's hands, with an unlimited allowance for the house."""
        self.version += 1
        layout = Layout.of(self.token)
        words: dict[int, int] = {}
        balance = layout.place("balanceOf", holder)
        held = int(layout.read(balance, lambda slot: self.word(slot, COLLATERAL_TOKEN)))
        layout.write(balance, held + amount, words)
        if self.token.name == "CollateralToken":
            allowance = layout.place("allowance", holder, CLEARING_HOUSE)
            layout.write(allowance, 2**256 - 1, words)
        for slot, value in words.items():
            self.evm.insert_account_storage(_hex(COLLATERAL_TOKEN), slot, value)

    def balance_of(self, holder: Address) -> int:
        """Token balance, q6."""
        layout = Layout.of(self.token)
        place = layout.place("balanceOf", holder)
        return int(layout.read(place, lambda slot: self.word(slot, COLLATERAL_TOKEN)))

    def trader(self, index: int, cash: int = 0) -> Trader:
        """A new sub-account of test key number `index`, with `cash` (q6) deposited."""
        key = derive_account(index)
        receipt = self.send(key.address, "createAccount")
        (account,) = clearing_house().result("createAccount", receipt.output)
        if cash:
            self.deposit(key.address, account, cash)
        return Trader(key, account)

    def deposit(self, sender: Address, account: int, amount: int) -> Receipt:
        """Fund a sender and deposit it all."""
        self.give(sender, amount)
        return self.send(sender, "deposit", account, amount)

    def report(
        self, market: int, price: int, *, kind: ReportKind = ReportKind.INDEX, age: int = 0
    ) -> Receipt:
        """One round of the devnet's single oracle signer, `age` seconds old."""
        self.round += 1
        timestamp = Timestamp(self.now - age)
        key = OPERATORS.oracle.key
        report = sign_report(market, self.round, price, timestamp, key, self.domain, kind)
        return self.relay(market, self.round, [report], kind)

    def relay(
        self,
        market: int,
        round_: int,
        reports: Sequence[SignedReport],
        kind: ReportKind = ReportKind.INDEX,
    ) -> Receipt:
        """Anyone relays a round."""
        return self.call(Address(b"\x99" * 20), report_call(market, round_, reports, kind))

    def order(
        self,
        trader: Trader,
        is_buy: bool,
        size: int,
        price: int,
        *,
        market: int = 0,
        flags: OrderFlag = OrderFlag.NONE,
        max_fee: int = 1000,
        expiry: Timestamp = FAR,
        nonce: int | None = None,
        key: bytes | None = None,
    ) -> SignedOrder:
        """Sign an order with the trader's next nonce."""
        if nonce is None:
            nonce = trader.next_nonce
            trader.next_nonce += 1
        order = Order(trader.account, market, is_buy, size, price, max_fee, nonce, expiry, flags)
        return order.sign(key or trader.key.key, self.domain)

    def settle(
        self,
        *matches: Match,
        clearing: Mapping[int, int] | None = None,
        gas: int = TRANSACTION_GAS,
    ) -> Receipt:
        """The matcher settles a batch."""
        return self.settle_packed(pack_batch(matches, clearing), gas=gas)

    def settle_packed(self, batch: PackedBatch, *, gas: int = TRANSACTION_GAS) -> Receipt:
        return self.call(OPERATORS.matcher.address, batch.calldata, gas=gas)

    def trade(
        self, buyer: Trader, seller: Trader, size: int, price: int, *, market: int = 0
    ) -> Receipt:
        """One fill in which the buyer takes."""
        return self.settle(
            Match(
                self.order(buyer, True, size, price, market=market),
                self.order(seller, False, size, price, market=market),
                size,
            )
        )


def _reverted(failure: RuntimeError) -> Exception:
    """revm's message, which carries the output of a revert, as `Reverted`."""
    found = re.search(r"Revert \{.*output: 0x([0-9a-f]*)", str(failure))
    return Reverted(bytes.fromhex(found[1])) if found else failure


def _hex(address: bytes) -> str:
    return "0x" + address.hex()
