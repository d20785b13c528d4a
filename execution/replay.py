"""Blocks executed once more by the engine, for a look at what each transaction does."""

from collections.abc import Sequence
from dataclasses import replace

from execution.attributes import BlockAttributes
from execution.errors import InvalidTransaction
from execution.evm.engine import Evm, Outcome
from execution.evm.tracer import Tracer
from execution.evm.tracing import TracedEvm, Watch, WatchedEvm
from execution.transactions import decode_any
from execution.transition import Ancestors, Candidate, OpenBlock, context_of
from genesis.config import ChainConfig
from state.accounts import EMPTY_TRIE_ROOT, Account, State, StateReader
from state.blocks import Header, Receipt
from state.errors import Invalid
from state.stored import StoredBlock
from state.types import ZERO_HASH, Address, Gas, Hash32


class ReplayedBlock(OpenBlock):
    """An open block that can be looked at between transactions, and within them."""

    def __init__(
        self,
        parent: Header,
        state: State,
        attributes: BlockAttributes,
        candidates: Sequence[Candidate],
        config: ChainConfig,
        ancestors: Ancestors,
    ) -> None:
        super().__init__(parent, state, attributes, config, ancestors)
        self.candidates = candidates
        """What the engine finds on offer; whoever looks on offers one after the other."""
        context = context_of(self._draft, config, ancestors)
        self._evm: WatchedEvm = WatchedEvm(state, context, config.rules)

    @property
    def count(self) -> int:
        """Transactions included so far."""
        return len(self._included)

    @property
    def last_receipt(self) -> Receipt:
        """The receipt of the last transaction included."""
        return self._included[-1][2]

    def root(self) -> Hash32:
        """The state root after the transactions so far."""
        return self._state.update(self._evm.diff()).root

    def storage(self, address: Address, slot: int) -> int:
        """The value of a slot after the transactions so far."""
        return self._evm.storage(address, slot)

    def watch(self, watch: Watch | None) -> None:
        """Tell somebody each instruction from now on, or nobody."""
        self._evm.watch(watch)


class ReplayDiffers(Invalid):
    """A transaction run again on the stored state did not do what its receipt says."""


class MinedReplay:
    """A block of the chain run again on its parent's state, transaction by transaction.

    Use it inside `run_deep`. Senders are those that were stored: nothing is recovered again.
    """

    def __init__(
        self,
        block: StoredBlock,
        parent_state: StateReader,
        config: ChainConfig,
        ancestors: Ancestors,
    ) -> None:
        self._block = block
        self._state = parent_state
        self._chain_id = config.chain_id
        context = context_of(block.header, config, ancestors)
        self._evm = TracedEvm(parent_state, context, config.rules)
        self._next = 0

    @property
    def first_log(self) -> int:
        """The number in the block of the next transaction's first log."""
        return sum(len(receipt.logs) for receipt in self._block.receipts[: self._next])

    def skip_to(self, index: int) -> None:
        """Run the transactions before that one untraced. Raises `ReplayDiffers`."""
        while self._next < index:
            self.run(None)

    def run(self, tracer: Tracer | None) -> Outcome:
        """Run the next transaction for a tracer. Raises `ReplayDiffers`, and what the tracer does.

        A run that isn't the chain's would be a lie about it: gas and logs are held against the
        receipt. They differ only where somebody has edited the state beside the chain.
        """
        index, block = self._next, self._block
        tx = decode_any(
            block.transactions[index], chain_id=self._chain_id, sender=block.senders[index]
        )
        before = block.receipts[index - 1].cumulative_gas_used if index else 0
        self._evm.trace(tracer)
        try:
            outcome = self._evm.apply(tx, Gas(block.header.gas_limit - before))
        except InvalidTransaction as error:
            raise ReplayDiffers(f"{_place(block, index)} is not valid any more: {error}") from error
        receipt = block.receipts[index]
        used = receipt.cumulative_gas_used - before
        if (outcome.gas_used, outcome.logs) != (used, receipt.logs):
            raise ReplayDiffers(
                f"{_place(block, index)} used {used} gas, but {outcome.gas_used} when run again:"
                " the state was edited beside the chain"
            )
        self._next += 1
        return outcome

    def state(self) -> StateReader:
        """The state after the transactions run so far; valid until the next is run."""
        return _Midway(self._state, self._evm)


def _place(block: StoredBlock, index: int) -> str:
    return f"transaction {index} of block {block.header.number}"


class _Midway:
    """The state between two transactions of a block."""

    def __init__(self, parent_state: StateReader, evm: Evm) -> None:
        self._parent_state = parent_state
        self._evm = evm

    @property
    def root(self) -> Hash32:
        """The parent's: between two transactions there is none."""
        return self._parent_state.root

    def account(self, address: Address) -> Account | None:
        """The account as it is now; its storage root says only whether there may be storage."""
        account = self._evm.account(address)
        if account is None:
            return None
        root = ZERO_HASH if self._evm.has_storage(address) else EMPTY_TRIE_ROOT
        return replace(account, storage_root=root)

    def storage(self, address: Address, slot: int) -> int:
        return self._evm.storage(address, slot)

    def code(self, code_hash: Hash32) -> bytes:
        return self._evm.code_of(code_hash)
