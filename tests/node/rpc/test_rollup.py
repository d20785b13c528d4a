"""`rollup_` over a chain that a real pipeline derived."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from bridge.boundary import Boundary, decode_boundary
from genesis.hashing import config_hash
from node.rpc.api import build_app
from node.rpc.backend import Backend, EvmWork, Rollup
from node.rpc.feed import ChainFeed
from state.keccak import keccak
from state.types import Hash32
from tests.bridge.derive.inbox import Inbox
from tests.bridge.derive.rig import ALICE, Rig

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


def answer(rig: Rig, method: str, *params: object) -> dict[str, Any]:
    backend = Backend(
        store=rig.store,
        config=rig.config,
        feed=ChainFeed(rig.store),
        evm=EvmWork(ThreadPoolExecutor(1)),
        submit=refuse,
        rollup=Rollup(rig.pipeline.status, rig.pipeline.view, DEPLOYMENT),
    )
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    body = asyncio.run(build_app(backend).dispatcher.answer(msgspec.json.encode(request)))
    assert body is not None
    return msgspec.json.decode(body)


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
