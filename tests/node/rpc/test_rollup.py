"""`rollup_` over a chain that a real pipeline derived."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from bridge.boundary import Boundary, decode_boundary
from genesis.hashing import config_hash
from node import limits
from node.rpc.api import build_app
from node.rpc.backend import Backend, Rollup
from node.rpc.dispatch import Dispatcher
from node.rpc.evm_work import EvmWork
from node.rpc.feed import ChainFeed
from state.keccak import keccak
from state.types import Address, Hash32
from tests.bridge.derive.inbox import RECIPIENT, Inbox
from tests.bridge.derive.rig import ALICE, BURNER, Rig
from tests.node.rpc.hostile_arguments import BROKEN, honest, taken

DEPLOYMENT = {"l1ChainId": 31337}


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Blocks 1 and 2 are safe, block 3 is not."""
    ALICE.nonce = 0
    rig, inbox = Rig(), Inbox()
    rig.follow(inbox)
    rig.sequence(ALICE.raw())
    rig.sequence()
    rig.post(inbox)
    rig.follow(inbox)
    rig.sequence()
    yield rig
    rig.close()


def dispatcher(rig: Rig) -> Dispatcher:
    backend = Backend(
        store=rig.store,
        config=rig.config,
        feed=ChainFeed(rig.store),
        evm=EvmWork(ThreadPoolExecutor(1)),
        submit=refuse,
        rollup=Rollup(rig.pipeline.status, rig.pipeline.view, DEPLOYMENT),
    )
    return build_app(backend).dispatcher


async def asked(methods: Dispatcher, method: str, *params: object) -> dict[str, Any]:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    body = await methods.answer(msgspec.json.encode(request))
    assert body is not None
    return msgspec.json.decode(body)


def answer(rig: Rig, method: str, *params: object) -> dict[str, Any]:
    return asyncio.run(asked(dispatcher(rig), method, *params))


async def refuse(raw: bytes) -> Hash32:
    raise AssertionError(f"nothing is sent here, not {raw.hex()}")


def call(rig: Rig, method: str, *params: object) -> Any:
    return answer(rig, method, *params)["result"]


def test_sync_status_has_heads_with_their_origins(rig: Rig) -> None:
    status = call(rig, "rollup_syncStatus")
    heads = rig.store.heads
    assert int(status["unsafe"]["number"], 16) == heads.unsafe.number == 3
    assert int(status["safe"]["number"], 16) == heads.safe.number == 2
    assert status["safe"]["hash"] == "0x" + heads.safe.hash.hex()
    assert status["safe"]["l1"]["kind"] == "tick"
    assert status["tip"]["kind"] == "batch"
    assert int(status["items"], 16) == rig.log.count


def test_output_of_a_safe_block_is_the_hash_of_its_boundary(rig: Rig) -> None:
    output = call(rig, "rollup_outputAtBlock", "safe")
    boundary = output["boundary"]
    words = b"".join(bytes.fromhex(value[2:].zfill(64)) for value in boundary.values())
    domain = keccak(b"tallystick.boundary.v1")
    assert output["outputRoot"] == "0x" + keccak(domain + words).hex()
    assert decode_boundary(words) == rig.pipeline.view.boundary(rig.store.heads.safe.number)
    assert isinstance(decode_boundary(words), Boundary)


def test_output_of_an_unsafe_block_is_refused_with_the_reason(rig: Rig) -> None:
    error = answer(rig, "rollup_outputAtBlock", "latest")["error"]
    assert error["code"] == -32000
    assert "block 3 is not derived from L1 yet" in error["message"]


def test_block_info_tells_where_a_block_comes_from(rig: Rig) -> None:
    safe, unsafe = call(rig, "rollup_blockInfo", "0x2"), call(rig, "rollup_blockInfo", "0x3")
    assert safe["batch"]["kind"] == "batch"
    assert safe["outputRoot"] == call(rig, "rollup_outputAtBlock", "0x2")["outputRoot"]
    assert unsafe["origin"]["originItem"] == unsafe["l1"]["index"]
    assert unsafe["batch"] is unsafe["cursor"] is unsafe["outputRoot"] is None
    assert answer(rig, "rollup_blockInfo", "0x9")["error"]["message"] == "header not found"


def test_config_has_its_hash_and_the_deployment(rig: Rig) -> None:
    config = call(rig, "rollup_config")
    assert config["configHash"] == "0x" + config_hash(rig.config).hex()
    assert config["chainId"] == "0x67932"
    assert config["deployment"] == DEPLOYMENT


# Batches and deposits


def inbox_of(rig: Rig) -> Inbox:
    """L1's inbox as the rig has read it, ready to go on."""
    inbox = Inbox()
    inbox.items = [item for index in range(rig.log.count) if (item := rig.log.item(index))]
    inbox.l1_number, inbox.l1_time = inbox.tip.l1_number, inbox.tip.l1_time
    return inbox


def test_batch_names_the_blocks_that_came_of_it(rig: Rig) -> None:
    newest = call(rig, "rollup_getBatch", "latest")
    assert newest == call(rig, "rollup_getBatch", newest["item"]["index"])
    assert newest["item"]["kind"] == "batch"
    assert (newest["firstBlock"], newest["lastBlock"]) == ("0x1", "0x2")
    assert newest["status"] == "safe"
    assert newest["isWhole"] is True
    hashes = ["0x" + rig.pipeline.view.hash_of(number).hex() for number in (1, 2)]
    assert [block["hash"] for block in newest["blocks"]] == hashes
    assert [block["transactions"] for block in newest["blocks"]] == ["0x2", "0x1"]


