"""`debug_trace*`: what transactions do when they run, told by a tracer (geth, `eth/tracers`)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from execution.errors import InvalidTransaction
from execution.evm.context import BlockContext
from execution.evm.tracing import TracedEvm
from execution.overrides import NO_BLOCK_OVERRIDES, BlockOverrides, Overrides
from execution.replay import MinedReplay
from execution.simulate import CallRequest, World, call
from execution.trace_budget import TraceBudget, TraceLimits
from genesis.config import ExecutionRules
from node import limits
from node.rpc.backend import Backend
from node.rpc.codec import (
    BlockRef,
    Tag,
    data,
    parse_block,
    parse_block_number,
    parse_hash,
    parse_object,
    parse_uint64,
)
from node.rpc.debug.config import NO_CONFIG, TraceConfig, parse_trace_config
from node.rpc.debug.tracer import JsonTracer, TracePlace
from node.rpc.debug.tracers import make_tracer
from node.rpc.dispatch import Param, method
from node.rpc.errors import CallFailed
from node.rpc.eth.requests import parse_block_overrides, parse_call, parse_overrides
from node.rpc.format import Json
from state.accounts import StateReader
from state.keccak import keccak
from state.stored import StoredBlock
from state.types import BlockNumber, Gas, Hash32

_CALL_GAS_MAX: Final = Gas(limits.RPC_CALL_GAS_MAX)


class TransactionNotFound(CallFailed):
    """No mined transaction of that hash, in geth's words."""

    def __init__(self) -> None:
        super().__init__("transaction not found")


class BlockNotFound(CallFailed):
    """No such block to trace, in geth's words."""

    def __init__(self, ref: BlockRef) -> None:
        name = data(ref) if isinstance(ref, bytes) else f"#{ref}"
        super().__init__(f"block {name} not found")


class GenesisUntraceable(CallFailed):
    """The first block has no transactions and no parent."""

    def __init__(self) -> None:
        super().__init__("genesis is not traceable")


class PendingUntraceable(CallFailed):
    """What is pending changes while it is looked at; geth refuses as well."""

    def __init__(self) -> None:
        super().__init__("tracing on top of pending is not supported")


@dataclass(frozen=True, slots=True)
class CallConfig:
    """What a trace of a call can be told beyond any other trace."""

    trace: TraceConfig = NO_CONFIG
    overrides: Overrides | None = None
    block: BlockOverrides = NO_BLOCK_OVERRIDES
    index: int | None = None
    """Before which transaction of the block; after all of them if None."""


def parse_call_config(value: object) -> CallConfig:
    """Parse the settings of debug_traceCall. Raises `InvalidParams`."""
    given = {name: item for name, item in parse_object(value).items() if item is not None}
    return CallConfig(
        trace=parse_trace_config(given),
        overrides=parse_overrides(given.get("stateOverrides", {})),
        block=parse_block_overrides(given.get("blockOverrides", {})),
        index=parse_uint64(given["txIndex"]) if "txIndex" in given else None,
    )


_CONFIG = Param(parse_trace_config, NO_CONFIG)


