"""The state transition function: parent, attributes and candidates in, sealed block out.

There is one, and both ends of the rollup call it: the sequencer on what its pool offers, the
verifier on what L1 says. It has no clock, no disk and no network of its own, and it is total: a
candidate that can't be in the block is left out by rule, and never makes the block fail.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from execution.attributes import BlockAttributes, InclusionRule
from execution.errors import GasAboveBlockLimit, InvalidTransaction
from execution.evm.context import BlockContext
from execution.evm.engine import Approve, Evm, MakeEvm, Outcome
from execution.evm.threads import run_deep
from execution.transaction import Transaction
from execution.transactions import decode, encode
from genesis.config import ChainConfig
from state.accounts import State
from state.blocks import Header, Receipt, SealedBlock
from state.errors import InternalError, Invalid
from state.headers import header_hash, next_base_fee
from state.receipts import bloom_of, encode_receipt, merge_blooms
from state.trie import list_root
from state.types import Address, BlockNumber, Gas, Hash32, Wei

Ancestors = Callable[[BlockNumber], Hash32 | None]
"""The hash of a block by its number, for BLOCKHASH; None where there is none."""


class InvalidBlockAttributes(Invalid):
    """A block that could not follow its parent, whatever is in it."""


class ParentStateMismatch(InternalError):
    """The state given is not the parent's; executing on it would make a wrong root."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A transaction on offer, and what happens when it can't be in the block.

    Bytes come from strangers and are decoded here; a deposit is always given decoded, because no
    bytes that a user sent can be one.
    """

    transaction: Transaction | bytes
    rule: InclusionRule = InclusionRule.SKIP


@dataclass(frozen=True, slots=True)
class AccountEdit:
    """What an account is to hold from a block on; None leaves as it is."""

    address: Address
    balance: Wei | None = None
    nonce: int | None = None
    code: bytes | None = None
    slots: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A candidate that was left out, by its place among the candidates, and why."""

    position: int
    transaction: Transaction | bytes
    reason: InvalidTransaction


@dataclass(frozen=True, slots=True)
class BlockResult:
    """A sealed block, and what became of the candidates that are not in it.

    `carried_taken` counts the candidates of rule CARRY that are done with, included or skipped;
    those beyond wait for the next block.
    """

    sealed: SealedBlock
    skipped: tuple[Skipped, ...]
    carried_taken: int


def execute_block(
    parent: Header,
    state: State,
    attributes: BlockAttributes,
    candidates: Iterable[Candidate],
    config: ChainConfig,
    ancestors: Ancestors,
) -> BlockResult:
    """Execute `candidates` in order on top of `parent`, whose state is `state`.

    Raises `InvalidBlockAttributes`, and `ParentStateMismatch` for a state of another block. An
    invalid candidate raises nothing; it is in the result's `skipped`.
    """

    def execute() -> BlockResult:
        block = OpenBlock(parent, state, attributes, config, ancestors)
        for candidate in candidates:
            block.offer(candidate)
        return block.seal()

    return run_deep(execute)


