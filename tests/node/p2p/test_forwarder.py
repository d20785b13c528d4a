"""Calls that replicas pass on: answers and errors come back as the sequencer gave them."""

import asyncio
import json
from pathlib import Path

import pytest

from execution.evm.threads import DeepExecutor
from node.p2p.errors import InvalidMessage, NoWayToSequencer
from node.p2p.exchanges import HOPS_MAX, Call
from node.p2p.feeds import Feeds
from node.p2p.forwarder import CallDesk, ForwardedError, Forwarder, ForwardUnanswered
from node.p2p.trade import ForwardedTrade
from node.rpc.codec import data, parse_data
from node.rpc.dispatch import Dispatcher, Param, method, registry
from node.rpc.errors import CallFailed, InvalidParams, MethodNotFound
from node.rpc.feed import ChainFeed
from state.keccak import keccak
from tests.bridge.derive.rig import Rig
from tests.node.p2p.rig import Member, make_network, peers_in, run, until
from tests.node.p2p.trading_rig import backend_of

SEND = "eth_sendRawTransaction"


def parse_order(value: object) -> object:
    if not isinstance(value, dict):
        raise InvalidParams("no order")
    return value


class Pool:
    """A namespace with the method of a pool, which remembers what it was given."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    @method(SEND, Param(parse_data))
    async def send(self, raw: bytes) -> str:
        if raw == b"old":
            raise CallFailed("nonce too low: next nonce 5, tx nonce 3", {"next": 5})
        self.taken.append(raw)
        return data(keccak(raw))

    @method("trade_placeOrder", Param(parse_order), Param(parse_order, None))
    async def place(self, order: dict[str, int], options: object) -> object:
        return {"placed": order["size"], "options": options}


def answer_with(member: Member, pool: Pool) -> None:
    member.network.answer_call = CallDesk(Dispatcher(registry(pool)).answer).answer


def forwarder_of(member: Member) -> Forwarder:
    forwarder = Forwarder(member.network)
    member.network.answer_call = forwarder.answer
    return forwarder


@pytest.mark.slow
def test_call_reaches_the_sequencer_directly_and_by_another_replica(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            pool = Pool()
            sequencer = await peers.sequencer()
            answer_with(sequencer, pool)
            near = await peers.replica(sequencer)
            direct = forwarder_of(near)
            await until(
                lambda: any(peer.is_sequencer for peer in near.network.peers.values()), "its proof"
            )
            assert await direct.submit(b"one") == keccak(b"one")
            with pytest.raises(ForwardedError) as caught:
                await direct.submit(b"old")
            assert caught.value.body() == {
                "code": -32000,
                "message": "nonce too low: next nonce 5, tx nonce 3",
                "data": {"next": 5},
            }

            last = await peers.replica(near)
            far = forwarder_of(last)
            await until(lambda: near.network.peer in far.network.peers, "a connection")
            await until(lambda: far.network.peers[near.network.peer].head > 0, "its status")
            assert await far.submit(b"two") == keccak(b"two")
            assert pool.taken == [b"one", b"two"]

            with DeepExecutor(1) as executor:
                backend = backend_of(last, ChainFeed(last.rig.store), executor)
                trade = ForwardedTrade(far, Feeds(far.network), backend)
            replicas_rpc = Dispatcher(registry(trade))
            for params, expected in (
                ('[{"size": 3}]', {"result": {"placed": 3, "options": None}}),
                ('[{"size": 3}, {}]', {"result": {"placed": 3, "options": {}}}),
                ("[7]", {"error": {"code": -32602, "message": "invalid argument 0: no order"}}),
            ):
                body = f'{{"jsonrpc":"2.0","id":1,"method":"trade_placeOrder","params":{params}}}'
                answer = json.loads(await replicas_rpc.answer(body.encode()) or b"")
                assert expected.items() <= answer.items()

    run(story())


@pytest.mark.slow
def test_call_without_a_way_is_gossiped_and_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            pool = Pool()
            sequencer = await peers.sequencer()
            answer_with(sequencer, pool)
            replica = await peers.replica(sequencer)
            forwarder = Forwarder(replica.network)
            with pytest.raises(MethodNotFound):
                await forwarder.call("debug_traceTransaction", [])
            name = sequencer.network.peer
            await until(lambda: name in replica.network.peers, "a connection")
            await until(lambda: replica.network.peers[name].is_sequencer, "its proof")
            # As if it had not proved to be the sequencer yet, and had no blocks.
            replica.network.peers[name].is_sequencer = False
            replica.network.peers[name].head = 0  # type: ignore[assignment]
            while not pool.taken:
                with pytest.raises(ForwardUnanswered):
                    await forwarder.submit(b"three")
                await asyncio.sleep(0.1)
            assert pool.taken[0] == b"three"

    run(story())


def test_call_of_a_lonely_replica_is_refused(tmp_path: Path) -> None:
    forwarder = Forwarder(make_network(Rig(), tmp_path))
    with pytest.raises(NoWayToSequencer):
        asyncio.run(forwarder.submit(b"raw"))


def desk() -> CallDesk:
    return CallDesk(Dispatcher(registry(Pool())).answer)


def test_desk_answers_as_the_node_does() -> None:
    answer = asyncio.run(desk().answer(Call(SEND, b'["0x01"]')))
    assert json.loads(answer)["result"] == data(keccak(b"\1"))
    answer = asyncio.run(desk().answer(Call(SEND, b"[]")))
    assert json.loads(answer)["error"]["code"] == -32602


@pytest.mark.parametrize(
    "params",
    [b"", b"{}", b"1", b"[", b'[],"method":"debug_x"', b"[" * 5000, b"\xff"],
    ids=["nothing", "object", "number", "half", "another member", "deep", "no text"],
)
def test_parameters_that_are_no_array_are_refused(params: bytes) -> None:
    with pytest.raises(InvalidMessage):
        asyncio.run(desk().answer(Call(SEND, params)))


def test_call_passed_on_too_often_is_refused(tmp_path: Path) -> None:
    forwarder = Forwarder(make_network(Rig(), tmp_path))
    with pytest.raises(InvalidMessage):
        asyncio.run(forwarder.answer(Call(SEND, b"[]", HOPS_MAX)))
