"""A node in this process: a real chain with a block for every transaction, behind a real server."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from execution.attributes import BlockAttributes, InclusionRule
from execution.evm.threads import DeepExecutor
from execution.signing import UnsignedTransaction
from execution.signing import sign as sign_fields
from execution.transaction import TransactionType
from execution.transactions import make_deposit
from execution.transition import Candidate
from genesis.accounts import dev_accounts
from genesis.artifacts import load_artifact
from genesis.builder import GenesisAccount, build_genesis
from genesis.config import L2_RULES, ChainConfig, Layer
from genesis.hashing import config_hash
from genesis.networks import embedded_l1, embedded_l1_alloc
from genesis.predeploys import DEPOSITOR, L1_BLOCK
from node.rpc.api import build_app
from node.rpc.backend import Backend
from node.rpc.eth.signers import UnlockedAccounts
from node.rpc.evm_work import EvmWork
from node.rpc.feed import ChainFeed
from node.rpc.pending import NextBlock, PendingBlocks
from node.rpc.server import RpcServer
from sequencer.builder import build, unsafe_header
from sequencer.mempool import Mempool
from state.blocks import Header
from state.clock import SystemClock
from state.headers import header_hash, next_base_fee
from state.keccak import keccak
from state.reader import ChainReader
from state.store import ChainIdentity, ChainStore
from state.types import Address, BlockNumber, Gas, Hash32, Timestamp, Wei
from tests.clients.scenario import ARTIFACT
from tests.limits import WAIT_SECONDS_MAX

T = TypeVar("T")

GWEI = 10**9
NOBODY = Address(b"\x42" * 20)
GENESIS_TIME = Timestamp(1_700_000_000)
DEV = dev_accounts()
L1_CONFIG = embedded_l1(GENESIS_TIME)
L2_CONFIG = ChainConfig(
    name="test-l2", layer=Layer.L2, chain_id=424242, genesis_time=GENESIS_TIME, rules=L2_RULES
)


@dataclass(frozen=True, slots=True)
class TestChain:
    """A store, a pool and a feed, and the one thread that writes them."""

    __test__ = False

    store: ChainStore
    config: ChainConfig
    mempool: Mempool
    feed: ChainFeed
    clock: SystemClock
    writer: DeepExecutor


def open_chain(
    config: ChainConfig = L1_CONFIG,
    path: Path | None = None,
    alloc: dict[Address, GenesisAccount] | None = None,
) -> TestChain:
    """A chain with the dev accounts, in memory or in a folder."""
    genesis = build_genesis(config, embedded_l1_alloc() | (alloc or {}))
    identity = ChainIdentity(config.chain_id, genesis.hash, config_hash(config))
    store = ChainStore.open(path, identity, genesis)
    clock = SystemClock()
    base_fee = next_base_fee(unsafe_header(store))
    mempool = Mempool(config, clock, store.state(), base_fee)
    return TestChain(store, config, mempool, ChainFeed(store), clock, DeepExecutor(1))


@dataclass
class Automine:
    """Makes a block at once for every transaction sent, as devnets do."""

    chain: TestChain
    is_on: bool = True
    gap: int = 1
    """Seconds from one block to the next."""

    async def submit(self, raw: bytes) -> Hash32:
        transaction = await asyncio.to_thread(self.chain.mempool.add, raw)
        if self.is_on:
            await self.mine()
        return transaction.hash

    async def mine(self, *forced: Candidate) -> BlockNumber:
        number = await self._write(lambda: self._build(forced))
        await self.chain.feed.announce()
        return number

    async def rewind(self, number: BlockNumber) -> None:
        """Drop every block after `number`, as a reorg does; the feed is not told yet."""
        await self._write(lambda: self._rewind(number))

    async def _write(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.chain.writer, work)

    def _build(self, forced: tuple[Candidate, ...]) -> BlockNumber:
        chain = self.chain
        plan = self.plan(chain.store.reader)
        forced = (*plan.forced, *forced)
        sealed = build(
            chain.store, chain.config, chain.mempool, plan.attributes, forced, clock=chain.clock
        ).sealed
        with chain.store.commit() as batch:
            batch.append(sealed)
        chain.mempool.on_block(sealed, chain.store.state(), next_base_fee(sealed.header))
        return sealed.header.number

    def plan(self, reader: ChainReader) -> NextBlock:
        """What the next block is like, whatever is in the pool."""
        parent = unsafe_header(reader)
        attributes = BlockAttributes(
            timestamp=Timestamp(parent.timestamp + self.gap),
            prev_randao=keccak(parent.prev_randao),
            gas_limit=self.chain.config.block_gas_limit,
        )
        return NextBlock(attributes, self._first(parent))

    def _first(self, parent: Header) -> tuple[Candidate, ...]:
        """A deposit at the start of every block of an L2, as the real one has."""
        if not self.chain.config.rules.deposits:
            return ()
        deposit = make_deposit(
            source_hash=keccak(header_hash(parent)),
            sender=DEPOSITOR,
            to=L1_BLOCK,
            mint=Wei(0),
            value=Wei(0),
            gas=Gas(1_000_000),
            data=bytes(4),
        )
        return (Candidate(deposit, InclusionRule.CARRY),)

    def _rewind(self, number: BlockNumber) -> None:
        chain = self.chain
        with chain.store.commit() as batch:
            batch.rewind(number)
        base_fee = next_base_fee(unsafe_header(chain.store))
        chain.mempool.reset(chain.store.state(), base_fee)


class RunningNode:
    """The node as clients see it: by URL, from any thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        miner: Automine,
        backend: Backend,
        methods: frozenset[str],
        url: str,
    ) -> None:
        self._loop = loop
        self.miner = miner
        self.backend = backend
        self.methods = methods
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=60)

    @property
    def ws_url(self) -> str:
        return self.url.replace("http://", "ws://")

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine on the node's loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(_awaited(work), self._loop).result(WAIT_SECONDS_MAX)

    def mine(self, *forced: Candidate) -> BlockNumber:
        return self.run(lambda: self.miner.mine(*forced))

    def answer(self, method: str, *params: object) -> dict[str, Any]:
        """The whole response to a call."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return self.client.post("/", json=request).json()

    def call(self, method: str, *params: object) -> Any:
        """The result of a call that succeeds."""
        answer = self.answer(method, *params)
        assert "result" in answer, answer
        return answer["result"]

    def error(self, method: str, *params: object) -> dict[str, Any]:
        """The error of a call that fails."""
        answer = self.answer(method, *params)
        assert "error" in answer, answer
        return answer["error"]


async def _awaited(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


def make_backend(chain: TestChain, miner: Automine, executor: DeepExecutor) -> Backend:
    evm = EvmWork(executor)
    return Backend(
        store=chain.store,
        config=chain.config,
        feed=chain.feed,
        evm=evm,
        submit=miner.submit,
        mempool=chain.mempool,
        signers=UnlockedAccounts(DEV, chain.config.chain_id),
        pending=PendingBlocks(
            chain.store, chain.config, chain.mempool, chain.clock, evm, miner.plan
        ),
    )


Extra = Callable[[Backend], AbstractAsyncContextManager[tuple[object, ...]]]
"""Makes namespaces beyond what every node has, and closes them."""


@asynccontextmanager
async def nothing_extra(backend: Backend) -> AsyncIterator[tuple[object, ...]]:
    yield ()


@contextmanager
def running_node(chain: TestChain, extra: Extra = nothing_extra) -> Iterator[RunningNode]:
    """Serve a chain from a thread of its own; everything is closed at the end."""
    miner = Automine(chain)
    executor = DeepExecutor(2)
    backend = make_backend(chain, miner, executor)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="node")
    thread.start()

    def wait_for(work: Callable[[], Awaitable[T]]) -> T:
        return asyncio.run_coroutine_threadsafe(_awaited(work), loop).result(WAIT_SECONDS_MAX)

    closing = AsyncExitStack()

    async def start() -> tuple[RpcServer, frozenset[str]]:
        chain.feed.follow_pool(chain.mempool)
        app = build_app(backend, extra=await closing.enter_async_context(extra(backend)))
        server = RpcServer(app, "127.0.0.1", 0)
        await server.start()
        closing.push_async_callback(server.stop)
        return server, frozenset(app.dispatcher.methods)

    try:
        server, methods = wait_for(start)
        node = RunningNode(loop, miner, backend, methods, server.url)
        yield node
        node.client.close()
    finally:
        wait_for(closing.aclose)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        executor.shutdown()
        chain.writer.shutdown()
        chain.store.close()


def signed(chain_id: int, nonce: int, sender: int = 0, **fields: Any) -> bytes:
    """A transaction of a dev account, with defaults that a test may change."""
    settings: dict[str, Any] = {
        "nonce": nonce,
        "gas": Gas(1_000_000),
        "to": NOBODY,
        "value": Wei(1),
        "max_fee_per_gas": Wei(10 * GWEI),
        "max_priority_fee_per_gas": Wei(2 * GWEI),
    }
    settings |= fields
    if settings.get("type", TransactionType.FEE_MARKET) is not TransactionType.FEE_MARKET:
        settings["max_priority_fee_per_gas"] = settings["max_fee_per_gas"]
    return sign_fields(UnsignedTransaction(**settings), DEV[sender].key, chain_id)


def sign(node: RunningNode, nonce: int, sender: int = 0, **fields: Any) -> str:
    """The same, for `eth_sendRawTransaction`."""
    return "0x" + signed(node.backend.config.chain_id, nonce, sender, **fields).hex()


def selector(name: str) -> bytes:
    """The selector of a function, error or event of the Counter contract."""
    entry = next(one for one in json.loads(ARTIFACT.read_text())["abi"] if one.get("name") == name)
    types = ",".join(argument["type"] for argument in entry["inputs"])
    return keccak(f"{name}({types})".encode())[:4]


def counter_creation(start: int = 5) -> bytes:
    """The creation code of a Counter."""
    return load_artifact(ARTIFACT).bytecode + start.to_bytes(32)


def deploy_counter(node: RunningNode, nonce: int = 0, start: int = 5) -> str:
    """Deploy a Counter; its address."""
    raw = sign(node, nonce, to=None, value=Wei(0), data=counter_creation(start))
    receipt = node.call("eth_getTransactionReceipt", node.call("eth_sendRawTransaction", raw))
    assert receipt["status"] == "0x1"
    return receipt["contractAddress"]


def move(by: int) -> bytes:
    """The input of a call that moves a Counter."""
    return selector("move") + by.to_bytes(32, signed=True)
