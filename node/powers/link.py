"""A node's end of the channel: it does what the devnet tells it, and passes powers on to it.

The node lives in generations. `close` ends one in order: the gate keeps calls out, the role's loops
end, the databases close. `reopen` puts another state into the data folder, if one is named, and
begins the next as a start of the process would; the listening socket and its clients stay.
"""

import asyncio
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from execution.transaction import Transaction
from execution.transition import AccountEdit
from node.conditions import Conditions
from node.powers import checkpoint
from node.powers.channel import Channel
from node.powers.errors import PowerRefused, PowerUnavailable
from node.powers.gate import Gate
from node.powers.limits import FREEZE_SECONDS_MAX, MINE_SECONDS_MAX, RETRY_SECONDS
from node.powers.makers import BlockMaker
from node.powers.sandbox import Sandbox
from node.roles.pace import Pace
from node.roles.sequencer import Sequencer
from node.rpc.dispatch import Dispatcher, registry
from node.rpc.feed import BlockEvent
from node.rpc.powers.methods import power_namespaces
from node.settings import NodeSettings
from sequencer.builder import unsafe_header
from sequencer.pool_file import save_pool
from state.clock import OffsetClock, SystemClock
from state.types import Address, Hash32, Timestamp, Wei

if TYPE_CHECKING:
    from node.service.running import RunningNode


