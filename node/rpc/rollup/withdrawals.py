"""`rollup_`: messages from L2 to L1, and how far each has come there."""

import asyncio
from dataclasses import dataclass
from typing import Final

from bridge.games import Game, GameStatus
from bridge.sent_messages import SentMessage, may_hold_messages, messages_in, messages_of
from bridge.withdrawal_status import (
    BridgeContracts,
    PortalView,
    WithdrawalOutcome,
    WithdrawalStatus,
)
from bridge.withdrawals import StoreEvidence
from node import limits
from node.rpc.backend import Backend, Rollup
from node.rpc.codec import (
    Tag,
    data,
    optional_data,
    parse_address,
    parse_block_number,
    parse_hash,
    parse_object,
    parse_uint64,
    quantity,
)
from node.rpc.dispatch import Param, method
from node.rpc.errors import InvalidParams, LimitExceeded, ResourceUnavailable
from node.rpc.format import Json
from node.rpc.rollup.inbox import token_json
from state.reader import ChainReader
from state.types import Address, BlockNumber, Hash32, Timestamp

_FIELDS: Final = frozenset({"transactionHash", "address", "fromBlock", "toBlock", "limit"})


@dataclass(frozen=True, slots=True)
class WithdrawalQuery:
    """Which messages are asked for: those of a transaction, or an account's, newest first."""

    transaction_hash: Hash32 | None = None
    account: Address | None = None
    first: Tag | BlockNumber = Tag.EARLIEST
    last: Tag | BlockNumber = Tag.LATEST
    limit: int = limits.RPC_WITHDRAWALS_MAX


