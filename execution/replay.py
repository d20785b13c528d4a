"""A block executed once more by the engine, for a look at what each transaction does."""

from collections.abc import Sequence

from execution.attributes import BlockAttributes
from execution.evm.tracing import Watch, WatchedEvm
from execution.transition import Ancestors, Candidate, OpenBlock, context_of
from genesis.config import ChainConfig
from state.accounts import State
from state.blocks import Header, Receipt
from state.types import Address, Hash32


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
