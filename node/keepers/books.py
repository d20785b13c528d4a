"""The clearing house's books as keepers read them, over JSON-RPC and at most once a block.

Storage is decoded here with the readers that the node itself uses; what has to be computed, the
contract computes in an `eth_call`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from bridge.l1 import wire
from bridge.l1.abi import error_names
from bridge.l1.client import L1Client
from bridge.l1.errors import L1RequestRefused, L1Unavailable
from execution.contracts.abi import clearing_house
from execution.margin import (
    SERIES_START,
    AccountState,
    MarketState,
    StrikeState,
    read_account,
    read_account_count,
    read_market,
    read_market_count,
    read_strike,
    read_strike_count,
)
from execution.margin.storage import Word, read_value
from genesis.predeploys import CLEARING_HOUSE
from node.keepers.batches import BatchClient, Call
from node.keepers.limits import (
    CALL_BATCH_MAX,
    READ_ROUNDS_MAX,
    REHEARSAL_BATCH_MAX,
    STORAGE_BATCH_MAX,
)
from node.keepers.rehearsal import rehearsal
from state.types import Address, BlockNumber, Gas, Timestamp

_ANYBODY: Final = Address(b"\xff" * 20)
"""In whose name what anybody may call is rehearsed."""

T = TypeVar("T")
Reader = Callable[[Word], T]
"""Decodes something from the ClearingHouse's storage; see execution/margin."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands, q6; stale when prices that it depends on are."""

    equity: int
    initial: int
    maintenance: int
    stale: bool

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Standing":
        """From what `requirements` returns."""
        return cls(found["equity"], found["initial"], found["maintenance"], found["stale"])

    @property
    def is_liquidatable(self) -> bool:
        return self.equity < self.maintenance


@dataclass(frozen=True, slots=True)
class Moment:
    """The block that is looked at."""

    block: BlockNumber
    time: Timestamp


