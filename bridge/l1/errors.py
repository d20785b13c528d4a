"""What can go wrong between us and L1, one class a reason.

Unavailable
└── L1Unavailable               no answer, or none that can be used: try again
    ├── L1EndpointBehind        doesn't know (yet) what another answer implied
    ├── L1EndpointInconsistent  answers that contradict each other or their own hashes
    ├── L1ContractMissing       no code where the deployment file says: another or emptied L1
    ├── L1FinalityBroken        a reorg below what the endpoint had called finalized
    ├── TransactionPending      sent, and not included within the patience we have
    └── TransactionSuperseded   another transaction of the account took its nonce
Invalid
├── WrongL1Chain                the endpoint serves another chain id
├── L1RequestRefused            a JSON-RPC error: code, message, data
│   └── L1CallReverted          the call or transaction would revert: the contract's reason
├── L1TransactionReverted       included, and reverted
└── InvalidDeployment           a deployment file or plan that can't be used
"""

from state.errors import Invalid, Unavailable
from state.types import Address, Hash32


class L1Unavailable(Unavailable):
    """The L1 endpoint gave no answer that can be used; trying again later may succeed."""


class L1AnswerTooLarge(L1Unavailable):
    """More than the endpoint gives in one answer, or than we read; ask for a smaller range."""


class L1EndpointBehind(L1Unavailable):
    """The endpoint doesn't know a block that it, or another behind the same URL, spoke of."""


class L1EndpointInconsistent(L1Unavailable):
    """Answers that contradict each other, or a header that doesn't have the hash it claims."""


class L1ContractMissing(L1Unavailable):
    """An address of the deployment file without code on this L1."""

    def __init__(self, address: Address, what: str) -> None:
        super().__init__(
            f"{what}: no contract at 0x{address.hex()} on this L1; the endpoint serves another"
            " chain than the deployment file describes, or one that lost its state"
        )


class L1FinalityBroken(L1Unavailable):
    """L1 took back a block that it had called finalized; nothing is changed on such a word."""


class TransactionPending(L1Unavailable):
    """A transaction that was sent, and not included within our patience."""

    def __init__(self, hash: Hash32, nonce: int) -> None:
        super().__init__(f"L1 transaction 0x{hash.hex()} (nonce {nonce}) is still pending")
        self.hash = hash


class TransactionSuperseded(L1Unavailable):
    """The nonce was used by another transaction of the same account; look at L1 anew."""

    def __init__(self, nonce: int) -> None:
        super().__init__(f"nonce {nonce} was used by another transaction of this account")
        self.nonce = nonce


class WrongL1Chain(Invalid):
    """The endpoint serves another chain than the one we are configured for."""

    def __init__(self, have: int, want: int) -> None:
        super().__init__(
            f"the L1 endpoint serves chain id {have}, but chain id {want} is expected: point"
            " --l1-rpc at the right chain, or use the deployment file of this one"
        )


class L1RequestRefused(Invalid):
    """A JSON-RPC error object; `code` and `data` as the endpoint sent them."""

    def __init__(self, method: str, code: int, message: str, data: object = None) -> None:
        super().__init__(f"{method}: {message} (code {code})")
        self.method = method
        self.code = code
        self.message = message
        self.data = data


class L1CallReverted(L1RequestRefused):
    """A call, or the estimate of a transaction, that reverts."""

    def __init__(self, method: str, code: int, reason: str, revert_data: bytes) -> None:
        super().__init__(method, code, f"execution reverted: {reason}", revert_data)
        self.reason = reason
        self.revert_data = revert_data


class L1TransactionReverted(Invalid):
    """A transaction that is in a block and failed."""

    def __init__(self, hash: Hash32, what: str) -> None:
        super().__init__(f"{what}: L1 transaction 0x{hash.hex()} reverted")
        self.hash = hash


class InvalidDeployment(Invalid):
    """A deployment file, or the plan in it, that can't be used; the message has the remedy."""
