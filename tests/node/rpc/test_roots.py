"""`rollup_getProposals`, `rollup_getDispute` and `rollup_l1Status` as their callers see them."""

from typing import Any

import msgspec

from bridge.l1.watcher import L1Progress
from node.dispute.roots import RootsReader
from node.rpc.dispatch import Dispatcher, registry
from node.rpc.roots import L1Watched, RootMethods
from tests.bridge.dispute.conftest import InCourt, built, in_court
from tests.bridge.dispute.l1_disputes import (
    EXTENSION,
    MALLORY,
    STRANGER,
    WINDOW,
    Court,
    forged,
)

__all__ = ["built", "in_court"]


class Asking:
    """A client of a node that follows the court's L1."""

    def __init__(self, court: Court, watched: L1Watched | None = None) -> None:
        reader = RootsReader(court.rig.client, court.rig.deployment.rollup)
        watched = watched or L1Watched(31337, "127.0.0.1:8545", None, None, False)
        methods = RootMethods(reader, court.local.view, lambda: watched)
        self.dispatcher = Dispatcher(registry(methods))

    async def answer(self, method: str, *params: object) -> dict[str, Any]:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        body = await self.dispatcher.answer(msgspec.json.encode(request))
        assert body is not None
        return msgspec.json.decode(body)

    async def call(self, method: str, *params: object) -> Any:
        answer = await self.answer(method, *params)
        assert "result" in answer, answer
        return answer["result"]


def test_proposals_say_which_roots_are_right(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        await court.propose(court.root(1), 1)
        game = await court.propose(forged(court.root(2)), 2)
        beyond = await court.propose(forged(court.root(2)), 1_000)
        found = await Asking(court).call("rollup_getProposals", "0x3")
        unknown, lie, truth = found["proposals"]
        assert [unknown["isRight"], lie["isRight"], truth["isRight"]] == [None, False, True]
        assert unknown["game"] == f"0x{beyond.hex()}"
        assert lie == {
            "index": "0x1",
            "game": f"0x{game.hex()}",
            "proposer": f"0x{MALLORY.address.hex()}",
            "outputRoot": f"0x{forged(court.root(2)).hex()}",
            "l2Block": "0x2",
            "bond": lie["bond"],
            "createdAt": lie["createdAt"],
            "resolvableAt": hex(int(lie["createdAt"], 16) + WINDOW),
            "resolvedAt": None,
            "payableAt": None,
            "status": "in_progress",
            "claims": "0x1",
            "isRight": False,
        }
        assert int(lie["bond"], 16) > 0
        assert found["count"] == "0x3"
        assert found["anchor"]["l2Block"] == "0x0"

    in_court(scenario)


def test_proposals_are_counted_from_one_to_a_limit(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        await court.propose(court.root(1), 1)
        await court.propose(court.root(2), 2)
        asking = Asking(court)
        (newest,) = (await asking.call("rollup_getProposals", "0x1"))["proposals"]
        assert newest["l2Block"] == "0x2"
        assert len((await asking.call("rollup_getProposals"))["proposals"]) == 2
        for count in ("0x0", "0x41", 3, "all"):
            answer = await asking.answer("rollup_getProposals", count)
            assert answer["error"]["code"] == -32602

    in_court(scenario)


def test_dispute_tells_claims_with_what_is_in_doubt(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        game = await court.propose(forged(court.root(2)), 2)
        root = (await court.read(game)).game.claims[0]
        await court.attack(game, root, forged(court.root(1)))
        found = await Asking(court).call("rollup_getDispute", f"0x{game.hex()}")
        assert found["isRight"] is False
        assert found["status"] == "in_progress"
        assert found["step"] is None
        assert (found["clockSeconds"], found["clockExtensionSeconds"]) == (
            hex(WINDOW),
            hex(EXTENSION),
        )
        first, answer = found["claims"]
        assert first["parentIndex"] is None
        assert first["isAttack"] is None
        assert first["inDoubt"] is None
        assert answer["isAttack"] is True
        assert answer["parentIndex"] == "0x0"
        assert answer["depth"] == "0x1"
        assert answer["claimant"] == f"0x{STRANGER.address.hex()}"
        assert answer["inDoubt"]["firstStep"] == "0x0"
        assert answer["inDoubt"]["lastStep"] == hex(2**46 - 1)
        assert answer["inDoubt"]["words"].startswith("blocks 1 to ")
        assert 0 < int(answer["secondsLeft"], 16) <= WINDOW

    in_court(scenario)


def test_what_is_no_game_is_invalid(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        for name in ("7", "0x" + "12" * 20, "<script>", 5, None):
            answer = await Asking(court).answer("rollup_getDispute", name)
            assert answer["error"]["code"] == -32602

    in_court(scenario)


def test_l1_status_tells_what_following_it_has_brought(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        head = await court.rig.client.header()
        watched = L1Watched(31337, "l1.example", L1Progress(head, 9, 7), None, True)
        assert await Asking(court, watched).call("rollup_l1Status") == {
            "chainId": "0x7a69",
            "endpoint": "l1.example",
            "head": {
                "number": hex(head.number),
                "hash": f"0x{head.hash.hex()}",
                "timestamp": hex(head.timestamp),
            },
            "baseFeePerGas": hex(head.base_fee),
            "items": "0x9",
            "finalizedItems": "0x7",
            "isSynced": True,
            "trouble": None,
        }
        lost = L1Watched(31337, "l1.example", None, "L1 is out of reach: no answer", False)
        found = await Asking(court, lost).call("rollup_l1Status")
        assert found["head"] is None
        assert found["trouble"] == "L1 is out of reach: no answer"

    in_court(scenario)
