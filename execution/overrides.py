"""What a simulation pretends: accounts, precompiles and the block (go-ethereum's overrides)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from eth_utils.address import to_checksum_address

from execution.evm.context import BlockContext
from execution.evm.engine import Evm
from state.errors import Invalid
from state.types import Address, BlockNumber, Gas, Hash32, Timestamp, Wei


class InvalidOverride(Invalid):
    """Overrides that contradict each other, or that make no sense."""


class MovedToItself(InvalidOverride):
    """A precompile is moved to where it is."""


class MovedTwice(InvalidOverride):
    """Two precompiles are moved to one address."""


@dataclass(frozen=True, slots=True)
class AccountOverride:
    """What to pretend an account holds; None leaves the thing as it is (geth's state override).

    `storage` replaces all slots of the account, `storage_diff` only those it names. A precompile
    whose account is overridden runs no more at its address; it may go to `precompile_to`.
    """

    balance: Wei | None = None
    nonce: int | None = None
    code: bytes | None = None
    storage: Mapping[int, int] | None = None
    storage_diff: Mapping[int, int] = field(default_factory=dict)
    precompile_to: Address | None = None


Overrides = Mapping[Address, AccountOverride]


@dataclass(frozen=True, slots=True)
class BlockOverrides:
    """What to pretend of the block; None leaves the thing as it is. Fees in wei for one gas."""

    number: BlockNumber | None = None
    timestamp: Timestamp | None = None
    gas_limit: Gas | None = None
    coinbase: Address | None = None
    prev_randao: Hash32 | None = None
    base_fee: Wei | None = None
    blob_base_fee: Wei | None = None

    def applied_to(self, context: BlockContext) -> BlockContext:
        """The context with what is overridden."""
        names = ("number", "timestamp", "gas_limit", "coinbase", "prev_randao", "base_fee")
        given = {name: getattr(self, name) for name in (*names, "blob_base_fee")}
        chosen = {name: value for name, value in given.items() if value is not None}
        return replace(context, **chosen)


NO_BLOCK_OVERRIDES = BlockOverrides()


def override_accounts(evm: Evm, overrides: Overrides) -> None:
    """Pretend all that before the next transaction, as if the one before had left it.

    Raises `InvalidOverride`.
    """
    _move_precompiles(evm, overrides)
    for address, override in sorted(overrides.items()):
        evm.set_override(
            address,
            balance=override.balance,
            nonce=override.nonce,
            code=override.code,
            storage=override.storage,
            storage_diff=override.storage_diff,
        )


def _move_precompiles(evm: Evm, overrides: Overrides) -> None:
    """Take overridden precompiles away, and put those that move where they go.

    A move goes from where the precompile was before any other, so that two may change places with
    a third address between them.
    """
    active = evm.precompiles
    left = {address: run for address, run in active.items() if address not in overrides}
    moved: set[Address] = set()
    for address, override in sorted(overrides.items()):
        destination = override.precompile_to
        if destination is None:
            continue
        _check_move(address, destination, overrides, moved, is_precompile=address in active)
        left[destination] = active[address]
        moved.add(destination)
    evm.precompiles = left


def _check_move(
    address: Address,
    destination: Address,
    overrides: Overrides,
    moved: set[Address],
    *,
    is_precompile: bool,
) -> None:
    if not is_precompile:
        raise InvalidOverride(f"account {to_checksum_address(address)} is not a precompile")
    if address == destination:
        raise MovedToItself(
            f"MovePrecompileToAddress referenced itself: {to_checksum_address(address)}"
        )
    if destination in moved:
        raise MovedTwice(
            "multiple MovePrecompileToAddress referencing the same address:"
            f" {to_checksum_address(destination)}"
        )
    if destination in overrides:
        raise InvalidOverride(f"account {to_checksum_address(destination)} is already overridden")