class OpenBlock:
    """A block in the making, for a builder that decides as it goes.

    Use it inside `run_deep`; elsewhere it works too, but each transaction starts a thread.
    """

    def __init__(
        self,
        parent: Header,
        state: State,
        attributes: BlockAttributes,
        config: ChainConfig,
        ancestors: Ancestors,
        engine: MakeEvm = Evm,
    ) -> None:
        _check_parent(parent, state, attributes)
        self._config = config
        self._state = state
        self._draft = _draft_header(parent, attributes)
        self._evm = engine(state, context_of(self._draft, config, ancestors), config.rules)
        self._gas_used = 0
        self._included: list[tuple[Transaction, Outcome, Receipt]] = []
        self._skipped: list[Skipped] = []
        self._offered = 0
        self._carried_taken = 0
        self._carry_stop: GasAboveBlockLimit | None = None

    @property
    def gas_left(self) -> Gas:
        """What is left of the block's gas."""
        return Gas(self._draft.gas_limit - self._gas_used)

    def offer(
        self, candidate: Candidate, approve: Approve | None = None
    ) -> InvalidTransaction | None:
        """Execute a candidate if it can be in the block; otherwise return why it is not.

        A builder's `approve` sees what the candidate did, and may have it undone (`Declined`).

        When a candidate of rule CARRY doesn't fit the gas left, no later one of that rule is
        looked at either, so that they keep their order.
        """
        position, self._offered = self._offered, self._offered + 1
        carries = candidate.rule is InclusionRule.CARRY
        if carries and self._carry_stop is not None:
            return self._carry_stop
        try:
            self._include(candidate.transaction, approve)
        except InvalidTransaction as reason:
            if carries and isinstance(reason, GasAboveBlockLimit):
                self._carry_stop = reason
                return reason
            self._skipped.append(Skipped(position, candidate.transaction, reason))
            self._carried_taken += carries
            return reason
        self._carried_taken += carries
        return None

    def edit(self, edit: AccountEdit) -> None:
        """Change an account by decree, which no other node could follow: for a devnet's sandbox."""
        self._evm.set_override(
            edit.address,
            balance=edit.balance,
            nonce=edit.nonce,
            code=edit.code,
            storage_diff=edit.slots,
        )

    def seal(self) -> BlockResult:
        """Compute the roots and close the block, which takes no offer after that."""
        transactions = tuple(tx.raw or encode(tx) for tx, _, _ in self._included)
        receipts = tuple(receipt for _, _, receipt in self._included)
        update = self._state.update(self._evm.diff())
        header = replace(
            self._draft,
            state_root=update.root,
            transactions_root=list_root(transactions),
            receipts_root=list_root([encode_receipt(receipt) for receipt in receipts]),
            logs_bloom=merge_blooms(receipt.logs_bloom for receipt in receipts),
            gas_used=Gas(self._gas_used),
        )
        sealed = SealedBlock(
            hash=header_hash(header),
            header=header,
            transactions=transactions,
            senders=tuple(tx.sender for tx, _, _ in self._included),
            contracts=tuple(_created(tx, outcome) for tx, outcome, _ in self._included),
            receipts=receipts,
            update=update,
        )
        return BlockResult(sealed, tuple(self._skipped), self._carried_taken)

    def _include(self, given: Transaction | bytes, approve: Approve | None) -> None:
        tx = decode(given, chain_id=self._config.chain_id) if isinstance(given, bytes) else given
        outcome = self._evm.apply(tx, self.gas_left, approve)
        if outcome.gas_used > self.gas_left:
            raise InternalError(f"a transaction used {outcome.gas_used} of {self.gas_left} gas")
        self._gas_used += outcome.gas_used
        receipt = Receipt(
            type=tx.type,
            succeeded=outcome.succeeded,
            cumulative_gas_used=Gas(self._gas_used),
            logs=outcome.logs,
            logs_bloom=bloom_of(outcome.logs),
        )
        self._included.append((tx, outcome, receipt))


def context_of(header: Header, config: ChainConfig, ancestors: Ancestors) -> BlockContext:
    """The environment in which the transactions of the block with that header run."""
    return BlockContext(
        chain_id=config.chain_id,
        number=header.number,
        timestamp=header.timestamp,
        coinbase=header.coinbase,
        gas_limit=header.gas_limit,
        base_fee=header.base_fee_per_gas,
        prev_randao=header.prev_randao,
        ancestor_hash=ancestors,
    )


def _draft_header(parent: Header, attributes: BlockAttributes) -> Header:
    """The header as far as it is known beforehand; docs/chain-rules.md, "Headers"."""
    return Header(
        parent_hash=header_hash(parent),
        state_root=parent.state_root,
        number=BlockNumber(parent.number + 1),
        gas_limit=attributes.gas_limit,
        timestamp=attributes.timestamp,
        base_fee_per_gas=next_base_fee(parent),
        coinbase=attributes.coinbase,
        prev_randao=attributes.prev_randao,
    )


def _check_parent(parent: Header, state: State, attributes: BlockAttributes) -> None:
    if attributes.timestamp <= parent.timestamp:
        raise InvalidBlockAttributes(
            f"timestamp {attributes.timestamp} is not after the parent's {parent.timestamp}"
        )
    if state.root != parent.state_root:
        raise ParentStateMismatch(
            f"block {parent.number} has state root 0x{parent.state_root.hex()},"
            f" but the state given has 0x{state.root.hex()}"
        )


def _created(tx: Transaction, outcome: Outcome) -> Address | None:
    return outcome.created if tx.to is None else None
