"""`margin_`: what the clearing house says of accounts, markets and what-ifs, at any block.

Every number of margin comes from the contract's own code, run on the block's state; nothing is
sent. Only on L2.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from bridge.margin_proof import MarginProof, gather
from execution.margin import (
    read_insurance,
    read_market_count,
    read_option_rules,
    read_safety_rules,
    read_vault,
)
from execution.margin.calls import HouseCalls
from execution.margin.statement import read_quote, read_statement
from node.rpc.backend import Backend
from node.rpc.codec import BlockRef, Tag, data, parse_block
from node.rpc.decimals import whole
from node.rpc.dispatch import Param, method
from node.rpc.errors import CallFailed
from node.rpc.eth.accounts import proof_json
from node.rpc.format import Json
from node.rpc.logs import find_logs
from node.rpc.margin.format import (
    account_json,
    block_json,
    market_json,
    option_rules_json,
    positions_json,
    safety_json,
)
from node.rpc.margin.funding import accrual_logs, funding_json, read_running
from node.rpc.margin.house import ask_house
from node.rpc.margin.limits import FUNDING_BLOCKS_DEFAULT, PERPS_MAX
from node.rpc.margin.portfolio import Portfolio, parse_portfolio
from node.rpc.margin.what_if import simulate
from node.rpc.rollup.chain import NotDerivedYet
from node.rpc.rollup.format import boundary_json
from state.blocks import Header
from state.headers import encode_header
from state.types import UINT64_MAX, BlockNumber

T = TypeVar("T")

_ACCOUNT = Param(whole(1, UINT64_MAX))
_MARKET = Param(whole(0, PERPS_MAX - 1))
_BLOCK = Param(parse_block, Tag.LATEST)
_SAFE_BLOCK = Param(parse_block, Tag.SAFE)
_NO_BLOCK = Param(parse_block, None)


class MarginMethods:
    """Reads of the margin engine."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("margin_getAccount", _ACCOUNT, _BLOCK)
    async def account(self, account: int, ref: BlockRef) -> Json:
        """An account's cash, modes and standing."""
        header = self._backend.header(ref)
        found = await self._ask(header, lambda house: read_statement(house, account))
        return {"block": block_json(header), **account_json(found)}

    @method("margin_getPositions", _ACCOUNT, _BLOCK)
    async def positions(self, account: int, ref: BlockRef) -> Json:
        """An account's perpetuals, options and scenarios."""
        header = self._backend.header(ref)
        found = await self._ask(header, lambda house: read_statement(house, account))
        return {"block": block_json(header), "account": account, **positions_json(found)}

    @method("margin_getMarkets", _BLOCK)
    async def markets(self, ref: BlockRef) -> Json:
        """All perpetual markets, by id."""
        header = self._backend.header(ref)
        return {
            "block": block_json(header),
            "markets": await self._ask(header, _markets_json),
        }

    @method("margin_getFunding", _MARKET, _NO_BLOCK, _BLOCK)
    async def funding(self, market: int, first: BlockRef | None, ref: BlockRef) -> Json:
        """A market's funding, with its accruals since block `first`."""
        header = self._backend.header(ref)
        start = BlockNumber(max(0, header.number - FUNDING_BLOCKS_DEFAULT + 1))
        if first is not None:
            start = self._backend.header(first).number
        running = await self._ask(header, lambda house: read_running(house, market))
        chain = self._backend.store.reader
        logs = await asyncio.to_thread(find_logs, chain, accrual_logs(market), start, header.number)
        return {"block": block_json(header), **funding_json(running, logs)}

    @method("margin_simulate", Param(parse_portfolio), _BLOCK)
    async def simulate(self, portfolio: Portfolio, ref: BlockRef) -> Json:
        """The standing of a portfolio that somebody wonders about."""
        header = self._backend.header(ref)
        found = await self._ask(header, lambda house: simulate(house, portfolio))
        facts = account_json(found)
        if portfolio.account is None:
            facts |= {"account": None, "owner": None}
        return {"block": block_json(header), **facts, **positions_json(found)}

    @method("margin_getProof", _ACCOUNT, _SAFE_BLOCK)
    async def proof(self, account: int, ref: BlockRef) -> Json:
        """Everything that an account's statement after a safe block follows from, with proofs."""
        header = self._backend.header(ref)
        return proof_of_margin_json(await self._backend.evm.run(self._gather, account, header))

    def _gather(self, account: int, header: Header) -> MarginProof:
        backend = self._backend
        if backend.rollup is None:
            raise CallFailed("this node doesn't follow L1, so nothing commits to its blocks")
        boundary = backend.rollup.view.boundary(header.number)
        if boundary is None:
            raise NotDerivedYet(header.number)
        state = backend.store.state(header.number)
        return gather(
            account,
            boundary,
            header,
            backend.config,
            state,
            lambda address, slots: backend.store.prove(header.number, address, slots),
        )

    async def _ask(self, header: Header, question: Callable[[HouseCalls], T]) -> T:
        return await ask_house(self._backend, header, question)


def proof_of_margin_json(proof: MarginProof) -> Json:
    """A margin proof, in the form that `bridge.margin_proof` parses."""
    return {
        "account": proof.account,
        "outputRoot": data(proof.output_root),
        "boundary": boundary_json(proof.boundary),
        "header": data(encode_header(proof.header)),
        "proofs": [proof_json(account) for account in proof.accounts],
    }


def _markets_json(house: HouseCalls) -> list[Json]:
    return [_market_json(house, market) for market in range(read_market_count(house.word))]


def _market_json(house: HouseCalls, market: int) -> Json:
    word = house.word
    return {
        **market_json(read_quote(house, market)),
        "safety": safety_json(
            read_safety_rules(word, market),
            read_insurance(word, market),
            read_vault(word, market),
        ),
        "options": option_rules_json(read_option_rules(word, market)),
    }
