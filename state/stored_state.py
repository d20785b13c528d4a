"""States of a stored chain: the newest in one lookup a value, any older one through the trie."""

from collections.abc import Sequence
from functools import lru_cache

from state.accounts import EMPTY_TRIE_ROOT, Account, StateDiff, StateUpdate
from state.keccak import keccak
from state.limits import ADDRESS_HASH_CACHE
from state.proofs import AccountProof, prove_account
from state.reader import ChainReader
from state.rlp import InvalidRLP
from state.stored import damaged
from state.tables import account_key, storage_key
from state.types import Address, Hash32
from state.world import decode_account, decode_slot, slot_key, trie_account, trie_slot, update_world


@lru_cache(maxsize=ADDRESS_HASH_CACHE)
def address_hash(address: Address) -> Hash32:
    """The key of an account in the state trie; remembered, for the same few hundred are in use."""
    return keccak(address)


class ArchiveState:
    """The state after any block, through the trie, whose nodes are never deleted."""

    def __init__(self, reader: ChainReader, root: Hash32) -> None:
        self.root = root
        self._reader = reader

    def account(self, address: Address) -> Account | None:
        """The account, or None where there is none."""
        return trie_account(self.root, address, self.node)

    def storage(self, address: Address, slot: int) -> int:
        """The value of a slot; zero where nothing was stored."""
        account = self.account(address)
        if account is None or account.storage_root == EMPTY_TRIE_ROOT:
            return 0
        return trie_slot(account.storage_root, slot, self.node)

    def code(self, code_hash: Hash32) -> bytes:
        """The code of that hash. Raises `InternalError` when the store has lost it."""
        return self._reader.code(code_hash)

    def node(self, node_hash: Hash32) -> bytes:
        """A node of the state trie or of a storage trie. Raises `InternalError` for a lost one."""
        return self._reader.node(node_hash)

    def update(self, diff: StateDiff) -> StateUpdate:
        """Compute the root after `diff` in one batched pass; changes nothing."""
        return update_world(self.root, diff, self.node, self.account)


class HeadState(ArchiveState):
    """The state after the unsafe head of one snapshot, read from the flat tables."""

    def account(self, address: Address) -> Account | None:
        """The account, or None where there is none."""
        data = self._reader.entries.get(account_key(address_hash(address)))
        if data is None:
            return None
        try:
            return decode_account(data)
        except InvalidRLP as error:
            raise damaged(f"account 0x{address.hex()} is malformed ({error})") from error

    def storage(self, address: Address, slot: int) -> int:
        """The value of a slot; zero where nothing was stored."""
        data = self._reader.entries.get(storage_key(address_hash(address), slot_key(slot)))
        if data is None:
            return 0
        try:
            return decode_slot(data)
        except InvalidRLP as error:
            raise damaged(f"slot {slot:#x} of 0x{address.hex()} is malformed ({error})") from error


class UnwrittenState(ArchiveState):
    """The state after a block that was executed on a stored one, and not written."""

    def __init__(self, reader: ChainReader, update: StateUpdate) -> None:
        super().__init__(reader, update.root)
        self._update = update

    def code(self, code_hash: Hash32) -> bytes:
        """The code of that hash, deployed by the block or stored before."""
        deployed = self._update.diff.codes.get(code_hash)
        return super().code(code_hash) if deployed is None else deployed

    def node(self, node_hash: Hash32) -> bytes:
        """A node that the block made, or a stored one."""
        made = self._update.nodes.get(node_hash)
        return super().node(node_hash) if made is None else made

    def prove(self, address: Address, slots: Sequence[int]) -> AccountProof:
        """Proofs of an account and slots of it after the block (EIP-1186)."""
        return prove_account(self.root, address, slots, self.node)
