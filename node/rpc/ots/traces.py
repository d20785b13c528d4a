"""What happened within a transaction, as Otterscan shows it."""

from typing import Final

from execution.call_tree import Call, CallTracer
from execution.evm.engine import REVERTED
from execution.evm.message import FrameKind
from node import limits
from node.rpc.backend import Backend
from node.rpc.codec import data, parse_hash, quantity
from node.rpc.debug.calls import shown_output
from node.rpc.debug.tracer import PRECOMPILES
from node.rpc.debug.traces import find_mined, replay_of, trace_budget
from node.rpc.dispatch import Param, method
from node.rpc.format import Json
from state.stored import StoredBlock
from state.types import Hash32

_OPERATIONS: Final = {
    FrameKind.CALL: 0,
    FrameKind.SELFDESTRUCT: 1,
    FrameKind.CREATE: 2,
    FrameKind.CREATE2: 3,
}
"""Otterscan's numbers of what moves ether or makes contracts."""

_WITHOUT_VALUE: Final = (FrameKind.STATICCALL, FrameKind.DELEGATECALL)


class OtterscanTraces:
    """Calls of a transaction, and what it reverted with."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("ots_getInternalOperations", Param(parse_hash))
    async def operations(self, transaction_hash: Hash32) -> list[Json]:
        """Transfers of ether, creations and SELFDESTRUCTs within a transaction that stood."""
        root = await self._root(transaction_hash)
        return [
            _operation_json(call)
            for call in root.stood()
            if call is not root and call.entry.kind in _OPERATIONS and _moves(call)
        ]

    @method("ots_traceTransaction", Param(parse_hash))
    async def trace(self, transaction_hash: Hash32) -> list[Json]:
        """All calls of a transaction in order, each with its depth; those of precompiles aside."""
        root = await self._root(transaction_hash)
        return [_trace_json(call) for call in root.walk() if call.entry.to not in PRECOMPILES]

    @method("ots_getTransactionError", Param(parse_hash))
    async def error(self, transaction_hash: Hash32) -> str:
        """What a transaction reverted with; no bytes where it didn't."""
        block, index = find_mined(self._backend, transaction_hash)
        if block.receipts[index].succeeded:
            return data(b"")
        root = await self._backend.evm.run(self._traced, block, index)
        return data(root.exit.output if root.exit.error == REVERTED else b"")

    async def _root(self, transaction_hash: Hash32) -> Call:
        block, index = find_mined(self._backend, transaction_hash)
        return await self._backend.evm.run(self._traced, block, index)

    def _traced(self, block: StoredBlock, index: int) -> Call:
        tracer = CallTracer(trace_budget(self._backend, limits.RPC_TRACE_SECONDS))
        replay = replay_of(self._backend, block)
        replay.skip_to(index)
        replay.run(tracer)
        return tracer.root


def _moves(call: Call) -> bool:
    return call.entry.kind is not FrameKind.CALL or bool(call.entry.value)


def _operation_json(call: Call) -> Json:
    entry = call.entry
    return {
        "type": _OPERATIONS[entry.kind],
        "from": data(entry.sender),
        "to": data(entry.to),
        "value": quantity(entry.value or 0),
    }


def _trace_json(call: Call) -> Json:
    entry = call.entry
    has_value = entry.kind not in _WITHOUT_VALUE
    return {
        "type": str(entry.kind),
        "depth": entry.depth,
        "from": data(entry.sender),
        "to": data(entry.to),
        "value": quantity(entry.value or 0) if has_value else None,
        "input": data(entry.input),
        "output": data(shown_output(call)),
    }
