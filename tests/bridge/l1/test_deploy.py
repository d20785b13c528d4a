"""Deploying: twice, killed at every step, on the wrong chain, over a spoiled plan."""

import asyncio
import json
from dataclasses import replace

import httpx
import pytest

from bridge.boundary import genesis_boundary
from bridge.deployment import (
    Plan,
    complete,
    created_address,
    l2_config,
    l2_genesis,
    load_deployment,
    read_file,
    write_file,
)
from bridge.dispute.prover_set import ONE_STEP_PROVER, PROVERS
from bridge.l1 import contracts
from bridge.l1.accounts import Operator
from bridge.l1.client import L1Client
from bridge.l1.deploy import check_deployment, deploy
from bridge.l1.dev import NoDevFunds, fund_operators
from bridge.l1.errors import InvalidDeployment, L1ContractMissing, L1RequestRefused, WrongL1Chain
from bridge.l1.rpc import RpcClient
from bridge.l1.transactor import L1Transaction, Transactor
from genesis.accounts import operator_accounts
from genesis.networks import ETHER
from state.types import Address, Timestamp
from tests.bridge.l1_rig import PARAMETERS, POLL

KEY = operator_accounts().deployer.key
KILLED_AFTER = (0, 1, len(PROVERS), *range(len(PROVERS) + 1, len(PROVERS) + 7))
"""Transactions: none, amid the provers, at their end, and after each of OneStepProver, DisputeGame,
TestUSD, Inbox, Portal and Rollup; the escrow is the last one."""


class Killed(Exception):
    """Ends a deployment in the middle."""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deployment.json"


@pytest.fixture
def funded(anvil):
    """An anvil whose operators have ether."""

    async def fund():
        async with RpcClient(anvil.url) as rpc:
            await fund_operators(rpc, poll_seconds=POLL)

    asyncio.run(fund())
    return anvil


def offline_deployment():
    """What a deployment would be, without an L1."""
    plan = Plan(PARAMETERS, operator_accounts().deployer.address, 0, 7)
    return complete(plan, 10, Timestamp(1_800_000_000))


class Dying(httpx.AsyncBaseTransport):
    """A connection that lets so many transactions through, and then kills the process."""

    def __init__(self, sends):
        self._left = sends
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request):
        if b"eth_sendRawTransaction" in request.content:
            if self._left == 0:
                raise Killed
            self._left -= 1
        return await self._inner.handle_async_request(request)

    async def aclose(self):
        await self._inner.aclose()


def run_deploy(anvil, path, parameters=PARAMETERS, key=KEY, transport=None, **options):
    async def scenario():
        async with RpcClient(anvil.url, transport=transport) as rpc:
            return await deploy(rpc, key, parameters, path, **({"poll_seconds": POLL} | options))

    return asyncio.run(scenario())


def ask(anvil, use):
    async def scenario():
        async with RpcClient(anvil.url) as rpc:
            return await use(L1Client(rpc, chain_id=31337))

    return asyncio.run(scenario())


def test_deploy_wires_contracts_and_commits_to_genesis(funded, path):
    deployment = run_deploy(funded, path)

    async def look(client):
        return (
            await client.call(deployment.rollup, contracts.ANCHOR),
            await client.call(deployment.inbox, contracts.COUNT),
            await client.call(deployment.inbox, contracts.WINDOW),
            await client.balance(deployment.portal),
            await client.header(deployment.start_block),
        )

    anchor, count, window, escrow, header = ask(funded, look)
    config, genesis = l2_config(deployment), l2_genesis(deployment)
    assert anchor == (genesis_boundary(config, genesis).output_root, 0)
    assert (count, window) == ((1,), (600,))
    assert escrow == 5_080 * ETHER
    assert genesis.header.timestamp == header.timestamp == config.genesis_time
    assert (config.inbox, config.portal) == (deployment.inbox, deployment.portal)


def test_deploy_again_changes_nothing(funded, path):
    first = run_deploy(funded, path)
    content = path.read_bytes()
    head = funded.ask("eth_blockNumber")
    assert run_deploy(funded, path) == first == load_deployment(path)
    assert path.read_bytes() == content
    assert funded.ask("eth_blockNumber") == head


