"""What the rest of the node asks of derivation; read only, and safe from any thread."""

from bridge.boundary import Boundary, ring_root
from bridge.derive.errors import RecordDamaged
from bridge.derive.inbox_log import InboxLog
from bridge.derive.records import GENESIS_ANCHOR, BlockInputs, DerivedBlock, read_derived
from bridge.derive.sequenced import inputs_of
from bridge.items import Cursor, InboxItem, Origin
from genesis.config import ChainConfig
from genesis.hashing import config_hash
from genesis.predeploys import L2_TO_L1_MESSAGE_PASSER
from state.accounts import EMPTY_TRIE_ROOT, StateReader, StateUpdate
from state.blocks import Header, SealedBlock
from state.headers import header_hash
from state.store import ChainStore
from state.types import BlockNumber, Hash32


class DerivationView:
    """Boundaries, output roots and origins of the chain in a store."""

    __slots__ = ("_genesis", "_log", "_store")

    def __init__(self, store: ChainStore, config: ChainConfig, log: InboxLog) -> None:
        self._store = store
        self._log = log
        genesis = self.header(BlockNumber(0))
        passer_root = message_passer_root(store.state(BlockNumber(0)))
        self._genesis = DerivedBlock(
            GENESIS_ANCHOR, _genesis_boundary(config_hash(config), genesis, passer_root)
        )

    def derived(self, number: BlockNumber) -> DerivedBlock | None:
        """Batch or tick, cursor, origin and boundary of a safe block; None for another."""
        if number == 0:
            return self._genesis
        if number > self._store.heads.safe.number:
            return None
        return read_derived(self._store, number)

    def boundary(self, number: BlockNumber) -> Boundary | None:
        """The boundary after a safe block; None for another."""
        derived = self.derived(number)
        return None if derived is None else derived.boundary

    def output_root(self, number: BlockNumber) -> Hash32 | None:
        """The output root of a safe block; None for another."""
        boundary = self.boundary(number)
        return None if boundary is None else boundary.output_root

    def withdrawals_root(self, number: BlockNumber) -> Hash32 | None:
        """Storage root of the message passer after a safe block; None for another."""
        boundary = self.boundary(number)
        return None if boundary is None else boundary.message_passer_root

    def inputs(self, number: BlockNumber) -> BlockInputs | None:
        """Origin and deposit position of any block, unsafe ones too; None past the head."""
        if number > self._store.heads.unsafe.number:
            return None
        return inputs_of(self._store, number)

    def origin_of(self, number: BlockNumber) -> tuple[Origin, InboxItem | None] | None:
        """The origin of a block and its inbox item (None until this node has the item)."""
        inputs = self.inputs(number)
        return None if inputs is None else (inputs.origin, self._log.item(inputs.origin.item))

    def batch_of(self, number: BlockNumber) -> InboxItem | None:
        """The batch or tick that a safe block comes from; None for another block."""
        derived = self.derived(number)
        return None if derived is None else self._log.item(derived.item.index)

    # Reads that must succeed, for the pipeline

    def safe(self, number: BlockNumber) -> DerivedBlock:
        """As `derived`, for a block that is safe. Raises `RecordDamaged`."""
        derived = self.derived(number)
        if derived is None:
            raise RecordDamaged(number, "it is safe, but nothing says where it comes from")
        if derived.boundary.header_hash != self.hash_of(number):
            raise RecordDamaged(number, "its boundary is another block's")
        return derived

    def header(self, number: BlockNumber) -> Header:
        """The header of a block that is there. Raises `RecordDamaged`."""
        header = self._store.header(number)
        if header is None:
            raise RecordDamaged(number, "the header is gone")
        return header

    def hash_of(self, number: int) -> Hash32:
        """The hash of a block that is there. Raises `RecordDamaged`."""
        block = self._store.block_id(BlockNumber(number))
        if block is None:
            raise RecordDamaged(number, "the block is gone")
        return block.hash


def genesis_boundary(config: ChainConfig, genesis: SealedBlock) -> Boundary:
    """The boundary that the chain starts from: the `Rollup` contract's first anchor."""
    passer = genesis.update.accounts.get(L2_TO_L1_MESSAGE_PASSER)
    root = EMPTY_TRIE_ROOT if passer is None else passer.storage_root
    return _genesis_boundary(config_hash(config), genesis.header, root)


def message_passer_root(state: StateReader, update: StateUpdate | None = None) -> Hash32:
    """Storage root of the L2ToL1MessagePasser in `state`, or after `update` of it."""
    if update is not None and L2_TO_L1_MESSAGE_PASSER in update.accounts:
        passer = update.accounts[L2_TO_L1_MESSAGE_PASSER]
    else:
        passer = state.account(L2_TO_L1_MESSAGE_PASSER)
    return EMPTY_TRIE_ROOT if passer is None else passer.storage_root


def _genesis_boundary(config: Hash32, header: Header, passer_root: Hash32) -> Boundary:
    block_hash = header_hash(header)
    return Boundary(
        config_hash=config,
        number=header.number,
        header_hash=block_hash,
        state_root=header.state_root,
        message_passer_root=passer_root,
        ring_root=ring_root(header.number, lambda _: block_hash),
        cursor=Cursor(),
        origin=Origin(),
    )
