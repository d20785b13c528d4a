"""Deploys the L1 contracts of a rollup, so that being killed at any point does no harm.

The addresses follow from the deployer's nonces. Each step is one transaction with a nonce of its
own: it is done if the nonce is used, and is what it should be if the code stands at the planned
address. Running the same command again goes on where L1 says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from bridge.contracts import artifact
from bridge.deployment import (
    Deployment,
    DeployParameters,
    Plan,
    complete,
    escrow_wei,
    read_file,
    write_file,
)
from bridge.dispute.limits import DEPTH_MAX
from bridge.dispute.prover_set import ONE_STEP_PROVER, PROVERS
from bridge.l1 import contracts, limits
from bridge.l1.abi import encode_words, type_of
from bridge.l1.accounts import Operator
from bridge.l1.client import L1Client
from bridge.l1.errors import (
    InvalidDeployment,
    L1ContractMissing,
    L1EndpointInconsistent,
    L1TransactionReverted,
    L1Unavailable,
    TransactionSuperseded,
)
from bridge.l1.rpc import RpcClient
from bridge.l1.transactor import L1Transaction, Sleep, Transactor
from genesis.networks import ETHER
from state.types import Address, Timestamp, Wei

Progress = Callable[[str], None]
"""Told what is being done, one sentence a step."""

_ESCROW = "escrow"


async def deploy(
    rpc: RpcClient,
    key: Operator | bytes,
    parameters: DeployParameters,
    path: Path,
    *,
    sleep: Sleep = asyncio.sleep,
    poll_seconds: float = limits.RECEIPT_POLL_SECONDS,
    progress: Progress = lambda _: None,
) -> Deployment:
    """Deploy, or complete what an earlier run began, or find that all is there.

    `key` is the deployer's. Raises `WrongL1Chain`, `InvalidDeployment` with the remedy,
    `L1ContractMissing` where L1 has lost an earlier deployment, `L1RequestRefused` for no funds,
    `L1Unavailable`.
    """
    client = L1Client(rpc, chain_id=parameters.l1_chain_id, errors=contracts.l1_errors())
    await client.check_chain()
    operator = key if isinstance(key, Operator) else Operator(key)
    transactor = Transactor(client, operator, sleep=sleep, poll_seconds=poll_seconds)
    deployer = _Deployer(transactor, sleep, poll_seconds, progress)
    found = await deployer.plan(parameters, path)
    if isinstance(found, Deployment):
        await check_deployment(client, found)
        return found
    deployment = await deployer.run(found)
    await check_deployment(client, deployment)
    write_file(path, deployment)
    return deployment


async def check_deployment(client: L1Client, deployment: Deployment) -> None:
    """Make sure that L1 holds what the deployment file says.

    Raises `WrongL1Chain`, `L1ContractMissing`, or `InvalidDeployment` for another genesis.
    """
    await client.check_chain()
    for name, contract in deployment.contracts.items():
        await client.require_code(contract, name)
    (sequencer,) = await client.call(deployment.inbox, contracts.SEQUENCER)
    if bytes.fromhex(sequencer[2:]) != deployment.parameters.sequencer:
        raise InvalidDeployment(
            f"the Inbox at 0x{deployment.inbox.hex()} takes batches from {sequencer}, the"
            f" deployment file says 0x{deployment.parameters.sequencer.hex()}: get the original"
        )
    header = await client.header(deployment.start_block)
    if header.timestamp != deployment.genesis_time:
        raise InvalidDeployment(
            f"L1 block {deployment.start_block} has time {header.timestamp}, the deployment file"
            f" says {deployment.genesis_time}: L1 reorganised, or it is another chain; deploy anew"
        )


class _Deployer:
    """One run of the deployment."""

    def __init__(
        self, transactor: Transactor, sleep: Sleep, poll_seconds: float, progress: Progress
    ) -> None:
        self._transactor = transactor
        self._client = transactor.client
        self._sleep = sleep
        self._poll_seconds = poll_seconds
        self._progress = progress

    async def plan(self, parameters: DeployParameters, path: Path) -> Plan | Deployment:
        """What the file holds, or a new plan, written before anything is sent."""
        if path.exists():
            found = read_file(path)
            plan = found if isinstance(found, Plan) else found.plan
            self._check_same(plan, parameters, path)
            return found
        plan = Plan(
            parameters=parameters,
            deployer=self._transactor.address,
            first_nonce=await self._client.nonce(self._transactor.address),
            planned_at_block=(await self._client.header()).number,
        )
        write_file(path, plan)
        return plan

    def _check_same(self, plan: Plan, parameters: DeployParameters, path: Path) -> None:
        if plan.parameters != parameters:
            raise InvalidDeployment(
                f"{path} is of a deployment with other options: repeat those, or give another file"
            )
        if plan.deployer != self._transactor.address:
            raise InvalidDeployment(
                f"{path} is of the deployer 0x{plan.deployer.hex()}: give its key, or another file"
            )

    async def run(self, plan: Plan) -> Deployment:
        """All steps in two rows: the Rollup needs to know the L1 time of the Inbox."""
        p = plan.parameters
        inbox, portal, rollup = (plan.address_of(c) for c in ("Inbox", "Portal", "Rollup"))
        if p.token is not None:
            await self._client.require_code(p.token, "the collateral token")
        if p.prover is not None:
            await self._client.require_code(p.prover, "the one-step prover")
        arguments: dict[str, tuple[object, ...]] = {
            "DisputeGame": (DEPTH_MAX, plan.prover),
            "Inbox": (p.sequencer, portal, p.window_seconds),
            "Portal": (
                inbox,
                rollup,
                plan.token,
                p.finality_delay_seconds,
                p.deposit_gas_price_wei,
            ),
        }
        if p.prover is None:
            arguments[ONE_STEP_PROVER] = (tuple(plan.address_of(name) for name in PROVERS),)
        before = [name for name in plan.creations if name != "Rollup"]
        row = [_creation(name, *arguments.get(name, ())) for name in before]
        if (await self._client.header()).number == 0:
            # An estimate in block 0 would have the Inbox look for the block before it.
            await self._send_row(plan, plan.first_nonce, row[:1])
        await self._send_row(plan, plan.first_nonce, row)
        for name in before:
            await self._require(plan.address_of(name), name)
        deployment = complete(plan, *await self._item_zero(plan))
        creation = _creation(
            "Rollup",
            inbox,
            deployment.genesis_output_root,
            p.bond_wei,
            p.dispute_window_seconds,
            p.clock_extension_seconds,
            p.payout_delay_seconds,
            plan.address_of("DisputeGame"),
        )
        await self._send_row(plan, plan.nonce_of("Rollup"), [creation, *_funding(plan)])
        await self._require(rollup, "Rollup")
        await self._check_anchor(deployment)
        if await self._client.balance(portal) < escrow_wei(plan):
            raise _spoiled(_ESCROW)
        return deployment

    async def _send_row(self, plan: Plan, first_nonce: int, row: list[L1Transaction]) -> None:
        """Send what of a row isn't done; a transaction left in the pool may be faster.

        Then the row is looked at again: what came before it is done, what comes after perhaps not.
        A stranger who uses a nonce shows as code that is missing afterwards.
        """
        done = await self._done_of_row(plan, first_nonce)
        for transaction in row[done:]:
            self._progress(transaction.what[0].upper() + transaction.what[1:])
        for _ in row[done:]:
            try:
                await self._transactor.send_row(row[done:], first_nonce=first_nonce + done)
                return
            except TransactionSuperseded:
                done = await self._done_of_row(plan, first_nonce)
            except L1TransactionReverted as error:
                raise _spoiled(str(error)) from error

    async def _done_of_row(self, plan: Plan, first_nonce: int) -> int:
        """How many transactions of a row are on L1."""
        used = await self._client.nonce(plan.deployer)
        if used < first_nonce:
            raise L1EndpointInconsistent(
                f"L1 says that the deployer has used {used} nonces, but {first_nonce} are behind"
                " us: it lags or reorganised; run the same command again"
            )
        return used - first_nonce

    async def _require(self, at: Address, contract: str) -> None:
        try:
            await self._client.require_code(at, contract)
        except L1ContractMissing:
            raise _spoiled(contract) from None

    async def _item_zero(self, plan: Plan) -> tuple[int, Timestamp]:
        """Number and time of the L1 block of the Inbox, once it is deep enough."""
        inbox = plan.address_of("Inbox")
        for _ in range(limits.CONFIRMATION_POLLS_MAX):
            head = await self._client.header()
            number = await self._first_log_block(inbox, plan.planned_at_block, head.number)
            if head.number - number >= plan.parameters.confirmations:
                header = await self._client.header(number)
                return header.number, header.timestamp
            self._progress(
                f"Waiting for {plan.parameters.confirmations} confirmations of the Inbox"
            )
            await self._sleep(self._poll_seconds)
        raise L1Unavailable("the Inbox isn't confirmed yet; run the same command again")

    async def _first_log_block(self, inbox: Address, first: int, head: int) -> int:
        while first <= head:
            last = min(first + limits.LOG_RANGE_BLOCKS_MAX - 1, head)
            logs = await self._client.logs(inbox, contracts.ITEM_APPENDED, first, last)
            if logs:
                return logs[0].block_number
            first = last + 1
        raise L1EndpointInconsistent("the L1 endpoint has the Inbox, but not the log of its item 0")

    async def _check_anchor(self, deployment: Deployment) -> None:
        """The Rollup starts from our genesis, unless a reorg moved the Inbox in between."""
        root, l2_block = await self._client.call(deployment.rollup, contracts.ANCHOR)
        if l2_block == 0 and root != deployment.genesis_output_root:
            raise InvalidDeployment(
                "L1 reorganised during the deployment, so that L2's genesis moved: remove the"
                " deployment file and deploy anew, with more confirmations"
            )


def _creation(contract: str, *arguments: object) -> L1Transaction:
    data = artifact(contract).bytecode + encode_words(_constructor_types(contract), arguments)
    return L1Transaction(f"creating {contract}", None, data)


def _funding(plan: Plan) -> list[L1Transaction]:
    """The transaction that escrows L2's first ether, if there is any."""
    amount = escrow_wei(plan)
    what = f"escrowing {amount / ETHER:,.0f} ETH in the Portal"
    call = contracts.FUND_ESCROW.call()
    transaction = L1Transaction(what, plan.address_of("Portal"), call, Wei(amount))
    return [transaction] if amount else []


def _constructor_types(contract: str) -> tuple[str, ...]:
    for entry in artifact(contract).abi:
        if entry["type"] == "constructor":
            return tuple(type_of(field) for field in entry["inputs"])
    return ()


def _spoiled(step: str) -> InvalidDeployment:
    return InvalidDeployment(
        f"the deployer's account did something else in place of the planned step '{step}', or that"
        " step reverted: remove the deployment file and deploy anew"
    )