@pytest.mark.parametrize("step", KILLED_AFTER)
def test_deploy_killed_after_some_transactions_is_completed_by_the_next_run(funded, path, step):
    with pytest.raises(Killed):
        run_deploy(funded, path, transport=Dying(sends=step))
    plan = read_file(path)
    assert isinstance(plan, Plan)
    with pytest.raises(InvalidDeployment, match="interrupted"):
        load_deployment(path)
    deployment = run_deploy(funded, path)
    assert deployment.plan == plan
    used = funded.ask("eth_getTransactionCount", "0x" + plan.deployer.hex(), "latest")
    assert int(used, 16) == len(plan.creations) + 1  # the escrow's is the last


def test_deploy_killed_with_a_transaction_in_the_pool_is_completed(funded, path):
    funded.automine(False)

    async def die(_):
        raise Killed

    with pytest.raises(Killed):
        run_deploy(funded, path, sleep=die)

    async def mine(_):
        funded.mine()

    deployment = run_deploy(funded, path, sleep=mine)
    ask(funded, lambda client: check_deployment(client, deployment))


def test_deploy_on_another_chain_id_is_refused_before_anything_is_written(funded, path):
    with pytest.raises(WrongL1Chain, match="serves chain id 31337, but chain id 1"):
        run_deploy(funded, path, replace(PARAMETERS, l1_chain_id=1))
    assert not path.exists()


def test_deploy_with_other_options_or_key_is_refused(funded, path):
    run_deploy(funded, path)
    with pytest.raises(InvalidDeployment, match="other options"):
        run_deploy(funded, path, replace(PARAMETERS, window_seconds=7))
    with pytest.raises(InvalidDeployment, match="give its key"):
        run_deploy(funded, path, key=b"\x05" * 32)


def test_deploy_over_a_spoiled_plan_says_so(funded, path):
    with pytest.raises(Killed):
        run_deploy(funded, path, transport=Dying(sends=0))

    async def spoil(client):
        stray = L1Transaction("stray", Address(b"\xde" * 20), b"")
        await Transactor(client, Operator(KEY), poll_seconds=POLL).send(stray)

    ask(funded, spoil)
    with pytest.raises(InvalidDeployment, match="in place of the planned step 'ArithmeticProver'"):
        run_deploy(funded, path)


def test_deploy_without_funds_says_so_and_can_be_completed(anvil, path):
    with pytest.raises(L1RequestRefused, match="(?i)insufficient funds"):
        run_deploy(anvil, path)

    async def fund():
        async with RpcClient(anvil.url) as rpc:
            await fund_operators(rpc, path, poll_seconds=POLL)

    asyncio.run(fund())
    assert run_deploy(anvil, path) == load_deployment(path)


def test_deployment_on_an_emptied_l1_raises_contract_missing(funded, path):
    deployment = run_deploy(funded, path)
    funded.ask("anvil_reset")
    with pytest.raises(L1ContractMissing, match="lost its state"):
        run_deploy(funded, path)
    with pytest.raises(L1ContractMissing):
        ask(funded, lambda client: check_deployment(client, deployment))


@pytest.mark.parametrize(
    "damage",
    [
        lambda fields: "{",
        lambda fields: "[]",
        lambda fields: json.dumps({**fields, "version": 1}),
        lambda fields: json.dumps({**fields, "genesisTime": -1}),
        lambda fields: json.dumps({**fields, "genesisTime": True}),
        lambda fields: json.dumps({**fields, "deployer": "0x00"}),
        lambda fields: json.dumps({**fields, "firstNonce": 9}),
        lambda fields: json.dumps({**fields, "parameters": {**fields["parameters"], "x": 1}}),
        lambda fields: json.dumps({**fields, "genesisHash": 5}),
        lambda fields: " " * 100_000,
    ],
)
def test_load_deployment_damaged_file_raises_invalid(path, damage):
    write_file(path, offline_deployment())
    assert load_deployment(path) == offline_deployment()
    path.write_text(damage(json.loads(path.read_text())))
    with pytest.raises(InvalidDeployment):
        load_deployment(path)