class TraceMethods:
    """Traces of mined transactions and of calls. Each runs in a thread for simulations."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("debug_traceTransaction", Param(parse_hash), _CONFIG)
    async def trace_transaction(self, transaction_hash: Hash32, config: TraceConfig) -> object:
        """What a mined transaction did."""
        block, index = find_mined(self._backend, transaction_hash)
        return await self._backend.evm.run(self._trace_one, block, index, config)

    @method("debug_traceBlockByNumber", Param(parse_block_number), _CONFIG)
    async def trace_by_number(self, ref: Tag | BlockNumber, config: TraceConfig) -> list[Json]:
        """What each transaction of a block did."""
        return await self._trace_block(ref, config)

    @method("debug_traceBlockByHash", Param(parse_hash), _CONFIG)
    async def trace_by_hash(self, ref: Hash32, config: TraceConfig) -> list[Json]:
        """What each transaction of a block did."""
        return await self._trace_block(ref, config)

    @method(
        "debug_traceCall",
        Param(parse_call),
        Param(parse_block),
        Param(parse_call_config, CallConfig()),
    )
    async def trace_call(self, request: CallRequest, ref: BlockRef, config: CallConfig) -> object:
        """What a call would do after a block, or before one of its transactions."""
        if ref is Tag.PENDING:
            raise PendingUntraceable
        return await self._backend.evm.run(self._try, request, ref, config)

    async def _trace_block(self, ref: BlockRef, config: TraceConfig) -> list[Json]:
        if ref is Tag.PENDING:
            raise PendingUntraceable
        block = self._backend.block(ref)
        if block is None:
            raise BlockNotFound(ref)
        return await self._backend.evm.run(self._trace_all, block, config)

    def _trace_one(self, block: StoredBlock, index: int, config: TraceConfig) -> object:
        replay, budget = replay_of(self._backend, block), self._budget(config)
        replay.skip_to(index)
        return _traced(replay, block, index, config, budget)

    def _trace_all(self, block: StoredBlock, config: TraceConfig) -> list[Json]:
        return list(self._each(block, config))

    def _each(self, block: StoredBlock, config: TraceConfig) -> Iterator[Json]:
        replay, budget = replay_of(self._backend, block), self._budget(config)
        for index, raw in enumerate(block.transactions):
            budget.check_time()
            result = _traced(replay, block, index, config, budget)
            yield {"txHash": data(keccak(raw)), "result": result}

    def _try(self, request: CallRequest, ref: BlockRef, config: CallConfig) -> object:
        tracer = make_tracer(config.trace, TracePlace(), self._budget(config.trace))
        world = self._world(ref, config, tracer)
        try:
            call(world, request, _CALL_GAS_MAX)
        except InvalidTransaction as error:
            raise CallFailed(f"tracing failed: {error}") from error
        return tracer.result()

    def _world(self, ref: BlockRef, config: CallConfig, tracer: JsonTracer) -> World:
        def engine(state: StateReader, context: BlockContext, rules: ExecutionRules) -> TracedEvm:
            return TracedEvm(state, context, rules, tracer)

        world = self._backend.world(ref, config.overrides or {}, config.block)
        state = world.state if config.index is None else self._midway(ref, config.index)
        return World(state, world.context, world.config, world.overrides, engine)

    def _midway(self, ref: BlockRef, index: int) -> StateReader:
        block = self._backend.block(ref)
        if block is None or index >= len(block.transactions):
            raise CallFailed(f"transaction index {index} out of range for block {ref!s:.40}")
        replay = replay_of(self._backend, block)
        replay.skip_to(index)
        return replay.state()

    def _budget(self, config: TraceConfig) -> TraceBudget:
        return trace_budget(self._backend, config.seconds_max)


def trace_budget(backend: Backend, seconds_max: float) -> TraceBudget:
    """What one answer may take, counted from now."""
    most = TraceLimits(limits.RPC_TRACE_STEPS_MAX, limits.RPC_TRACE_BYTES_MAX, seconds_max)
    return TraceBudget(most, backend.clock.monotonic)


def find_mined(backend: Backend, transaction_hash: Hash32) -> tuple[StoredBlock, int]:
    """The block that holds a transaction, and its index. Raises `TransactionNotFound`."""
    reader = backend.store.reader
    place = reader.find_transaction(transaction_hash)
    block = None if place is None else reader.block(place[0])
    if place is None or block is None:
        raise TransactionNotFound
    return block, place[1]


def replay_of(backend: Backend, block: StoredBlock) -> MinedReplay:
    """The block, ready to run again. Raises `GenesisUntraceable`."""
    if block.header.number == 0:
        raise GenesisUntraceable
    parent = backend.store.state(BlockNumber(block.header.number - 1))
    return MinedReplay(block, parent, backend.config, backend.ancestor)


def _traced(
    replay: MinedReplay, block: StoredBlock, index: int, config: TraceConfig, budget: TraceBudget
) -> object:
    place = TracePlace(
        block_number=block.header.number,
        block_hash=block.hash,
        index=index,
        transaction_hash=keccak(block.transactions[index]),
        first_log=replay.first_log,
    )
    tracer = make_tracer(config, place, budget)
    replay.run(tracer)
    return tracer.result()