class Books:
    """What one node says of the ClearingHouse in one block; shared by the keepers of a process."""

    def __init__(self, client: L1Client, rpc: BatchClient) -> None:
        self.client = client
        self._rpc = rpc
        self._moment: Moment | None = None
        self._words: dict[int, int] = {}
        self._standings: dict[int, Standing] = {}
        self._origin: Timestamp | None = None

    @classmethod
    def over(cls, rpc: BatchClient, chain_id: int) -> "Books":
        """The books behind an endpoint of L2."""
        return cls(L1Client(rpc, chain_id=chain_id, errors=house_errors()), rpc)

    async def look(self) -> Moment:
        """Turn to the newest block; what was read of an older one is forgotten."""
        await self.client.check_chain()
        header = await self.client.header()
        moment = Moment(header.number, Timestamp(header.timestamp))
        if moment != self._moment:
            self._moment = moment
            self._words, self._standings = {}, {}
        return moment

    async def origin(self) -> Timestamp:
        """The time of L2's first block."""
        if self._origin is None:
            self._origin = Timestamp((await self.client.header(0)).timestamp)
        return self._origin

    # Storage

    async def read(self, reader: Reader[T]) -> T:
        """What a reader makes of the storage in the block that was looked at last."""
        (found,) = await self.read_each([reader])
        return found

    async def read_each(self, readers: Sequence[Reader[T]]) -> list[T]:
        """Several at once. A reader is run on what is known, and again when it asked for more.

        Raises `L1Unavailable` when the slots that it asks for never end.
        """
        words = self._words
        for _ in range(READ_ROUNDS_MAX):
            missing: dict[int, None] = {}

            def word(slot: int, missing: dict[int, None] = missing) -> int:
                if slot not in words:
                    missing[slot] = None
                return words.get(slot, 0)

            found = [reader(word) for reader in readers]
            if not missing:
                return found
            words.update(await self._fetch(tuple(missing)))
        raise L1Unavailable("the ClearingHouse's storage is not laid out as it should be")

    async def _fetch(self, slots: Sequence[int]) -> dict[int, int]:
        house, block = wire.to_data(CLEARING_HOUSE), self._block()
        calls = [Call("eth_getStorageAt", (house, wire.to_quantity(slot), block)) for slot in slots]
        answers = await self._rpc.request_all(calls, STORAGE_BATCH_MAX)
        return {slot: _word(answer) for slot, answer in zip(slots, answers)}

    async def markets(self) -> dict[int, MarketState]:
        """Every perpetual market by its id."""
        ids = range(await self.read(read_market_count))
        states = await self.read_each([partial(read_market, market=i) for i in ids])
        return dict(zip(ids, states))

    async def market_members(self, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """All of the struct Market (Types.sol) of markets, by the names that it has there."""
        wanted = tuple(ids)
        found = await self.read_each([partial(_read_members, market=i) for i in wanted])
        return dict(zip(wanted, found))

    async def strikes(self) -> dict[int, StrikeState]:
        """Every strike by its even id."""
        count = await self.read(read_strike_count)
        ids = [SERIES_START + 2 * number for number in range(count)]
        states = await self.read_each([partial(read_strike, strike=i) for i in ids])
        return {id_: state for id_, state in zip(ids, states) if state is not None}

    async def account_count(self) -> int:
        return await self.read(read_account_count)

    async def accounts(self, ids: Iterable[int]) -> dict[int, AccountState]:
        """Sub-accounts by id, those that exist."""
        wanted = tuple(ids)
        states = await self.read_each([partial(read_account, account=i) for i in wanted])
        return {id_: state for id_, state in zip(wanted, states) if state is not None}

    # What the contract computes

    async def standings(self, ids: Iterable[int]) -> dict[int, Standing]:
        """Equity and margin of accounts; those that the contract can't answer for are left out."""
        wanted = [id_ for id_ in ids if id_ not in self._standings]
        answers = await self.view_each("requirements", [(id_,) for id_ in wanted])
        for id_, answer in zip(wanted, answers):
            if answer is not None:
                self._standings[id_] = Standing.of(*answer)
        return {id_: self._standings[id_] for id_ in ids if id_ in self._standings}

    async def standings_after(self, calls: Mapping[int, Sequence[bytes]]) -> dict[int, Standing]:
        """How accounts would stand, each after its own calls; left out where any is refused."""
        house, name = clearing_house(), "requirements"
        rehearsals = [
            rehearsal([*first, house.call(name, id_)], _ANYBODY, block=self._block())
            for id_, first in calls.items()
        ]
        answers = await self._rpc.request_all(rehearsals, REHEARSAL_BATCH_MAX)
        return {
            id_: Standing.of(*house.result(name, wire.data(answer, name)))
            for id_, answer in zip(calls, answers)
            if not isinstance(answer, L1RequestRefused)
        }

    async def view_each(
        self, name: str, arguments: Sequence[tuple[object, ...]]
    ) -> list[tuple[Any, ...] | None]:
        """A view function on several arguments; None where it reverts."""
        house = clearing_house()
        data = [house.call(name, *each) for each in arguments]
        answers = await self.call_each(data, block=self._block())
        return [
            house.result(name, wire.data(answer, name))
            if not isinstance(answer, L1RequestRefused)
            else None
            for answer in answers
        ]

    async def call_each(
        self,
        data: Sequence[bytes],
        *,
        block: str = "latest",
        sender: Address | None = None,
        gas: Gas | None = None,
    ) -> list[object]:
        """Calls of the ClearingHouse, tried and not sent; a refusal stands for its result."""
        common: dict[str, object] = {"to": wire.to_data(CLEARING_HOUSE)}
        if sender is not None:
            common["from"] = wire.to_data(sender)
        if gas is not None:
            common["gas"] = wire.to_quantity(gas)
        calls = [Call("eth_call", ({**common, "data": wire.to_data(one)}, block)) for one in data]
        return await self._rpc.request_all(calls, CALL_BATCH_MAX)

    async def rehearse(self, calls: Sequence[bytes], *, sender: Address, gas: Gas) -> object:
        """Several calls of `sender`, each seeing what those before it did: tried, not sent.

        What the last one answers; a refusal of any stands for it.
        """
        if len(calls) == 1:
            (answer,) = await self.call_each(calls, sender=sender, gas=gas)
        else:
            (answer,) = await self._rpc.request_all([rehearsal(calls, sender, gas)], CALL_BATCH_MAX)
        return answer

    def _block(self) -> str:
        if self._moment is None:
            raise L1Unavailable("no block was looked at yet")
        return wire.to_quantity(self._moment.block)


def _read_members(word: Word, market: int) -> dict[str, Any]:
    members: dict[str, Any] = read_value(word, "markets", market)
    return members


def house_errors() -> dict[bytes, str]:
    """The ClearingHouse's custom errors by selector, for reverts in words."""
    return error_names(clearing_house().items)


def _word(answer: object) -> int:
    """A slot's content. A refused read is silence: it doesn't mean zero."""
    if isinstance(answer, L1RequestRefused):
        raise L1Unavailable(f"a slot can't be read: {answer}")
    return int.from_bytes(wire.data(answer, "a slot"), "big")
