"""Blocks that are simulated one on the other and never written (execution-apis, eth_simulateV1).

The calls of a block run in order on what those before have left. A call that can't be in a block
ends the simulation; one that fails stays in its block with its reason.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from execution.evm.context import BlockContext
from execution.evm.engine import Evm, Outcome
from execution.evm.threads import run_deep
from execution.evm.transfers import TransferNote
from execution.limits import SIMULATED_BLOCK_SECONDS, SIMULATED_BLOCKS_MAX, SIMULATION_GAS_MAX
from execution.overrides import BlockOverrides, Overrides, override_accounts
from execution.simulate import CallRequest
from execution.transaction import Transaction
from execution.transactions import encode_signed
from execution.transition import Ancestors, context_of
from genesis.config import ChainConfig
from state.accounts import Account, State
from state.blocks import Header, Receipt
from state.errors import Invalid
from state.headers import header_hash, next_base_fee
from state.keccak import keccak
from state.receipts import bloom_of, encode_receipt, merge_blooms
from state.stored import StoredBlock
from state.trie import list_root
from state.types import ZERO_HASH, Address, BlockNumber, Gas, Hash32, Timestamp, Wei


class InvalidSimulation(Invalid):
    """A simulation that is no chain of blocks."""


class BlocksOutOfOrder(InvalidSimulation):
    """A block's number is not above that of the block before."""


class TimesOutOfOrder(InvalidSimulation):
    """A block's time is not after that of the block before."""


class TooManyBlocks(InvalidSimulation):
    """More blocks than one simulation may have, those that fill gaps counted."""


class BlockGasLimitReached(InvalidSimulation):
    """A call asks for more gas than is left of its block's."""


class GasBudgetExceeded(InvalidSimulation):
    """The calls together use more gas than one simulation may."""


@dataclass(frozen=True, slots=True)
class SimulatedBlock:
    """A block to simulate, as far as the caller fills it in."""

    calls: tuple[CallRequest, ...] = ()
    block: BlockOverrides = BlockOverrides()
    accounts: Overrides | None = None
    beacon_root: Hash32 = ZERO_HASH


@dataclass(frozen=True, slots=True)
class Rules:
    """How a simulation runs. Without `validates` nonces and missing fees are forgiven."""

    validates: bool = False
    notes_transfers: bool = False
    """Whether transfers of ether are told among the logs, as `TransferNote`."""
    gas_cap: Gas = SIMULATION_GAS_MAX
    """Gas that all calls together may use."""


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """What a call did. `capped` tells that it had less gas than it asked for."""

    transaction: Transaction
    outcome: Outcome
    capped: bool = False


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """A simulated block, and what its calls did."""

    block: StoredBlock
    calls: tuple[SimulatedCall, ...]


@dataclass(frozen=True, slots=True)
class Base:
    """The block that a simulation goes on from, its state, and its chain."""

    header: Header
    state: State
    config: ChainConfig
    ancestors: Ancestors


def simulate_chain(
    base: Base, blocks: Sequence[SimulatedBlock], rules: Rules
) -> list[SimulationResult]:
    """Simulate `blocks` on `base`; a gap in their numbers is filled with empty ones.

    Raises `InvalidSimulation`, `InvalidOverride`, or `InvalidTransaction` for a call that can't be
    in its block.
    """
    chain = list(_whole_chain(base.header, blocks))
    return run_deep(_SimulatedChain(base, rules).run, chain)


def _whole_chain(base: Header, blocks: Sequence[SimulatedBlock]) -> Iterator[SimulatedBlock]:
    """Give every block its number and time, and fill the gaps. Raises `InvalidSimulation`."""
    number, time = base.number, base.timestamp
    for block in blocks:
        wanted = number + 1 if block.block.number is None else block.block.number
        if wanted <= number:
            raise BlocksOutOfOrder(f"block numbers must be in order: {wanted} <= {number}")
        if wanted - base.number > SIMULATED_BLOCKS_MAX:
            raise TooManyBlocks("too many blocks")
        for between in range(number + 1, wanted):
            time = Timestamp(time + SIMULATED_BLOCK_SECONDS)
            placed = BlockOverrides(number=BlockNumber(between), timestamp=time)
            yield SimulatedBlock(block=placed)
        given = block.block.timestamp
        later = Timestamp(time + SIMULATED_BLOCK_SECONDS) if given is None else given
        if later <= time:
            raise TimesOutOfOrder(f"block timestamps must be in order: {later} <= {time}")
        number, time = BlockNumber(wanted), later
        yield replace(block, block=replace(block.block, number=number, timestamp=time))


