"""A clearing house on a real chain: a desk on revm is driven first, then its calls are replayed."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from bridge.boundary import Boundary, genesis_boundary, message_passer_root
from execution.attributes import BlockAttributes, InclusionRule
from execution.contracts import artifact
from execution.contracts.genesis import ClearingHouseParameters, clearing_house_alloc
from execution.contracts.layout import Layout
from execution.transactions import make_deposit
from execution.transition import Candidate
from genesis.builder import GenesisAccount, build_genesis
from genesis.hashing import config_hash
from genesis.networks import embedded_l1_alloc
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN
from sequencer.builder import build, unsafe_header
from state.headers import header_hash
from state.keccak import keccak
from state.types import Address, BlockNumber, Gas, Timestamp, Wei
from tests.execution.contracts.desk import Desk, usd
from tests.execution.contracts.house import OPERATORS, START, TIMELOCK, USD, Receipt
from tests.node.rpc.harness import L2_CONFIG, TestChain, open_chain

CALL_GAS = Gas(5_000_000)
CASH = (12_000, 100_000, 100_000)


@dataclass(frozen=True, slots=True)
class Sent:
    """A call that changed the house."""

    time: int
    sender: Address
    data: bytes


@dataclass
class RecordedDesk(Desk):
    """A desk that remembers what was sent, so that a chain can be told the same."""

    now: int = START + 1
    sent: list[Sent] = field(default_factory=list)
    given: dict[Address, int] = field(default_factory=dict)

    def call(self, sender: Address, data: bytes, **how: Any) -> Receipt:
        receipt = super().call(sender, data, **how)
        if not how.get("static") and how.get("to", CLEARING_HOUSE) == CLEARING_HOUSE:
            self.sent.append(Sent(self.now, sender, data))
        return receipt

    def give(self, holder: Address, amount: int) -> None:
        super().give(holder, amount)
        self.given[holder] = self.given.get(holder, 0) + amount

    def replay(self) -> TestChain:
        """A chain to which the same happened; a block for each second in which something did."""
        chain = open_chain(L2_CONFIG, alloc=self._alloc())
        for time, calls in groupby(self.sent, key=lambda call: call.time):
            _mine(chain, Timestamp(time), calls)
        return chain

    def _alloc(self) -> dict[Address, GenesisAccount]:
        parameters = ClearingHouseParameters(
            matcher=OPERATORS.matcher.address,
            guardian=OPERATORS.guardian.address,
            oracle_signers=self.signers,
            timelock=TIMELOCK,
            markets=self.markets,
            genesis_time=START,
            limiters=self.limiters,
            vaults=self.vaults,
            strikes=self.strikes,
        )
        return clearing_house_alloc(parameters) | {COLLATERAL_TOKEN: self._token()}

    def _token(self) -> GenesisAccount:
        """The collateral, all that was ever given in its holders' hands from the start."""
        token = artifact("CollateralToken")
        layout, words = Layout.of(token), dict[int, int]()
        for holder, amount in self.given.items():
            layout.write(layout.place("balanceOf", holder), amount, words)
            layout.write(layout.place("allowance", holder, CLEARING_HOUSE), 2**256 - 1, words)
        return GenesisAccount(nonce=1, code=token.predeploy_code, storage=words)


@dataclass(frozen=True, slots=True)
class Busy:
    """A desk on which something of everything happened; accounts by id."""

    desk: RecordedDesk
    cross: int
    """Long bitcoin, short ether."""
    portfolio: int
    """Short bitcoin, a short call and a long put."""
    idle: int
    """Cash alone."""
    strike: int


def busy_desk() -> Busy:
    """Three traders; the last thing that happens is an index that moves against the first."""
    desk = RecordedDesk()
    alice, bob, carol = (desk.trader(5 + i, cash * USD) for i, cash in enumerate(CASH))
    for market, index in ((0, 64_250), (1, 3_000)):
        desk.report(market, usd(index))
    strike = desk.list_strike(desk.on_the_minute(30 * 86_400), usd(66_000))
    desk.quote(strike, usd(64_250))
    desk.trade(alice, carol, 15 * 10**7, usd(64_260), market=0)
    desk.trade(bob, alice, 20 * 10**8, usd(3_001), market=1)
    desk.trade(carol, bob, 10**8, fair(desk, strike + 1), market=strike + 1)
    desk.trade(bob, carol, 5 * 10**7, fair(desk, strike), market=strike)
    # An interval of funding ends while prices are fresh.
    desk.advance(3_585)
    for market, index in ((0, 64_100), (1, 3_010)):
        desk.report(market, usd(index))
    desk.advance(20)
    desk.report(1, usd(3_040))
    desk.quote(strike, usd(63_900))
    idle = desk.trader(9, 1_234 * USD)
    return Busy(desk, alice.account, carol.account, idle.account, strike)


def fair(desk: Desk, series: int) -> int:
    """What a series is worth, in whole hundreds of USD (p8)."""
    _, _, value, _, _ = desk.read("getSeries", series)
    return int(value) // usd(100) * usd(100)


def mine_empty(chain: TestChain, time: int) -> None:
    """A block in which nothing happens."""
    _mine(chain, Timestamp(time), ())


def boundary_of(chain: TestChain, number: int) -> Boundary:
    """A boundary as derivation would record it, but for where on L1 the block comes from."""
    first = genesis_boundary(chain.config, build_genesis(chain.config, embedded_l1_alloc()))
    header = chain.store.header(BlockNumber(number))
    assert header is not None
    return replace(
        first,
        config_hash=config_hash(chain.config),
        number=header.number,
        header_hash=header_hash(header),
        state_root=header.state_root,
        message_passer_root=message_passer_root(chain.store.state(header.number)),
    )


def _mine(chain: TestChain, time: Timestamp, calls: Iterable[Sent]) -> None:
    parent = unsafe_header(chain.store)
    attributes = BlockAttributes(
        timestamp=time,
        prev_randao=keccak(parent.prev_randao),
        gas_limit=chain.config.block_gas_limit,
    )
    forced = tuple(_candidate(call, number) for number, call in enumerate(calls))
    sealed = build(
        chain.store, chain.config, chain.mempool, attributes, forced, clock=chain.clock
    ).sealed
    assert all(receipt.succeeded for receipt in sealed.receipts)
    with chain.store.commit() as batch:
        batch.append(sealed)


def _candidate(call: Sent, number: int) -> Candidate:
    deposit = make_deposit(
        source_hash=keccak(call.time.to_bytes(8, "big") + number.to_bytes(8, "big")),
        sender=call.sender,
        to=CLEARING_HOUSE,
        mint=Wei(0),
        value=Wei(0),
        gas=CALL_GAS,
        data=call.data,
    )
    return Candidate(deposit, InclusionRule.CARRY)
