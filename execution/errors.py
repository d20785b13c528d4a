"""Why a transaction can't be in a block, one class a reason.

    InvalidTransaction (Invalid)
    ├── MalformedTransaction        the bytes are no transaction
    ├── TransactionTypeNotSupported a type this chain doesn't have (blobs, or deposits on L1)
    ├── WrongChainId, InvalidSignature
    ├── NonceTooLow, NonceTooHigh, NonceOverflow
    ├── InsufficientFunds
    ├── IntrinsicGasTooLow, CalldataFloorTooHigh
    ├── GasAboveTransactionCap, GasAboveBlockLimit
    ├── FeeCapBelowBaseFee, TipAboveFeeCap
    ├── InitcodeTooLarge, TransactionTooLarge
    ├── SenderHasCode
    └── Declined                    whoever builds the block doesn't want what it did

The messages start with geth's words, because wallets and libraries match on them.
"""

from eth_utils.address import to_checksum_address

from state.errors import Invalid


class InvalidTransaction(Invalid):
    """A transaction that no block with this parent may hold."""


class MalformedTransaction(InvalidTransaction):
    """The bytes don't decode to a transaction (EIP-2718, EIP-2930, EIP-1559)."""


class TransactionTypeNotSupported(InvalidTransaction):
    """A transaction type that this chain doesn't have."""

    def __init__(self, type_id: int) -> None:
        super().__init__(f"transaction type not supported: {type_id}")


class WrongChainId(InvalidTransaction):
    """Signed for another chain (EIP-155)."""

    def __init__(self, have: int, want: int) -> None:
        super().__init__(f"invalid sender: invalid chain id for signer: have {have} want {want}")


class InvalidSignature(InvalidTransaction):
    """No key produced this signature, or s is in the upper half (EIP-2)."""


class NonceTooLow(InvalidTransaction):
    """The sender has already used this nonce."""

    def __init__(self, have: int, want: int) -> None:
        super().__init__(f"nonce too low: next nonce {want}, tx nonce {have}")


class NonceTooHigh(InvalidTransaction):
    """Nonces in between are missing."""

    def __init__(self, have: int, want: int) -> None:
        super().__init__(f"nonce too high: next nonce {want}, tx nonce {have}")


class NonceOverflow(InvalidTransaction):
    """The nonce is 2^64 - 1 (EIP-2681)."""

    def __init__(self) -> None:
        super().__init__("nonce has max value: 2^64-1 can't be used (EIP-2681)")


class InsufficientFunds(InvalidTransaction):
    """The balance doesn't cover gas limit * fee cap + value. Amounts in wei."""

    def __init__(self, sender: bytes, have: int, want: int) -> None:
        super().__init__(
            "insufficient funds for gas * price + value:"
            f" address {to_checksum_address(sender)} have {have} want {want}"
        )


class IntrinsicGasTooLow(InvalidTransaction):
    """The gas limit doesn't pay for the transaction itself."""

    def __init__(self, have: int, want: int) -> None:
        super().__init__(f"intrinsic gas too low: gas {have}, minimum needed {want}")


class CalldataFloorTooHigh(InvalidTransaction):
    """The gas limit doesn't reach the calldata floor (EIP-7623)."""

    def __init__(self, have: int, want: int) -> None:
        super().__init__(
            f"insufficient gas for floor data gas cost: gas {have}, minimum needed {want}"
        )


class GasAboveTransactionCap(InvalidTransaction):
    """The gas limit is above the cap of one transaction (EIP-7825)."""

    def __init__(self, have: int, cap: int) -> None:
        super().__init__(f"transaction gas limit too high: cap {cap}, tx {have}")


class GasAboveBlockLimit(InvalidTransaction):
    """The gas limit doesn't fit what is left of the block's."""

    def __init__(self, have: int, left: int) -> None:
        super().__init__(f"exceeds block gas limit: gas {have}, left {left}")


class FeeCapBelowBaseFee(InvalidTransaction):
    """The sender doesn't pay the base fee (EIP-1559). Amounts in wei."""

    def __init__(self, sender: bytes, have: int, base_fee: int) -> None:
        super().__init__(
            f"max fee per gas less than block base fee: address {to_checksum_address(sender)},"
            f" maxFeePerGas: {have}, baseFee: {base_fee}"
        )


class TipAboveFeeCap(InvalidTransaction):
    """The priority fee is above the fee cap (EIP-1559)."""

    def __init__(self, tip: int, cap: int) -> None:
        super().__init__(
            "max priority fee per gas higher than max fee per gas:"
            f" maxPriorityFeePerGas: {tip}, maxFeePerGas: {cap}"
        )


class InitcodeTooLarge(InvalidTransaction):
    """Creation code above 49,152 bytes (EIP-3860)."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"max initcode size exceeded: code size {size} limit {limit}")


class TransactionTooLarge(InvalidTransaction):
    """More bytes than a transaction may have."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"oversized data: transaction size {size}, limit {limit}")


class SenderHasCode(InvalidTransaction):
    """The sender is a contract (EIP-3607)."""

    def __init__(self, sender: bytes) -> None:
        super().__init__(f"sender not an eoa: address {to_checksum_address(sender)}")


class Declined(InvalidTransaction):
    """Nothing is wrong with it; who builds the block leaves what it did for a later one."""

    def __init__(self) -> None:
        super().__init__("declined by the block's builder: it has to wait for a later block")