class _SimulatedChain:
    """The chain so far. Not thread-safe."""

    def __init__(self, base: Base, rules: Rules) -> None:
        self._base = base
        self._rules = rules
        self._budget = int(rules.gas_cap)
        self._header = base.header
        self._hashes = {base.header.number: header_hash(base.header)}
        self._root = base.header.state_root
        self._evm = Evm(base.state, self._context(base.header), base.config.rules)
        if rules.notes_transfers:
            self._evm.note_transfers()

    def run(self, blocks: Sequence[SimulatedBlock]) -> list[SimulationResult]:
        return [self._run_block(block) for block in blocks]

    def _run_block(self, block: SimulatedBlock) -> SimulationResult:
        header = self._draft(block)
        context = self._context(header)
        if block.block.blob_base_fee is not None:
            context = replace(context, blob_base_fee=block.block.blob_base_fee)
        self._evm.next_block(context)
        if block.accounts:
            override_accounts(self._evm, block.accounts)
        used = 0
        calls = []
        for request in block.calls:
            call = self._run_call(request, Gas(header.gas_limit - used))
            used += call.outcome.gas_used
            calls.append(call)
        sealed = self._seal(header, calls, is_changed=bool(calls or block.accounts))
        self._header = sealed.header
        self._hashes[sealed.header.number] = sealed.hash
        return SimulationResult(sealed, tuple(calls))

    def _draft(self, block: SimulatedBlock) -> Header:
        """The header as far as it is known beforehand; coinbase and gas limit are inherited."""
        parent, given = self._header, block.block
        base_fee = given.base_fee
        if base_fee is None:
            base_fee = next_base_fee(parent) if self._rules.validates else Wei(0)
        return Header(
            parent_hash=self._hashes[parent.number],
            state_root=self._root,
            number=BlockNumber(parent.number + 1),
            gas_limit=parent.gas_limit if given.gas_limit is None else given.gas_limit,
            timestamp=parent.timestamp if given.timestamp is None else given.timestamp,
            base_fee_per_gas=base_fee,
            coinbase=parent.coinbase if given.coinbase is None else given.coinbase,
            prev_randao=given.prev_randao or ZERO_HASH,
            parent_beacon_block_root=block.beacon_root,
        )

    def _context(self, header: Header) -> BlockContext:
        return context_of(header, self._base.config, self._ancestor)

    def _ancestor(self, number: BlockNumber) -> Hash32 | None:
        return self._hashes.get(number) or self._base.ancestors(number)

    def _run_call(self, request: CallRequest, gas_left: Gas) -> SimulatedCall:
        wanted = gas_left if request.gas is None else request.gas
        if wanted > gas_left:
            raise BlockGasLimitReached(
                f"block gas limit reached: remaining: {gas_left}, required: {wanted}"
            )
        gas = Gas(min(wanted, self._budget))
        transaction = self._transaction(request, gas)
        outcome = self._evm.include(transaction, validates=self._rules.validates)
        if outcome.gas_used > self._budget:
            raise GasBudgetExceeded(
                f"RPC gas cap exhausted: need {outcome.gas_used}, remaining {self._budget}"
            )
        self._budget -= outcome.gas_used
        return SimulatedCall(transaction, outcome, capped=gas < wanted)

    def _transaction(self, request: CallRequest, gas: Gas) -> Transaction:
        """The transaction of a call. It is unsigned, and its hash is that of such an envelope."""
        sender = self._evm.account(request.sender) or Account()
        unsigned = request.as_transaction(sender.nonce, gas, self._base.config.chain_id)
        raw = encode_signed(unsigned, 0, 0, 0)
        return replace(unsigned, raw=raw, hash=keccak(raw))

    def _seal(
        self, draft: Header, calls: Sequence[SimulatedCall], *, is_changed: bool
    ) -> StoredBlock:
        receipts = tuple(_receipts(calls))
        transactions = tuple(call.transaction.raw for call in calls)
        if is_changed:
            self._root = self._base.state.update(self._evm.diff()).root
        header = replace(
            draft,
            state_root=self._root,
            transactions_root=list_root(transactions),
            receipts_root=list_root([encode_receipt(receipt) for receipt in receipts]),
            logs_bloom=merge_blooms(receipt.logs_bloom for receipt in receipts),
            gas_used=receipts[-1].cumulative_gas_used if receipts else Gas(0),
        )
        return StoredBlock(
            hash=header_hash(header),
            header=header,
            transactions=transactions,
            senders=tuple(call.transaction.sender for call in calls),
            contracts=tuple(_created(call) for call in calls),
            receipts=receipts,
        )


def _receipts(calls: Sequence[SimulatedCall]) -> Iterator[Receipt]:
    """The receipts of a block, in which transfers that no contract logged don't show."""
    used = 0
    for call in calls:
        used += call.outcome.gas_used
        logs = tuple(log for log in call.outcome.logs if not isinstance(log, TransferNote))
        yield Receipt(
            type=call.transaction.type,
            succeeded=call.outcome.succeeded,
            cumulative_gas_used=Gas(used),
            logs=logs,
            logs_bloom=bloom_of(logs),
        )


def _created(call: SimulatedCall) -> Address | None:
    return call.outcome.created if call.transaction.to is None else None