class NodeLink:
    """The devnet's hand on one node. Everything is for the event loop."""

    def __init__(self, settings: NodeSettings) -> None:
        self.clock = OffsetClock(SystemClock())
        self.sandbox = Sandbox() if settings.sandbox else None
        self.conditions = Conditions(self.clock, Pace(settings.block_seconds), self.sandbox)
        self._data_dir = settings.data_dir
        self._gate = Gate()
        self._channel: Channel | None = None
        self._node: RunningNode | None = None
        self._leaving = asyncio.Event()
        self._is_open = asyncio.Event()
        self._is_closed = asyncio.Event()
        self._may_open = asyncio.Event()
        self._thaw: threading.Event | None = None

    @classmethod
    @asynccontextmanager
    async def joined(cls, settings: NodeSettings) -> "AsyncIterator[NodeLink]":
        """The link over our standard input, once the devnet has said how its time stands."""
        link, data_dir = cls(settings), settings.data_dir
        end = socket.socket(fileno=os.dup(sys.stdin.fileno()))
        link._channel = channel = await Channel.over(end, link._handlers())
        try:
            hello = await channel.request("hello")
            link.clock.move(hello["offset"])
            interval, automine = hello["pace"]
            link.conditions.pace.set(interval_seconds=interval, automine=automine)
            if hello["restore"] is not None:
                await asyncio.to_thread(checkpoint.put_back, Path(hello["restore"]), data_dir)
            checkpoint.finish_putting_back(data_dir)
            yield link
        finally:
            await channel.close()

    async def wait_alone(self) -> None:
        """Wait until the devnet is gone."""
        if self._channel is not None:
            await self._channel.closed.wait()

    async def ask(self, power: str, /, **arguments: Any) -> Any:
        """Ask the devnet to use a power. Raises `PowerRefused` or `PowerUnavailable`."""
        if self._channel is None:
            raise PowerUnavailable("the devnet is not there")
        return await self._channel.request(power, **arguments)

    # Generations

    def namespaces(self) -> tuple[object, ...]:
        """The JSON-RPC methods that reach the devnet."""
        return power_namespaces(self.ask, is_sandbox=self.sandbox is not None)

    def open_gate(self, dispatcher: Dispatcher) -> None:
        """A generation is open: let calls in to it."""
        ungated = frozenset(registry(*self.namespaces()))
        dispatcher.methods = self._gate.open(dispatcher.methods, ungated)

    async def attend(self, node: "RunningNode") -> None:
        """Do what the devnet asks of this generation, until it is to end."""
        self._node = node
        self._leaving.clear()
        self._is_closed.clear()
        node.chain.feed.on_block(self._unpin)
        if node.maker is not None:
            self._follow_pool(node.maker)
        self._is_open.set()
        await self.ask("opened")
        await self._leaving.wait()

    @property
    def is_leaving(self) -> bool:
        """Whether the generation ends for another one."""
        return self._leaving.is_set()

    async def wait_reopening(self) -> None:
        """The generation is closed: wait until another may be opened."""
        self._node = None
        self._is_closed.set()
        await self._may_open.wait()
        self._may_open.clear()

    def _follow_pool(self, maker: BlockMaker) -> None:
        """Let a waiting transaction be mined, in the mode where that is enough."""
        loop = asyncio.get_running_loop()

        def tell(_: Transaction) -> None:
            loop.call_soon_threadsafe(maker.pace.transaction_waits)

        maker.chain.mempool.subscribe(tell)

    def _unpin(self, event: BlockEvent) -> None:
        """A block took the timestamp that the clock was stopped for."""
        pinned = self.clock.pinned
        if pinned is not None and not event.removed and event.header.timestamp >= pinned:
            self.clock.unpin()

    # What the devnet asks for

    def _handlers(self) -> dict[str, Any]:
        return {
            "clock": self._set_clock,
            "pace": self._set_pace,
            "mine": self._mine,
            "drop": self._drop,
            "rewind": self._rewind,
            "heads": self._heads,
            "edit": self._edit,
            "pose": self._pose,
            "hold": self._hold,
            "release": self._release,
            "post": self._post,
            "see_l1": self._see_l1,
            "freeze": self._freeze,
            "save": self._save,
            "unfreeze": self._unfreeze,
            "close": self._close,
            "reopen": self._reopen,
        }

    @property
    def _running(self) -> "RunningNode":
        if self._node is None:
            raise PowerUnavailable("the node is closed at the moment; try again")
        return self._node

    @property
    def _maker(self) -> BlockMaker:
        maker = self._running.maker
        if maker is None:
            raise PowerRefused("this node makes no blocks")
        return maker

    async def _set_clock(self, offset: int, pin: int | None, is_exact: bool) -> None:
        if pin is None:
            self.clock.move(offset)
            self.clock.unpin()
            return
        head = unsafe_header(self._running.chain.store).timestamp
        if is_exact and pin <= head:
            raise PowerRefused(f"Timestamp error: a block came meanwhile, at {head}, after {pin}")
        self.clock.move(offset)
        self.clock.pin(Timestamp(max(pin, head + 1)))

    async def _set_pace(self, interval: float | None, automine: bool) -> None:
        self.conditions.pace.set(interval_seconds=interval, automine=automine)

    async def _heads(self) -> dict[str, Any]:
        chain = self._running.chain
        header, heads = unsafe_header(chain.store), chain.store.heads
        return {
            "number": header.number,
            "timestamp": header.timestamp,
            "safe": heads.safe.number,
            "finalized": heads.finalized.number,
        }

    async def _mine(self, blocks: int, interval: int) -> dict[str, int]:
        """Make blocks now; the clock runs ahead with them. Answers where both are in the end."""
        maker, clock = self._maker, self.clock

        def set_time(seconds_after_parent: int) -> None:
            parent = unsafe_header(maker.chain.store)
            if seconds_after_parent:
                clock.pin(Timestamp(parent.timestamp + seconds_after_parent))
            elif clock.pinned is None:
                clock.reach(Timestamp(parent.timestamp + 1))

        for position in range(blocks):
            await self._make_one(maker, partial(set_time, interval if position else 0))
        clock.reach(unsafe_header(maker.chain.store).timestamp)
        return {"offset": clock.offset_seconds}

    async def _make_one(self, maker: BlockMaker, set_time: Callable[[], None]) -> None:
        """Make a block at the time set in its turn: a block of the role's own may come before."""
        try:
            async with asyncio.timeout(MINE_SECONDS_MAX):
                while await maker.make_block(set_time) is None:
                    await asyncio.sleep(RETRY_SECONDS)
        except TimeoutError:
            raise PowerUnavailable(
                f"no block could be made within {MINE_SECONDS_MAX} s; the node's log says why"
            ) from None

    async def _drop(self, transaction: str | None, sender: str | None) -> list[str]:
        """Take transactions out of the pool: one, a sender's, or all; those that were there."""
        mempool = self._running.chain.mempool
        chosen = [
            tx.hash
            for tx in mempool.content().transactions()
            if transaction in (None, tx.hash.hex()) and sender in (None, tx.sender.hex())
        ]
        mempool.discard(chosen)
        return [hash_.hex() for hash_ in chosen if mempool.get(Hash32(hash_)) is None]

    async def _rewind(self, depth: int, keeps_transactions: bool) -> None:
        await self._maker.rewind(depth, keeps_transactions=keeps_transactions)

    # Settling

    @property
    def _sequencer(self) -> Sequencer:
        maker = self._maker
        if not isinstance(maker, Sequencer):
            raise PowerRefused("this node is no sequencer")
        return maker

    async def _hold(self) -> None:
        """Make no L2 block until `release`."""
        await self._sequencer.hold()

    async def _release(self) -> None:
        self._sequencer.release()

    async def _post(self) -> None:
        """Bring blocks to L1 now."""
        await self._sequencer.post()

    async def _see_l1(self, number: int) -> None:
        """Wait until the node has read L1 up to a block."""
        follower = self._sequencer.follower
        while follower.l1 is None or follower.l1.head.number < number:
            await asyncio.sleep(RETRY_SECONDS)

    # The sandbox

    async def _edit(
        self,
        address: str,
        balance: str | None,
        nonce: str | None,
        code: str | None,
        slots: dict[str, str],
    ) -> None:
        """Change an account, in a block that is made for it."""
        self._sandbox.edit(
            AccountEdit(
                address=Address(bytes.fromhex(address)),
                balance=None if balance is None else Wei(int(balance, 16)),
                nonce=None if nonce is None else int(nonce, 16),
                code=None if code is None else bytes.fromhex(code),
                slots={int(slot, 16): int(value, 16) for slot, value in slots.items()},
            )
        )
        await self._mine(blocks=1, interval=0)

    async def _pose(self, address: str | None, enabled: bool) -> None:
        """Let an account, or every one, be sent for without a signature; or no longer."""
        if address is None:
            self._sandbox.everybody_poses = enabled
        elif enabled:
            self._sandbox.posing.add(Address(bytes.fromhex(address)))
        else:
            self._sandbox.posing.discard(Address(bytes.fromhex(address)))

    @property
    def _sandbox(self) -> Sandbox:
        if self.sandbox is None:
            raise PowerRefused("this devnet is no sandbox")
        return self.sandbox

    # Snapshots

    async def _freeze(self) -> None:
        """Hold the thread that writes the chain, so that nothing changes until `unfreeze`."""
        frozen, thaw = threading.Event(), threading.Event()

        def hold() -> None:
            frozen.set()
            thaw.wait(FREEZE_SECONDS_MAX)

        self._running.chain.writer.submit(hold)
        self._thaw = thaw
        if not await asyncio.to_thread(frozen.wait, FREEZE_SECONDS_MAX):
            raise PowerUnavailable("the node is too busy to be held; try again")

    async def _save(self, folder: str) -> None:
        """Copy the data folder, and what waits in the pool."""
        target = Path(folder)
        mempool = self._running.chain.mempool
        await asyncio.to_thread(checkpoint.take, self._data_dir, target)
        save_pool(mempool, target)

    async def _unfreeze(self) -> None:
        if self._thaw is not None:
            self._thaw.set()
            self._thaw = None

    async def _close(self) -> None:
        """End the generation; harmless to repeat."""
        if self._is_closed.is_set():
            return
        await self._is_open.wait()
        await self._gate.close()
        self._is_open.clear()
        self._leaving.set()
        await self._is_closed.wait()

    async def _reopen(self, folder: str | None, offset: int) -> None:
        """Begin a new generation, with the state of a copy in the data folder if one is named."""
        if not self._is_closed.is_set():
            raise PowerRefused("the node is open")
        self.clock.move(offset)
        self.clock.unpin()
        if folder is not None:
            await asyncio.to_thread(checkpoint.put_back, Path(folder), self._data_dir)
        self._may_open.set()
        await self._is_open.wait()
