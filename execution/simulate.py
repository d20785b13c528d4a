"""Running transactions that leave no trace: eth_call, eth_estimateGas, eth_createAccessList.

They follow go-ethereum where the JSON-RPC specification is silent, because clients expect it. All
of them are bounded by a gas cap and by a number of rounds, and work on any state.
"""

from dataclasses import dataclass, field, replace

from execution.admission import check_fee
from execution.errors import (
    InsufficientFunds,
    IntrinsicGasTooLow,
    TipAboveFeeCap,
)
from execution.evm.context import BlockContext
from execution.evm.engine import Evm, MakeEvm, Outcome
from execution.evm.precompiles import PRECOMPILES
from execution.evm.threads import run_deep
from execution.intrinsic import calldata_floor, intrinsic_gas
from execution.limits import (
    ACCESS_LIST_ROUNDS_MAX,
    ESTIMATE_ERROR_PERMILLE,
    SIMULATION_GAS_MAX,
)
from execution.overrides import Overrides, override_accounts
from execution.simulation_errors import (
    ExecutionHalted,
    ExecutionReverted,
    GasRequiredExceedsAllowance,
)
from execution.transaction import AccessListEntry, Transaction, TransactionType
from genesis.config import ChainConfig
from state.accounts import EMPTY_CODE_HASH, Account, StateReader
from state.types import ZERO_ADDRESS, ZERO_HASH, Address, Gas, Wei


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A transaction to try, as far as the caller fills it in. Fees in wei for one gas.

    A request without fees costs nothing, and GASPRICE is then zero.
    """

    sender: Address = ZERO_ADDRESS
    to: Address | None = None
    gas: Gas | None = None
    value: Wei = Wei(0)
    data: bytes = b""
    nonce: int | None = None
    max_fee_per_gas: Wei | None = None
    max_priority_fee_per_gas: Wei | None = None
    access_list: tuple[AccessListEntry, ...] = ()
    type: TransactionType = TransactionType.FEE_MARKET
    """What it would be sent as. A legacy or access-list transaction has its price as both fees."""

    def as_transaction(self, account_nonce: int, gas: Gas, chain_id: int) -> Transaction:
        """The unsigned transaction with that gas limit; without a nonce it has the account's."""
        return Transaction(
            type=self.type,
            hash=ZERO_HASH,
            sender=self.sender,
            nonce=account_nonce if self.nonce is None else self.nonce,
            gas=gas,
            to=self.to,
            value=self.value,
            data=self.data,
            max_fee_per_gas=self.max_fee_per_gas or Wei(0),
            max_priority_fee_per_gas=self.max_priority_fee_per_gas or Wei(0),
            access_list=self.access_list,
            chain_id=chain_id,
        )


@dataclass(frozen=True, slots=True)
class AccessListResult:
    """An access list, the gas used with it, and the failure of the run, if it failed."""

    access_list: tuple[AccessListEntry, ...]
    gas_used: Gas
    error: str | None


@dataclass(frozen=True, slots=True)
class World:
    """Where a simulation runs: a state, the block it pretends to be in, and the chain's rules."""

    state: StateReader
    context: BlockContext
    config: ChainConfig
    overrides: Overrides = field(default_factory=dict)
    engine: MakeEvm = Evm
    """What runs it, for those who listen."""


def call(world: World, request: CallRequest, gas_cap: Gas = SIMULATION_GAS_MAX) -> Outcome:
    """Run `request`; a failure of the contract's own is in the outcome.

    Use `checked` to turn that into an error. Raises `InvalidTransaction` when it can't even start.
    """
    allowance = min(request.gas or gas_cap, gas_cap)
    return _Simulation(world, request).run(Gas(allowance))


def checked(outcome: Outcome) -> Outcome:
    """The outcome, if it is a success. Raises `ExecutionReverted` or `ExecutionHalted`."""
    if outcome.succeeded:
        return outcome
    if outcome.reverted:
        raise ExecutionReverted(outcome)
    raise ExecutionHalted(outcome)


def estimate_gas(world: World, request: CallRequest, gas_cap: Gas = SIMULATION_GAS_MAX) -> Gas:
    """A gas limit with which `request` succeeds, close to the least one.

    A binary search between what the run with all gas used and what it was allowed, as in
    go-ethereum. Raises `GasRequiredExceedsAllowance`, `ExecutionReverted` or `InvalidTransaction`.
    """
    simulation = _Simulation(world, request)
    allowance = simulation.allowance(gas_cap)
    if simulation.is_plain_transfer() and allowance >= simulation.least_gas():
        outcome = simulation.run(simulation.least_gas())
        if outcome.succeeded:
            return simulation.least_gas()
    return run_deep(_search_gas, simulation, allowance)


def create_access_list(
    world: World, request: CallRequest, gas_cap: Gas = SIMULATION_GAS_MAX
) -> AccessListResult:
    """What `request` accesses, as the list that makes all of it warm (EIP-2930).

    A list changes the gas that is left and so may change the path; the run is repeated with the
    list found until it stands still. What is warm anyway is left out: sender, recipient, coinbase
    and precompiles.
    """
    simulation = _Simulation(world, request)
    return run_deep(_settle_access_list, simulation, simulation.allowance(gas_cap))


