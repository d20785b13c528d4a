"""A book and a settlement desk over a real chain with a clearing house, traders and collateral."""

from dataclasses import dataclass, field

from bridge.l1.accounts import Operator
from execution.attributes import BlockAttributes
from execution.margin import SignedOrder
from execution.transaction import Transaction
from execution.transition import Candidate
from sequencer.builder import build, unsafe_header
from sequencer.house_view import HouseView
from sequencer.matching.engine import MatchingEngine
from sequencer.matching.events import Event
from sequencer.matching.inputs import Input, ListMarket, Place
from sequencer.matching.orders import BookOrder
from sequencer.settlement import SettlementDesk
from state.headers import next_base_fee
from state.types import BlockNumber, Timestamp, Wei
from tests.execution.contracts.desk import usd
from tests.execution.contracts.house import OPERATORS, USD, Trader
from tests.node.rpc.margin_chain import RecordedDesk

LOT = 10**5
BTC = 0
BLOCK_SECONDS = 1


@dataclass
class TradingChain:
    """Two rich traders and a poor one, an engine, and a desk that signs for the matcher."""

    matcher: Operator = field(default_factory=lambda: Operator.of_dev_account(OPERATORS.matcher))

    def __post_init__(self) -> None:
        self.desk = RecordedDesk()
        self.traders = self.desk.trader(1, 1_000_000 * USD), self.desk.trader(2, 1_000_000 * USD)
        self.poor = self.desk.trader(3, 100 * USD)
        self.desk.report(BTC, usd(60_000))
        self.chain = self.desk.replay()
        self.store = self.chain.store
        next_fee = next_base_fee(unsafe_header(self.store))
        self.chain.mempool.reset(self.store.state(), next_fee)
        self.engine = MatchingEngine()
        self.apply(ListMarket(time=0, market=BTC, tick=10**7, lot=10**4))
        self.settlement = self.new_desk()

    def new_desk(self) -> SettlementDesk:
        """As after a restart: nothing is in its memory."""
        return SettlementDesk(
            self.engine, self.store, self.chain.config, self.matcher, lambda: self.view
        )

    @property
    def view(self) -> HouseView:
        return HouseView(self.store.state(), unsafe_header(self.store))

    def apply(self, *inputs: Input) -> list[Event]:
        return [event for given in inputs for event in self.engine.apply(given)]

    def place(self, trader: Trader, is_buy: bool, size: int, price: int = usd(60_000)) -> BookOrder:
        signed = self.desk.order(trader, is_buy, size, price)
        return self.put(signed, trader)

    def put(self, signed: SignedOrder, trader: Trader) -> BookOrder:
        digest = signed.order.digest(self.desk.domain)
        order = BookOrder.of(signed, digest, trader.address)
        self.apply(Place(time=0, order=order, most=signed.order.size))
        return order

    def match(self, taker: Trader, maker: Trader, size: int = LOT) -> int:
        """A fill between two new orders; returns its id."""
        self.place(maker, False, size)
        before = {fill.id for fill in self.engine.pending()}
        self.place(taker, True, size)
        (new,) = {fill.id for fill in self.engine.pending()} - before
        return new

    def offered(self) -> tuple[Transaction, ...]:
        return self.settlement.next_transactions(next_base_fee(unsafe_header(self.store)))

    def mine(
        self, settlements: tuple[Transaction, ...] = (), forced: tuple[Candidate, ...] = ()
    ) -> BlockNumber:
        """A block of the desk's own: nobody has told the book of it yet."""
        parent = unsafe_header(self.store)
        attributes = BlockAttributes(
            timestamp=Timestamp(parent.timestamp + BLOCK_SECONDS),
            gas_limit=self.chain.config.block_gas_limit,
        )
        sealed = build(
            self.store, self.chain.config, self.chain.mempool, attributes, forced,
            settlements=settlements, clock=self.chain.clock,
        ).sealed  # fmt: skip
        with self.store.commit() as batch:
            batch.append(sealed)
        base_fee = Wei(next_base_fee(sealed.header))
        self.chain.mempool.on_block(sealed, self.store.state(), base_fee)
        return sealed.header.number

    def block(self) -> list[Event]:
        """What the node does each block: settle, build, and tell the book."""
        number = self.mine(self.offered())
        return self.apply(*self.settlement.outcomes(number))

    def position(self, trader: Trader) -> int:
        return self.view.position(trader.account, BTC)