def parse_withdrawal_query(value: object) -> WithdrawalQuery:
    """Parse a filter of withdrawals. Raises `InvalidParams`."""
    given = {name: item for name, item in parse_object(value).items() if item is not None}
    unknown = given.keys() - _FIELDS
    if unknown:
        raise InvalidParams(f"withdrawals are found by {sorted(_FIELDS)}, not by {sorted(unknown)}")
    if ("transactionHash" in given) == ("address" in given):
        raise InvalidParams("give either the transactionHash on L2 or an address")
    if "transactionHash" in given:
        return WithdrawalQuery(transaction_hash=parse_hash(given["transactionHash"]))
    limit = parse_uint64(given["limit"]) if "limit" in given else limits.RPC_WITHDRAWALS_MAX
    if not 1 <= limit <= limits.RPC_WITHDRAWALS_MAX:
        raise InvalidParams(f"a limit is from 1 to {limits.RPC_WITHDRAWALS_MAX}")
    return WithdrawalQuery(
        account=parse_address(given["address"]),
        first=parse_block_number(given.get("fromBlock", Tag.EARLIEST)),
        last=parse_block_number(given.get("toBlock", Tag.LATEST)),
        limit=limit,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """Messages, newest first, and where an older page begins."""

    messages: tuple[SentMessage, ...]
    next: BlockNumber | None = None


class WithdrawalMethods:
    """What is on its way to L1. The node's own L1 endpoint says how far it has come."""

    def __init__(
        self,
        backend: Backend,
        rollup: Rollup,
        view_seconds: float = limits.RPC_L1_VIEW_SECONDS,
    ) -> None:
        """A view of L1 serves for `view_seconds`."""
        self._backend = backend
        self._view_seconds = view_seconds
        self._evidence = StoreEvidence(backend.store, rollup.view)
        self._l1 = rollup.l1
        self._view: PortalView | None = None
        self._viewed_at = float("-inf")
        self._looking = asyncio.Lock()

    @method("rollup_getWithdrawals", Param(parse_withdrawal_query))
    async def withdrawals(self, query: WithdrawalQuery) -> Json:
        """Messages to L1, newest first, their status there, and what comes next."""
        if self._l1 is None:
            raise ResourceUnavailable("this node has no L1 to ask about withdrawals")
        found = await asyncio.to_thread(self._find, query)
        async with self._looking:
            view = await self._newest_view(self._l1)
            try:
                outcomes = [
                    await view.outcome(one.withdrawal, one.block_number) for one in found.messages
                ]
            except BaseException:
                self._view = None  # what broke off may not be taken for a whole reading
                raise
        return {
            "withdrawals": [
                _withdrawal_json(one, outcome, view.head.timestamp)
                for one, outcome in zip(found.messages, outcomes, strict=True)
            ],
            "l1": {"number": quantity(view.head.number), "time": quantity(view.head.timestamp)},
            "toBlock": None if found.next is None else quantity(found.next),
        }

    async def _newest_view(self, contracts: BridgeContracts) -> PortalView:
        """L1 as of now, or of a moment ago. The lock is held."""
        now = asyncio.get_running_loop().time()
        view = self._view
        if view is not None and now - self._viewed_at < self._view_seconds:
            return view
        head = await contracts.client.header()
        if view is None or view.head.hash != head.hash:
            decided = {} if view is None else view.decided
            view = PortalView(contracts, self._evidence, head, decided)
        self._view, self._viewed_at = view, now
        return view

    def _find(self, query: WithdrawalQuery) -> _Found:
        reader = self._backend.store.reader
        if query.transaction_hash is None:
            return self._find_of_account(reader, query)
        place = reader.find_transaction(query.transaction_hash)
        block = None if place is None else reader.block(place[0])
        if place is None or block is None:
            return _Found(())
        messages = tuple(messages_of(block, place[1]))
        if len(messages) > limits.RPC_WITHDRAWALS_MAX:
            raise _too_many("the transaction", len(messages))
        return _Found(messages[::-1])

    def _find_of_account(self, reader: ChainReader, query: WithdrawalQuery) -> _Found:
        """Whole blocks, from the newest back, until there are enough messages."""
        first, last = self._number(query.first), self._number(query.last)
        last = min(last, reader.heads.unsafe.number)
        oldest = max(first, last - limits.RPC_WITHDRAWAL_BLOCKS_MAX + 1)
        found: list[SentMessage] = []
        for number in range(last, oldest - 1, -1):
            of_block = _of_account(reader, BlockNumber(number), query.account)
            if len(of_block) > limits.RPC_WITHDRAWALS_MAX:
                raise _too_many(f"block {number} alone", len(of_block))
            if len(found) + len(of_block) > query.limit and found:
                return _Found(tuple(found), BlockNumber(number))
            found += of_block
        return _Found(tuple(found), BlockNumber(oldest - 1) if oldest > first else None)

    def _number(self, ref: Tag | BlockNumber) -> BlockNumber:
        return self._backend.tagged(ref) if isinstance(ref, Tag) else ref


def _of_account(
    reader: ChainReader, number: BlockNumber, account: Address | None
) -> list[SentMessage]:
    """An account's messages in one block, newest first."""
    block = reader.block(number) if may_hold_messages(reader, number) else None
    if block is None or account is None:
        return []
    return [one for one in messages_in(block) if one.concerns(account)][::-1]


def _too_many(where: str, count: int) -> LimitExceeded:
    return LimitExceeded(
        f"{where} has {count} messages, more than {limits.RPC_WITHDRAWALS_MAX}: read its"
        " MessagePassed logs instead"
    )


def _withdrawal_json(sent: SentMessage, outcome: WithdrawalOutcome, now: Timestamp) -> Json:
    withdrawal, game = sent.withdrawal, outcome.game
    return {
        "hash": data(withdrawal.hash),
        "nonce": quantity(withdrawal.nonce),
        "sender": data(withdrawal.sender),
        "target": data(withdrawal.target),
        "value": quantity(withdrawal.value),
        "gasLimit": quantity(withdrawal.gas_limit),
        "data": data(withdrawal.data),
        "token": token_json(sent.token),
        "transactionHash": data(sent.transaction_hash),
        "blockNumber": quantity(sent.block_number),
        "status": outcome.status,
        "game": optional_data(None if game is None else game.address),
        "provenAt": None if outcome.proven_at is None else quantity(outcome.proven_at),
        "next": _next_json(sent, outcome, now),
    }


def _next_json(sent: SentMessage, outcome: WithdrawalOutcome, now: Timestamp) -> Json | None:
    """What is to be done or waited for, in words for people too."""
    game = outcome.game
    if outcome.status is WithdrawalStatus.PAID:
        return None
    if outcome.status is WithdrawalStatus.FINAL:
        return _step("finalize", "have the Portal pay it: anyone may", outcome.final_at)
    if outcome.status is WithdrawalStatus.PROVABLE:
        return _step("prove", "prove it against the game's output root: anyone may")
    if game is None:
        return _step("wait", f"an output root of block {sent.block_number} or later on L1")
    if game.status is GameStatus.IN_PROGRESS:
        return _undecided(game, now)
    return _step("wait", "the delay after the game, in which it can still be looked at",
                 outcome.final_at)  # fmt: skip


def _undecided(game: Game, now: Timestamp) -> Json:
    if game.is_disputed:
        return _step("wait", "the end of the dispute about the game's output root")
    if now < game.resolvable_at:
        return _step("wait", "the end of the time to dispute the output root", game.resolvable_at)
    return _step("resolve", "resolve the game: anyone may", game.resolvable_at)


def _step(action: str, what: str, at: Timestamp | None = None) -> Json:
    return {"action": action, "what": what, "at": None if at is None else quantity(at)}