def test_genesis_of_another_deployment_raises_invalid():
    deployment = offline_deployment()
    with pytest.raises(InvalidDeployment, match="another L2 genesis"):
        l2_genesis(replace(deployment, genesis_time=deployment.genesis_time + 1))


def test_deploy_with_a_token_and_without_dev_accounts_needs_no_escrow(funded, path, tmp_path):
    token = run_deploy(funded, path).token
    with pytest.raises(InvalidDeployment, match="sequencer would be .* whose key everybody knows"):
        replace(PARAMETERS, dev_accounts=False)
    own = [Address(bytes([n]) * 20) for n in range(1, 6)]
    parameters = replace(
        PARAMETERS,
        token=token,
        dev_accounts=False,
        sequencer=own[0],
        matcher=own[1],
        guardian=own[2],
        oracle=own[3],
        governors=(own[4],),
        governor_threshold=1,
    )
    other = run_deploy(funded, tmp_path / "other.json", parameters)
    assert other.token == token
    own = ("DisputeGame", "Inbox", "Portal", "Rollup")
    assert other.plan.creations == (*PROVERS, ONE_STEP_PROVER, *own)
    genesis = l2_genesis(other)
    changes = genesis.update.diff.accounts.values()
    assert sum(change.balance for change in changes if change) == 0


def test_deploy_fixes_the_rules_of_disputes(funded, path):
    """Any code will do for a prover here: the games keep its address, and nobody steps."""
    prover = Address(b"\x0e" * 20)
    funded.ask("anvil_setCode", "0x" + prover.hex(), "0x00")
    parameters = replace(
        PARAMETERS, prover=prover, clock_extension_seconds=30, payout_delay_seconds=77
    )
    deployment = run_deploy(funded, path, parameters)
    assert load_deployment(path) == deployment

    async def look(client):
        rollup, game = deployment.rollup, deployment.game_implementation
        return (
            await client.call(rollup, contracts.CLOCK_EXTENSION),
            await client.call(rollup, contracts.PAYOUT_DELAY),
            await client.call(game, contracts.MAX_DEPTH),
            await client.call(game, contracts.PROVER),
        )

    assert ask(funded, look) == ((30,), (77,), (46,), ("0x" + prover.hex(),))


def test_deploy_with_a_prover_that_is_not_there_is_refused(funded, path):
    with pytest.raises(L1ContractMissing, match="the one-step prover"):
        run_deploy(funded, path, replace(PARAMETERS, prover=Address(b"\x0e" * 20)))


def test_parameters_whose_clock_does_not_hold_its_extension_twice_are_refused():
    replace(PARAMETERS, clock_extension_seconds=30)
    with pytest.raises(InvalidDeployment, match=r"must fit dispute_window_seconds \(60\) twice"):
        replace(PARAMETERS, clock_extension_seconds=31)
    with pytest.raises(InvalidDeployment, match="payout_delay_seconds can't be negative"):
        replace(PARAMETERS, payout_delay_seconds=-1)


def test_fund_operators_twice_pays_once(funded, path):
    run_deploy(funded, path)

    async def balance_after_funding():
        async with RpcClient(funded.url) as rpc:
            await fund_operators(rpc, path, poll_seconds=POLL)
            return await L1Client(rpc, chain_id=31337).balance(operator_accounts().batcher.address)

    assert asyncio.run(balance_after_funding()) == 100 * ETHER


def test_fund_operators_where_account_0_is_poor_says_so(anvil):
    account = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
    anvil.ask("anvil_setBalance", account, hex(ETHER))

    async def fund():
        async with RpcClient(anvil.url) as rpc:
            await fund_operators(rpc, poll_seconds=POLL)

    with pytest.raises(NoDevFunds, match="standard test mnemonic"):
        asyncio.run(fund())


def test_created_address_is_that_of_the_receipt():
    # The first contract of Vitalik's first account, as on mainnet and in every tutorial.
    sender = Address(bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"))
    expected = "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"
    assert created_address(sender, 0).hex() == expected
