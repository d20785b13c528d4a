"""`eth_simulateV1`: blocks of calls on any state, with all that they may pretend."""

from dataclasses import dataclass
from typing import Final

from execution import errors as refused
from execution.overrides import InvalidOverride, MovedToItself, MovedTwice
from execution.simulated_chain import (
    Base,
    BlockGasLimitReached,
    BlocksOutOfOrder,
    GasBudgetExceeded,
    Rules,
    SimulatedBlock,
    SimulatedCall,
    SimulationResult,
    TimesOutOfOrder,
    TooManyBlocks,
    simulate_chain,
)
from node import limits
from node.rpc.backend import Backend
from node.rpc.codec import (
    BlockRef,
    Tag,
    data,
    parse_block,
    parse_bool,
    parse_hash,
    parse_object,
    quantity,
)
from node.rpc.dispatch import Param, method
from node.rpc.errors import CodedError, InvalidParams, Reverted
from node.rpc.eth.requests import block_overrides, given_members, parse_call, parse_overrides
from node.rpc.format import (
    Json,
    MinedTransaction,
    PlacedLog,
    header_and_body_json,
    log_json,
    transaction_json,
)
from state.errors import Invalid
from state.types import ZERO_HASH, Gas

EXECUTION_ERROR: Final = -32015
LIMIT_EXCEEDED: Final = -38026

_CODES: Final[tuple[tuple[type[Invalid], int], ...]] = (
    (refused.NonceTooLow, -38010),
    (refused.NonceTooHigh, -38011),
    (refused.FeeCapBelowBaseFee, -38012),
    (refused.IntrinsicGasTooLow, -38013),
    (refused.CalldataFloorTooHigh, -38013),
    (refused.InsufficientFunds, -38014),
    (BlockGasLimitReached, -38015),
    (BlocksOutOfOrder, -38020),
    (TimesOutOfOrder, -38021),
    (MovedToItself, -38022),
    (MovedTwice, -38023),
    (refused.InitcodeTooLarge, -38025),
    (TooManyBlocks, LIMIT_EXCEEDED),
    (GasBudgetExceeded, LIMIT_EXCEEDED),
    (refused.TipAboveFeeCap, InvalidParams.code),
    (refused.InvalidTransaction, -32603),
    (InvalidOverride, -32000),
)
"""execution-apis, eth_simulateV1, "errors": the first that fits."""


@dataclass(frozen=True, slots=True)
class SimulationRequest:
    """What is simulated, and how."""

    blocks: tuple[SimulatedBlock, ...]
    rules: Rules
    returns_transactions: bool


def parse_simulation(value: object) -> SimulationRequest:
    """Parse the payload of eth_simulateV1. Raises `InvalidParams` and `CodedError`."""
    given = given_members(value)
    blocks = given.get("blockStateCalls")
    if not isinstance(blocks, list) or not blocks:
        raise InvalidParams("empty input")
    if len(blocks) > limits.RPC_SIMULATED_BLOCKS_MAX:
        raise CodedError(LIMIT_EXCEEDED, "too many blocks")
    parsed = tuple(_parse_block(block) for block in blocks)
    calls = sum(len(block.calls) for block in parsed)
    if calls > limits.RPC_SIMULATED_CALLS_MAX:
        raise CodedError(
            LIMIT_EXCEEDED, f"too many calls: {calls} > {limits.RPC_SIMULATED_CALLS_MAX}"
        )
    return SimulationRequest(
        parsed,
        Rules(
            validates=parse_bool(given.get("validation", False)),
            notes_transfers=parse_bool(given.get("traceTransfers", False)),
            gas_cap=Gas(limits.RPC_CALL_GAS_MAX),
        ),
        parse_bool(given.get("returnFullTransactions", False)),
    )


def _parse_block(value: object) -> SimulatedBlock:
    given = given_members(value)
    calls = given.get("calls", [])
    if not isinstance(calls, list):
        raise InvalidParams("calls are a list")
    block = given_members(given.get("blockOverrides", {}))
    if block.get("withdrawals"):
        raise InvalidParams("blocks of this chain have no withdrawals: leave them out")
    return SimulatedBlock(
        calls=tuple(parse_call(call) for call in calls),
        block=block_overrides(block),
        accounts=parse_overrides(parse_object(given.get("stateOverrides", {}))),
        beacon_root=parse_hash(block["beaconRoot"]) if "beaconRoot" in block else ZERO_HASH,
    )


def simulation_error(error: Invalid) -> Invalid:
    """The error with the code that the specification gives it."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return CodedError(code, str(error))
    return error


class SimulationMethods:
    """Whole blocks to try."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("eth_simulateV1", Param(parse_simulation), Param(parse_block, Tag.LATEST))
    async def simulate(self, request: SimulationRequest, ref: BlockRef) -> list[Json]:
        """What blocks of calls would do, one on the other."""
        backend = self._backend
        pending = await backend.pending_block(ref)
        if pending is not None:
            base = Base(pending.block.header, pending.state, backend.config, backend.ancestor)
        else:
            base = Base(backend.header(ref), backend.state(ref), backend.config, backend.ancestor)
        try:
            results = await backend.evm.run(simulate_chain, base, request.blocks, request.rules)
        except Invalid as error:
            raise simulation_error(error) from None
        full = request.returns_transactions
        return [_result_json(result, full=full) for result in results]


def _result_json(result: SimulationResult, *, full: bool) -> Json:
    block, header = result.block, result.block.header
    transactions: list[object] = [data(call.transaction.hash) for call in result.calls]
    if full:
        transactions = [
            transaction_json(
                MinedTransaction(
                    call.transaction,
                    header.number,
                    block.hash,
                    header.timestamp,
                    header.base_fee_per_gas,
                    index,
                )
            )
            for index, call in enumerate(result.calls)
        ]
    return {**header_and_body_json(block, transactions), "calls": _calls_json(result)}


def _calls_json(result: SimulationResult) -> list[Json]:
    header = result.block.header
    calls: list[Json] = []
    first = 0
    for index, call in enumerate(result.calls):
        placed = [
            PlacedLog(
                log,
                header.number,
                result.block.hash,
                header.timestamp,
                call.transaction.hash,
                index,
                number,
            )
            for number, log in enumerate(call.outcome.logs, first)
        ]
        first += len(placed)
        calls.append(_call_json(call, placed))
    return calls


def _call_json(call: SimulatedCall, logs: list[PlacedLog]) -> Json:
    outcome = call.outcome
    answer: Json = {
        "status": quantity(int(outcome.succeeded)),
        "returnData": data(outcome.output if outcome.succeeded else b""),
        "gasUsed": quantity(outcome.gas_used),
        "maxUsedGas": quantity(outcome.gas_peak),
        "logs": [log_json(log) for log in logs],
    }
    if outcome.reverted:
        answer["error"] = Reverted(outcome.output).body()
    elif outcome.error is not None:
        capped = " (gas limit was capped by the RPC server's global gas cap)" if call.capped else ""
        message = f"vm execution error: {outcome.error}{capped}"
        answer["error"] = {"code": EXECUTION_ERROR, "message": message}
    return answer
