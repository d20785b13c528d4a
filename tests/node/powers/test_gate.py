"""Calls that wait while one chain is exchanged for another."""

import asyncio

import pytest

from node.powers.gate import Gate
from node.rpc.dispatch import Dispatcher, method, registry

pytestmark = pytest.mark.anyio


class Namespace:
    """One chain's methods."""

    def __init__(self, name: str, go_on: asyncio.Event) -> None:
        self._name = name
        self._go_on = go_on

    @method("name")
    async def name(self) -> str:
        await self._go_on.wait()
        return self._name


ASK = b'{"jsonrpc":"2.0","id":1,"method":"name"}'


def answered(name: str) -> bytes:
    return b'{"jsonrpc":"2.0","id":1,"result":"%s"}' % name.encode()


async def test_call_during_the_exchange_is_answered_by_the_new_chain() -> None:
    gate, go_on = Gate(), asyncio.Event()
    go_on.set()
    dispatcher = Dispatcher(gate.open(registry(Namespace("old", go_on))))
    assert await dispatcher.answer(ASK) == answered("old")

    await gate.close()
    waiting = asyncio.create_task(dispatcher.answer(ASK))
    await asyncio.sleep(0)
    assert not waiting.done()

    gate.open(registry(Namespace("new", go_on)))
    assert await waiting == answered("new")


async def test_closing_lets_those_inside_finish() -> None:
    gate, go_on = Gate(), asyncio.Event()
    dispatcher = Dispatcher(gate.open(registry(Namespace("old", go_on))))
    inside = asyncio.create_task(dispatcher.answer(ASK))
    await asyncio.sleep(0)

    closing = asyncio.create_task(gate.close())
    await asyncio.sleep(0)
    assert not closing.done()
    go_on.set()
    await closing
    assert await inside == answered("old")