def test_batch_before_derivation_waits_and_an_unknown_one_is_null(rig: Rig) -> None:
    inbox = inbox_of(rig)
    tick = inbox.tick()
    rig.feed(inbox)
    waiting = call(rig, "rollup_getBatch", hex(tick.index))
    assert (waiting["status"], waiting["firstBlock"], waiting["blocks"]) == ("waiting", None, [])
    assert call(rig, "rollup_getBatch", hex(tick.index + 1)) is None


def test_batch_of_more_blocks_than_are_listed_says_so(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RPC_BATCH_BLOCKS_MAX", 1)
    newest = call(rig, "rollup_getBatch", "latest")
    assert (newest["firstBlock"], newest["lastBlock"]) == ("0x1", "0x2")
    assert [block["number"] for block in newest["blocks"]] == ["0x1"]
    assert newest["isWhole"] is False


def test_search_for_deposits_stops_where_it_says(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = inbox_of(rig)
    for _ in range(3):
        inbox.deposit()
    rig.feed(inbox)
    monkeypatch.setattr(limits, "RPC_DEPOSITS_SCANNED_MAX", 2)
    nobody = {"address": "0x" + "77" * 20}
    assert call(rig, "rollup_getDeposits", nobody) == {"deposits": [], "next": "0x0"}
    rest = call(rig, "rollup_getDeposits", {**nobody, "to": "0x0"})
    assert rest == {"deposits": [], "next": None}


def test_deposits_are_told_newest_first_with_what_became_of_each(rig: Rig) -> None:
    inbox = inbox_of(rig)
    inbox.mine()
    credited = inbox.deposit(to=RECIPIENT)
    inbox.forced(b"\x02no transaction")
    failed = inbox.deposit(to=BURNER, gas=30_000)
    rig.feed(inbox)
    rig.sequence()
    rig.post(inbox)
    rig.follow(inbox)
    inbox.deposit()
    rig.feed(inbox)
    answer = call(rig, "rollup_getDeposits")
    assert answer["next"] is None
    told = answer["deposits"]
    assert [one["ordinal"] for one in told] == ["0x3", "0x2", "0x1", "0x0"]
    assert [one["status"] for one in told] == ["waiting", "failed", "skipped", "credited"]
    assert [one["item"]["kind"] for one in told] == ["deposit", "deposit", "forced", "deposit"]
    assert told[3]["item"]["acc"] == "0x" + credited.acc.hex()
    assert told[3]["block"]["safety"] == "safe"
    assert told[3]["hash"] in block_hashes(rig, told[3]["block"]["number"])
    assert told[1]["item"]["acc"] == "0x" + failed.acc.hex()
    assert told[2]["block"] is None
    assert told[2]["to"] is None


def test_deposits_are_found_by_account_and_in_pages(rig: Rig) -> None:
    inbox = inbox_of(rig)
    other = Address(b"\x77" * 20)
    for to in (RECIPIENT, other, RECIPIENT):
        inbox.deposit(to=to)
    rig.feed(inbox)
    found = call(rig, "rollup_getDeposits", {"address": "0x" + other.hex()})
    assert [one["ordinal"] for one in found["deposits"]] == ["0x1"]
    page = call(rig, "rollup_getDeposits", {"limit": "0x2"})
    assert [one["ordinal"] for one in page["deposits"]] == ["0x2", "0x1"]
    rest = call(rig, "rollup_getDeposits", {"to": page["next"]})
    assert [one["ordinal"] for one in rest["deposits"]] == ["0x0"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("method", "argument"),
    [
        ("rollup_getBatch", "pending"),
        ("rollup_getDeposits", {"sender": "0x" + "11" * 20}),
        ("rollup_getDeposits", {"limit": "0x0"}),
        ("rollup_getDeposits", {"limit": hex(limits.RPC_DEPOSITS_MAX + 1)}),
        ("rollup_getWithdrawals", {}),
        (
            "rollup_getWithdrawals",
            {"address": "0x" + "11" * 20, "limit": hex(limits.RPC_WITHDRAWALS_MAX + 1)},
        ),
        ("rollup_getWithdrawals", {"address": "0x" + "11" * 20, "limit": "0x0"}),
    ],
)
def test_filter_of_another_shape_is_refused(rig: Rig, method: str, argument: object) -> None:
    assert answer(rig, method, argument)["error"]["code"] == -32602


def test_withdrawals_without_an_l1_to_ask_are_unavailable(rig: Rig) -> None:
    error = answer(rig, "rollup_getWithdrawals", {"address": "0x" + "11" * 20})["error"]
    assert error["code"] == -32002


def block_hashes(rig: Rig, number: str) -> list[str]:
    return ["0x" + keccak(raw).hex() for raw in rig.transactions(int(number, 16))]


def test_no_method_breaks_on_what_its_parser_takes(rig: Rig) -> None:
    """Those that only a node with a rollup has; test_hostile_arguments.py has all others."""

    async def ask_all() -> list[str]:
        methods = dispatcher(rig)
        broken = []
        for name, method in methods.methods.items():
            if not name.startswith("rollup_"):
                continue
            for params in taken(method.params, [honest(param) for param in method.params]):
                if (await asked(methods, name, *params)).get("error") == BROKEN:
                    broken.append(f"{name} {params!r:.300}")
        return broken

    assert asyncio.run(ask_all()) == []
