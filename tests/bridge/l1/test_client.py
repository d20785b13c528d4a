"""The L1 client and the transactor against anvil."""

import asyncio
import itertools

import pytest

from bridge.l1.abi import Function
from bridge.l1.accounts import InvalidKey, Operator
from bridge.l1.client import FINALIZED, L1Client
from bridge.l1.errors import (
    L1CallReverted,
    L1ContractMissing,
    L1EndpointBehind,
    L1RequestRefused,
    L1TransactionReverted,
    L1Unavailable,
    TransactionPending,
    TransactionSuperseded,
)
from bridge.l1.rpc import RpcClient
from bridge.l1.transactor import L1Transaction, Transactor
from state.types import ZERO_ADDRESS, Address, Gas, Hash32, Wei

NOBODY = Address(b"\xde" * 20)
TOPIC = Hash32(b"\x11" * 32)

# callvalue? jump to the revert : log call data under TOPIC; stop. revert with nothing.
LOGGER = bytes.fromhex("34602d57" + "365f5f37" + "7f" + "11" * 32 + "365fa100" + "5b5f5ffd")
CREATE_LOGGER = bytes.fromhex(f"61{len(LOGGER):04x}80600a5f395ff3") + LOGGER

COUNT = Function("count()", ("uint256",))


def transactor(client, operator, **options) -> Transactor:
    return Transactor(client, operator, **({"poll_seconds": 0.01} | options))


async def deploy_logger(client, operator) -> Address:
    receipt = await transactor(client, operator).send(L1Transaction("logger", None, CREATE_LOGGER))
    assert receipt.contract is not None
    return receipt.contract


def test_header_walk_by_parent_hash_meets_header_by_number(anvil, on_l1):
    anvil.mine(20)

    async def walk(client):
        header = await client.header()
        while header.number > 0:
            header = await client.header_by_hash(header.parent_hash)
        return header, await client.header(0), await client.finalized(), await client.header()

    first, genesis, finalized, head = on_l1(walk)
    assert first == genesis
    assert finalized is not None
    assert finalized.number == head.number - 8


def test_header_beyond_head_raises_behind(on_l1):
    async def ask(client):
        with pytest.raises(L1EndpointBehind):
            await client.header(1_000)
        with pytest.raises(L1Unavailable):
            await client.nonce(ZERO_ADDRESS, at=Hash32(b"\x12" * 32))

    on_l1(ask)


def test_logs_come_in_order_and_of_the_range(on_l1, alice):
    async def scenario(client: L1Client):
        logger = await deploy_logger(client, alice)
        sender = transactor(client, alice)
        receipts = [await sender.send(L1Transaction("log", logger, bytes([n]))) for n in range(5)]
        first, last = receipts[1].block_number, receipts[3].block_number
        return receipts, await client.logs(logger, TOPIC, first, last)

    receipts, logs = on_l1(scenario)
    assert [entry.log.data for entry in logs] == [b"\1", b"\2", b"\3"]
    assert [entry.block_hash for entry in logs] == [r.block_hash for r in receipts[1:4]]
    assert receipts[0].logs[0].topics == (TOPIC,)


def test_call_state_at_a_hash_is_that_of_the_block(on_l1, alice):
    async def scenario(client: L1Client):
        before = await client.header()
        logger = await deploy_logger(client, alice)
        assert await client.code(logger, at=before.hash) == b""
        assert await client.code(logger, at=(await client.header()).hash) == LOGGER
        assert await client.nonce(alice.address, at=before.hash) == 0
        assert await client.nonce(alice.address) == 1
        with pytest.raises(L1ContractMissing, match="no contract"):
            await client.call(logger, COUNT, at=before.hash)
        with pytest.raises(L1Unavailable, match="another shape"):
            await client.call(logger, COUNT)

    on_l1(scenario)


def test_send_reverting_transaction_raises_before_it_is_sent(on_l1, alice):
    async def scenario(client: L1Client):
        logger = await deploy_logger(client, alice)
        with pytest.raises(L1CallReverted):
            await transactor(client, alice).send(L1Transaction("bad", logger, b"", Wei(1)))
        assert await client.nonce(alice.address) == 1
        forced = L1Transaction("bad", logger, b"", Wei(1), gas=Gas(100_000))
        with pytest.raises(L1TransactionReverted, match="bad: L1 transaction 0x"):
            await transactor(client, alice).send(forced)
        assert await client.nonce(alice.address) == 2

    on_l1(scenario)