def _search_gas(simulation: "_Simulation", allowance: Gas) -> Gas:
    whole = simulation.try_run(allowance)
    if whole is None:
        raise GasRequiredExceedsAllowance(allowance)
    if not whole.succeeded:
        if whole.error == "out of gas":
            raise GasRequiredExceedsAllowance(allowance)
        checked(whole)
    # Gas before refunds is what must be there; the refund is at most a fifth of it (EIP-3529).
    low, high = whole.gas_used - 1, allowance
    optimistic = Gas(min((whole.gas_used * 5 // 4 + _CALL_STIPEND) * 64 // 63, high))
    if simulation.suffices(optimistic):
        high = optimistic
    while low + 1 < high and (high - low) * 1000 > high * ESTIMATE_ERROR_PERMILLE:
        # Most need little more than they use: keep the guess near the lower end.
        middle = min((low + high) // 2, low * 2)
        if simulation.suffices(Gas(middle)):
            high = Gas(middle)
        else:
            low = middle
    return high


_CALL_STIPEND = 2_300
"""Gas that a call with value brings along (Yellow Paper, appendix G): a caller must hold it."""


def _settle_access_list(simulation: "_Simulation", gas: Gas) -> AccessListResult:
    found: tuple[AccessListEntry, ...] = simulation.request.access_list
    for _ in range(ACCESS_LIST_ROUNDS_MAX):
        outcome = simulation.with_access_list(found).run(gas)
        accessed = simulation.worth_listing(outcome)
        if accessed == found:
            break
        found = accessed
    return AccessListResult(found, outcome.gas_used, outcome.error)


class _Simulation:
    """A request against a world, with everything that is not chosen filled in."""

    def __init__(self, world: World, request: CallRequest) -> None:
        self.world = world
        self.request = request
        self._evm = self._engine()
        self._sender = self._evm.account(request.sender) or Account()
        self._check_fees()

    def run(self, gas: Gas) -> Outcome:
        """Run with that gas limit. Raises `InvalidTransaction` when it can't start."""
        return self._evm.call(self._transaction(gas), gas_price=self._gas_price())

    def try_run(self, gas: Gas) -> Outcome | None:
        """As `run`; None where the gas doesn't even pay for the transaction itself."""
        if gas < self.least_gas():
            return None
        try:
            return self.run(gas)
        except IntrinsicGasTooLow:
            return None

    def suffices(self, gas: Gas) -> bool:
        outcome = self.try_run(gas)
        return outcome is not None and outcome.succeeded

    def with_access_list(self, entries: tuple[AccessListEntry, ...]) -> "_Simulation":
        return _Simulation(self.world, replace(self.request, access_list=entries))

    def least_gas(self) -> Gas:
        """What the transaction itself costs, before its first instruction."""
        least = intrinsic_gas(self._transaction(Gas(0)))
        if not self.world.config.rules.calldata_floor:
            return least
        return max(least, calldata_floor(self.request.data))

    def allowance(self, gas_cap: Gas) -> Gas:
        """The most gas worth trying: the request's own, the caps, and what the sender can pay for.

        Raises `InsufficientFunds` when the balance doesn't even cover the value.
        """
        request, config = self.request, self.world.config
        cap = config.rules.transaction_gas_cap or self.world.context.gas_limit
        allowance: int = min(request.gas or self.world.context.gas_limit, cap, gas_cap)
        fee_cap = request.max_fee_per_gas or 0
        if fee_cap > 0:
            if self._sender.balance < request.value:
                raise InsufficientFunds(request.sender, self._sender.balance, request.value)
            allowance = min(allowance, (self._sender.balance - request.value) // fee_cap)
        return Gas(allowance)

    def is_plain_transfer(self) -> bool:
        """Whether no code can run, so that the least gas is all there is to know."""
        if self.request.to is None or self.request.data:
            return False
        recipient = self._evm.account(self.request.to)
        return recipient is None or recipient.code_hash == EMPTY_CODE_HASH

    def worth_listing(self, outcome: Outcome) -> tuple[AccessListEntry, ...]:
        """What was accessed, less the addresses that are warm anyway and have no slots listed."""
        coinbase = self.world.context.coinbase
        own = {self.request.sender, self.request.to, outcome.created, coinbase}
        return tuple(
            entry
            for entry in outcome.accessed
            if entry.slots or (entry.address not in own and entry.address not in PRECOMPILES)
        )

    def _engine(self) -> Evm:
        world = self.world
        context = world.context
        if self._gas_price() == 0:
            # A free call must not underpay: BASEFEE is zero for it, as in go-ethereum.
            context = replace(context, base_fee=Wei(0))
        evm = world.engine(world.state, context, world.config.rules)
        override_accounts(evm, world.overrides)
        return evm

    def _transaction(self, gas: Gas) -> Transaction:
        chain_id = self.world.config.chain_id
        return self.request.as_transaction(self._sender.nonce, gas, chain_id)

    def _gas_price(self) -> Wei:
        fee_cap = self.request.max_fee_per_gas or 0
        tip = self.request.max_priority_fee_per_gas or 0
        return Wei(min(fee_cap, self.world.context.base_fee + tip) if fee_cap else 0)

    def _check_fees(self) -> None:
        fee_cap, tip = self.request.max_fee_per_gas, self.request.max_priority_fee_per_gas
        if fee_cap is not None and tip is not None and tip > fee_cap:
            raise TipAboveFeeCap(tip, fee_cap)
        if fee_cap:
            check_fee(self._transaction(Gas(0)), self.world.context.base_fee)
