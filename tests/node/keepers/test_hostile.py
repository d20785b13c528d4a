"""Endpoints that are silent, lie or babble: a keeper goes on, and tries again."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from bridge.l1.accounts import Operator
from bridge.l1.errors import L1Unavailable
from node.keepers import keeper as keepers
from node.keepers.batches import BatchClient, Call
from node.keepers.books import Books
from node.keepers.errors import KeeperLate
from node.keepers.funding import FundingKeeper
from node.keepers.keeper import Done, Keeper, keep, take_step
from node.keepers.lane import Lane
from state.errors import InternalError, TallystickError, Unavailable
from tests.node.keepers.world import OPERATORS

CHAIN_ID = 424242


def client(answer: Callable[[Any], Any]) -> BatchClient:
    """An endpoint that answers each body with what `answer` makes of it."""

    def respond(request: httpx.Request) -> httpx.Response:
        made = answer(json.loads(request.content))
        return made if isinstance(made, httpx.Response) else httpx.Response(200, json=made)

    return BatchClient("http://node.test", transport=httpx.MockTransport(respond))


def ask(answer: Callable[[Any], Any], count: int = 3) -> list[object]:
    calls = [Call("eth_call", (number,)) for number in range(count)]
    return asyncio.run(client(answer).request_all(calls, at_once=2))


def reply(entry: Any, **members: Any) -> Any:
    return {"jsonrpc": "2.0", "id": entry["id"], **members}


def test_answers_are_matched_by_id_in_any_order() -> None:
    def backwards(body: Any) -> Any:
        return [reply(entry, result=entry["params"][0]) for entry in reversed(body)]

    assert ask(backwards) == [0, 1, 2]


def test_refusal_of_one_call_stands_in_its_place() -> None:
    def refuse_second(body: Any) -> Any:
        return [
            reply(entry, error={"code": 3, "message": "execution reverted"})
            if entry["params"] == [1]
            else reply(entry, result="0x")
            for entry in body
        ]

    first, second, third = ask(refuse_second)

    assert first == third == "0x"
    assert isinstance(second, TallystickError)


@pytest.mark.parametrize(
    "answer",
    [
        lambda body: httpx.Response(502, text="bad gateway"),
        lambda body: httpx.Response(200, content=b"\xff\x00"),
        lambda body: httpx.Response(200, content=b"[" * 10_000),
        lambda body: {"no": "list"},
        lambda body: [],
        lambda body: [None, 1, "x", {"id": True}],
        lambda body: [reply(entry) for entry in body],
        lambda body: [reply(body[0], result=1)],
        lambda body: [reply(entry, error={"code": -32001, "message": "later"}) for entry in body],
        lambda body: [reply(entry, error="what?") for entry in body],
    ],
)
def test_half_an_answer_is_none(answer: Callable[[Any], Any]) -> None:
    with pytest.raises(L1Unavailable):
        ask(answer)


@pytest.mark.parametrize(
    "result",
    [None, 7, "0x", "zz", [], {}, {"number": "0x1"}, "0x" + "ff" * 32],
)
def test_nonsense_in_place_of_a_block_is_unavailable(result: Any) -> None:
    def answer(body: Any) -> Any:
        one = body if isinstance(body, dict) else None
        if one and one["method"] == "eth_chainId":
            return reply(one, result=hex(CHAIN_ID))
        return reply(one, result=result) if one else [reply(e, result=result) for e in body]

    books = Books.over(client(answer), CHAIN_ID)
    lane = Lane(books, Operator.of_dev_account(OPERATORS.keeper))

    with pytest.raises((Unavailable, TallystickError)) as caught:
        asyncio.run(take_step(FundingKeeper(books, lane)))
    assert not isinstance(caught.value, InternalError)


@dataclass
class Scripted:
    """A keeper whose steps end as they are told, then is cancelled by `Enough`."""

    ends: Sequence[BaseException | Done]
    name: str = "scripted"
    seconds: float = 0.0
    taken: list[int] = field(default_factory=list)

    async def step(self) -> Done:
        end = self.ends[len(self.taken)]
        self.taken.append(len(self.taken))
        if isinstance(end, BaseException):
            raise end
        return end


def run_until_fault(keeper: Keeper) -> list[Done]:
    told: list[Done] = []
    with pytest.raises(InternalError):
        asyncio.run(_collect(keep(keeper, lambda _, done: told.append(done))))
    return told


async def _collect(loop: Any) -> None:
    await loop


def test_loop_goes_on_after_silence_and_refusals_and_ends_with_a_fault_of_ours() -> None:
    done = Done()
    keeper = Scripted(
        [L1Unavailable("silence"), done, TallystickErrorOfAFeed("nonsense"), done,
         InternalError("our own")]
    )  # fmt: skip

    told = run_until_fault(keeper)

    assert told == [done, done]
    assert len(keeper.taken) == 5


class TallystickErrorOfAFeed(Unavailable):
    """What a feed may raise."""


def test_step_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keepers, "STEP_SECONDS_MAX", 0.05)

    class Endless(Scripted):
        async def step(self) -> Done:
            await asyncio.Event().wait()
            raise AssertionError

    with pytest.raises(KeeperLate, match="took over"):
        asyncio.run(take_step(Endless([])))
