"""From what a block changed to the state root: account leaves, storage tries, the account trie.

The world state (Yellow Paper, section 4.1) is a trie of accounts by the hash of their address, each
with the root of a trie of slots by the hash of their number. Every implementation of `State`
answers `update` through `update_world`, so there is one way to a root.
"""

from collections.abc import Callable, Mapping

from state.accounts import EMPTY_TRIE_ROOT, Account, AccountChange, StateDiff, StateUpdate
from state.errors import InternalError
from state.keccak import keccak
from state.rlp import (
    InvalidRLP,
    decode,
    decode_bytes,
    decode_list,
    decode_uint,
    encode_bytes,
    encode_joined,
    encode_uint,
    item_span,
)
from state.trie import NodeReader, get, update_trie
from state.types import UINT256_MAX, Address, Hash32, Wei

AccountReader = Callable[[Address], Account | None]


def encode_account(account: Account) -> bytes:
    """The leaf of an account in the state trie."""
    return encode_joined(
        encode_bytes(encode_uint(account.nonce))
        + encode_bytes(encode_uint(account.balance))
        + b"\xa0"
        + account.storage_root
        + b"\xa0"
        + account.code_hash
    )


def decode_account(data: bytes) -> Account:
    """Parse an account's leaf. Raises `InvalidRLP`."""
    nonce, balance, storage_root, code_hash = decode_list(decode(data), 4)
    return Account(
        nonce=decode_uint(nonce, 64),
        balance=Wei(decode_uint(balance)),
        storage_root=Hash32(decode_bytes(storage_root, 32)),
        code_hash=Hash32(decode_bytes(code_hash, 32)),
    )


def slot_key(slot: int) -> bytes:
    """The key of a slot in its storage trie, and in the flat state after the account's."""
    return keccak(slot.to_bytes(32, "big"))


def encode_slot(value: int) -> bytes:
    """The leaf of a slot in a storage trie; no bytes, which delete it, for zero."""
    return encode_bytes(encode_uint(value)) if value else b""


def decode_slot(leaf: bytes) -> int:
    """Parse a slot's leaf. Raises `InvalidRLP`."""
    is_list, start, stop = item_span(leaf, 0, len(leaf))
    if is_list or stop != len(leaf):
        raise InvalidRLP("a slot holds one number")
    return decode_uint(leaf[start:])


def trie_account(root: Hash32, address: Address, node: NodeReader) -> Account | None:
    """Read an account through the trie. Raises `InternalError` where the leaf is malformed."""
    leaf = get(root, keccak(address), node)
    if leaf is None:
        return None
    try:
        return decode_account(leaf)
    except InvalidRLP as error:
        raise InternalError(f"account 0x{address.hex()} is malformed: {error}") from error


def trie_slot(storage_root: Hash32, slot: int, node: NodeReader) -> int:
    """Read a slot through its trie; zero where there is none."""
    leaf = get(storage_root, slot_key(slot), node)
    if leaf is None:
        return 0
    try:
        return decode_slot(leaf)
    except InvalidRLP as error:
        raise InternalError(f"slot {slot:#x} is malformed: {error}") from error


def update_world(
    root: Hash32, diff: StateDiff, node: NodeReader, account: AccountReader
) -> StateUpdate:
    """Compute what `diff` makes of the state at `root`: one pass over each trie it touches.

    Raises `InternalError` where the diff contradicts itself or the state: storage of an account
    that is gone, values outside their range.
    """
    nodes: dict[Hash32, bytes] = {}
    accounts: dict[Address, Account | None] = {}
    leaves: dict[bytes, bytes] = {}
    for address in sorted(diff.accounts.keys() | diff.storage.keys() | diff.cleared):
        after = _account_after(address, diff, node, account, nodes)
        accounts[address] = after
        leaves[keccak(address)] = b"" if after is None else encode_account(after)
    update = update_trie(root, leaves, node)
    nodes.update(update.nodes)
    return StateUpdate(root=update.root, diff=diff, nodes=nodes, accounts=accounts)


def _account_after(
    address: Address,
    diff: StateDiff,
    node: NodeReader,
    account: AccountReader,
    nodes: dict[Hash32, bytes],
) -> Account | None:
    before = account(address)
    change = diff.accounts.get(address, before)
    slots = diff.storage.get(address, {})
    if change is None:
        if any(slots.values()):
            raise InternalError(f"the diff stores slots in 0x{address.hex()}, which is gone")
        return None
    _check_change(address, change)
    storage_root = EMPTY_TRIE_ROOT
    if before is not None and address not in diff.cleared:
        storage_root = before.storage_root
    if slots:
        storage_root = _storage_root_after(storage_root, slots, node, nodes)
    return Account(change.nonce, change.balance, storage_root, change.code_hash)


def _storage_root_after(
    storage_root: Hash32,
    slots: Mapping[int, int],
    node: NodeReader,
    nodes: dict[Hash32, bytes],
) -> Hash32:
    changes = {slot_key(slot): encode_slot(value) for slot, value in slots.items()}
    update = update_trie(storage_root, changes, node)
    nodes.update(update.nodes)
    return update.root


def _check_change(address: Address, change: Account | AccountChange) -> None:
    """A negative or oversized number would make a root that nobody else computes."""
    if not 0 <= change.nonce < 2**64 or not 0 <= change.balance <= UINT256_MAX:
        raise InternalError(
            f"account 0x{address.hex()}: nonce {change.nonce} or balance {change.balance} is out"
            " of range"
        )