def test_send_without_funds_says_so(on_l1):
    poor = Operator(b"\x07" * 32)

    async def scenario(client: L1Client):
        transaction = L1Transaction("gift", NOBODY, b"", Wei(1), gas=Gas(21_000))
        with pytest.raises(L1RequestRefused, match="(?i)insufficient funds"):
            await transactor(client, poor).send(transaction)

    on_l1(scenario)


def test_send_waits_until_a_block_holds_it(anvil, on_l1, alice):
    anvil.automine(False)

    looks = itertools.count(1)

    async def mine_at_third_look(_: float) -> None:
        if next(looks) == 3:
            anvil.mine()

    async def scenario(client: L1Client):
        return await transactor(client, alice, sleep=mine_at_third_look).send(
            L1Transaction("gift", NOBODY, b"", Wei(5))
        )

    assert on_l1(scenario).succeeded
    assert int(anvil.ask("eth_getBalance", "0x" + NOBODY.hex(), "latest"), 16) == 5


def test_send_after_kill_replaces_what_was_left_in_the_pool(anvil, on_l1, alice):
    anvil.automine(False)

    class Killed(Exception):
        """Ends the first process between sending and receipt."""

    async def die(_: float) -> None:
        raise Killed

    async def mine(_: float) -> None:
        anvil.mine()

    async def scenario(client: L1Client):
        first = L1Transaction("first", NOBODY, b"", Wei(5))
        with pytest.raises(Killed):
            await transactor(client, alice, sleep=die).send(first)
        second = L1Transaction("second", NOBODY, b"", Wei(7))
        await transactor(client, alice, sleep=mine).send(second)
        anvil.mine(3)
        return await client.balance(NOBODY), await client.nonce(alice.address)

    assert on_l1(scenario) == (7, 1)


def test_send_with_a_nonce_used_meanwhile_raises_superseded(on_l1, alice):
    async def scenario(client: L1Client):
        gift = L1Transaction("gift", NOBODY, b"", Wei(1))
        await transactor(client, alice).send(gift, nonce=0)
        other = L1Transaction("other", NOBODY, b"", Wei(2), gas=Gas(21_000))
        with pytest.raises(TransactionSuperseded):
            await transactor(client, alice).send(other, nonce=0)
        return await client.balance(NOBODY)

    assert on_l1(scenario) == 1


def test_send_never_included_raises_pending_with_bounded_bids(anvil, on_l1, alice):
    anvil.automine(False)

    async def no_wait(_: float) -> None:
        await asyncio.sleep(0)

    async def scenario(client: L1Client):
        with pytest.raises(TransactionPending):
            await transactor(client, alice, sleep=no_wait).send(
                L1Transaction("gift", NOBODY, b"", Wei(1))
            )

    on_l1(scenario)
    (pooled,) = anvil.ask("txpool_content")["pending"].values()
    assert len(pooled) == 1


def test_client_outage_raises_unavailable_then_answers_again(anvil, on_l1):
    async def scenario(client: L1Client):
        before = await client.header(FINALIZED)
        anvil.stop()
        with pytest.raises(L1Unavailable, match="no answer from 127.0.0.1"):
            await client.header()
        anvil.start()
        assert (await client.header(FINALIZED)).number >= before.number

    on_l1(scenario)


def test_client_nobody_listens_raises_unavailable():
    async def scenario():
        async with RpcClient("http://127.0.0.1:1") as rpc:
            await L1Client(rpc, chain_id=1).check_chain()

    with pytest.raises(L1Unavailable):
        asyncio.run(scenario())


def test_operator_key_file_of_others_is_refused_and_key_never_shown(tmp_path, alice):
    path = tmp_path / "key"
    path.write_text("0x" + "11" * 32)
    path.chmod(0o644)
    with pytest.raises(InvalidKey, match="chmod 600"):
        Operator.from_file(path)
    path.chmod(0o600)
    operator = Operator.from_file(path)
    assert "11" * 16 not in repr(operator)
    assert repr(operator) == f"<Operator 0x{operator.address.hex()}>"
    path.write_text("no key")
    with pytest.raises(InvalidKey, match="neither 64 hex digits nor"):
        Operator.from_file(path)
