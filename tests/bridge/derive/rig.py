"""A node's derivation and sequencing, put together as a node does: real stores, real engine."""

from pathlib import Path
from typing import Any

from bridge.derive.inbox_log import InboxLog
from bridge.derive.pipeline import Pipeline
from bridge.derive.plan import BlockPlan
from bridge.derive.sequenced import batch_block_of, record_block, sequenced_plan
from bridge.items import InboxItem
from execution.contracts import artifact
from execution.evm.threads import run_deep
from execution.transition import BlockResult, Candidate, execute_block
from genesis.builder import GenesisAccount, build_genesis
from genesis.config import ChainConfig, DerivationConfig, Layer
from genesis.hashing import config_hash
from genesis.predeploys import L1_BLOCK, L2_TO_L1_MESSAGE_PASSER
from sequencer.builder import build
from sequencer.mempool import Mempool
from state.accounts import Account
from state.blocks import BlockId, SealedBlock
from state.clock import ManualClock
from state.headers import next_base_fee
from state.store import ChainIdentity, ChainStore
from state.types import Address, BlockNumber, Hash32, Timestamp, Wei
from tests.bridge.derive.inbox import ETHER, GENESIS_TIME, Inbox
from tests.execution.wallet import CHAIN_ID, Wallet

ALICE, BOB, CAROL = Wallet(1), Wallet(2), Wallet(3)
DRIFT, WINDOW = 100, 500
FAR = 2**63
"""An L1 block number no item reaches: any item may be an origin."""

BURNER = Address(b"\xb0" * 20)
"""Burns all the gas it is given, by an invalid opcode."""

CONFIG = ChainConfig(
    name="test",
    layer=Layer.L2,
    chain_id=CHAIN_ID,
    genesis_time=GENESIS_TIME,
    coinbase=Address(b"\xc0" * 20),
    derivation=DerivationConfig(drift_seconds=DRIFT, window_seconds=WINDOW),
)


def genesis(config: ChainConfig = CONFIG) -> SealedBlock:
    """Funded wallets, the real L1Block and message passer, and a contract that burns gas."""
    alloc = {
        wallet.address: GenesisAccount(balance=Wei(1_000 * ETHER)) for wallet in (ALICE, BOB, CAROL)
    }
    predeploys = {L1_BLOCK: "L1Block", L2_TO_L1_MESSAGE_PASSER: "L2ToL1MessagePasser"}
    for address, name in predeploys.items():
        alloc[address] = GenesisAccount(nonce=1, code=artifact(name).deployed_bytecode)
    alloc[BURNER] = GenesisAccount(nonce=1, code=b"\xfe")
    return build_genesis(config, alloc)


class Rig:
    """One node: `feed` says what L1 says, `derive` runs the pipeline, `sequence` makes blocks."""

    def __init__(self, path: Path | None = None, config: ChainConfig = CONFIG) -> None:
        self.config = config
        first = genesis(config)
        identity = ChainIdentity(config.chain_id, first.hash, config_hash(config))
        self.store = ChainStore.open(path, identity, first)
        self.log = InboxLog(self.store)
        self.pipeline = Pipeline(self.store, config, self.log)
        self.clock = ManualClock(GENESIS_TIME)

    # L1

    def feed(self, inbox: Inbox) -> None:
        """Make the log what L1 now says: truncate to the common prefix, then append."""
        common = 0
        while common < min(self.log.count, len(inbox.items)):
            if self.log.item(common) != inbox.items[common]:
                break
            common += 1
        self.log.truncate(common)
        self.log.append(inbox.items)

    def derive(self) -> int:
        """Derive all that the log gives; returns the number of blocks."""
        derived = 0
        while True:
            progress = self.pipeline.advance()
            derived += progress.derived
            if progress.waiting:
                return derived

    def follow(self, inbox: Inbox) -> "Rig":
        self.feed(inbox)
        self.derive()
        return self

    # Sequencing

    def sequence(self, *raws: bytes, seconds: int = 2, l1_number: int = FAR) -> BlockId:
        """Make the next unsafe block of these transactions, as the sequencer service does."""
        self.clock.advance(seconds)
        plan = sequenced_plan(
            self.store, self.log, self.config, now=self.clock.now(), l1_number=l1_number
        )
        result = build(
            self.store,
            self.config,
            self.pool(*raws),
            plan.attributes,
            plan.forced_candidates,
            clock=self.clock,
        )
        self.write(plan, result)
        return self.store.heads.unsafe

    def set_clock(self, inbox: Inbox) -> None:
        """Let time pass until the clock is neither behind L1's nor behind the chain's."""
        newest = max(inbox.l1_time, self.timestamp(self.unsafe.number))
        self.clock.advance(max(0, newest - self.clock.now()))

    def execute(self, plan: BlockPlan) -> BlockResult:
        """Execute a plan on the unsafe head, without writing it."""
        number = self.store.heads.unsafe.number
        header = self.store.header(number)
        assert header is not None
        candidates: tuple[Candidate, ...] = plan.candidates
        return run_deep(
            execute_block,
            header,
            self.store.state(),
            plan.attributes,
            candidates,
            self.config,
            lambda n: self.pipeline.view.hash_of(n),
        )

    def write(self, plan: BlockPlan, result: BlockResult) -> None:
        with self.store.commit() as batch:
            batch.append(result.sealed)
            record_block(batch, plan, result)

    def pool(self, *raws: bytes) -> Mempool:
        number = self.store.heads.unsafe.number
        header = self.store.header(number)
        assert header is not None
        mempool = Mempool(self.config, self.clock, self.store.state(), next_base_fee(header))
        for raw in raws:
            mempool.add(raw)
        return mempool

    def post(self, inbox: Inbox) -> InboxItem:
        """Post all blocks after the safe head in one batch, and let L1 move on."""
        heads = self.store.heads
        numbers = range(heads.safe.number + 1, heads.unsafe.number + 1)
        inbox.l1_time = max(inbox.l1_time, self.clock.now())
        inbox.mine()
        return inbox.batch(batch_block_of(self.store, BlockNumber(n)) for n in numbers)

    # Looking

    @property
    def safe(self) -> BlockId:
        return self.store.heads.safe

    @property
    def unsafe(self) -> BlockId:
        return self.store.heads.unsafe

    def account(self, address: Address) -> Account:
        return self.store.state().account(address) or Account()

    def chain(self) -> list[Hash32]:
        """The output root of every safe block."""
        roots = [
            self.pipeline.view.output_root(BlockNumber(n)) for n in range(self.safe.number + 1)
        ]
        assert None not in roots
        return [root for root in roots if root is not None]

    def transactions(self, number: int) -> tuple[bytes, ...]:
        block = self.store.block(BlockNumber(number))
        assert block is not None
        return tuple(block.transactions)

    def timestamp(self, number: int) -> Timestamp:
        header = self.store.header(BlockNumber(number))
        assert header is not None
        return header.timestamp

    def close(self) -> None:
        self.store.close()


def transfer(wallet: Wallet, **changes: Any) -> bytes:
    """A signed transfer with the wallet's next nonce."""
    raw = wallet.raw(nonce=changes.pop("nonce", wallet.nonce), **changes)
    wallet.nonce += 1
    return raw
