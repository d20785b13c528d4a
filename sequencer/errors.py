"""Why the pool doesn't take a transaction that may well be valid.

    TransactionRejected (Invalid)
    ├── AlreadyKnown            the pool holds these very bytes
    ├── ReplacementUnderpriced  same sender and nonce, but not enough more a gas
    ├── TransactionUnderpriced  the pool is full of transactions that pay more
    ├── TipTooLow               it doesn't pay for its bytes on L1
    ├── PoolFull                no room, whatever it pays
    └── AccountLimitExceeded    one sender may not fill the pool

The messages start with geth's words, because wallets and libraries match on them. What makes a
transaction invalid, for any block, is in `execution.errors`.
"""

from state.errors import Invalid


class TransactionRejected(Invalid):
    """The pool doesn't take this transaction now."""


class AlreadyKnown(TransactionRejected):
    """Sent before; nothing to do but wait."""

    def __init__(self) -> None:
        super().__init__("already known")


class ReplacementUnderpriced(TransactionRejected):
    """A replacement has to raise both fees by a tenth. Amounts in wei for one gas."""

    def __init__(self, fee_cap: int, tip: int) -> None:
        super().__init__(
            "replacement transaction underpriced:"
            f" maxFeePerGas must be at least {fee_cap} and maxPriorityFeePerGas at least {tip}"
        )


class TransactionUnderpriced(TransactionRejected):
    """Every transaction in the full pool pays at least as much."""

    def __init__(self) -> None:
        super().__init__("transaction underpriced: the pool is full; raise the fees")


class TipTooLow(TransactionRejected):
    """The tip doesn't pay for the transaction's bytes on L1. Amounts in wei for one gas."""

    def __init__(self, tip: int, needed: int) -> None:
        super().__init__(
            f"transaction underpriced: gas tip cap {tip}, minimum needed {needed}"
            " (its bytes are posted to L1)"
        )


class PoolFull(TransactionRejected):
    """No room could be made."""

    def __init__(self, why: str) -> None:
        super().__init__(f"txpool is full: {why}")


class AccountLimitExceeded(TransactionRejected):
    """The sender has as many transactions waiting as one account may have."""

    def __init__(self, limit: int, kind: str) -> None:
        super().__init__(f"account limit exceeded: {limit} {kind} transactions of one sender")
