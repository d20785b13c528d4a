"""Funds a devnet's operators on an L1 that isn't ours, from its well-known first account."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.deployment import Deployment, DeployParameters, Plan, escrow_wei, read_file
from bridge.l1 import limits, wire
from bridge.l1.accounts import Operator
from bridge.l1.client import L1Client
from bridge.l1.rpc import RpcClient
from bridge.l1.transactor import L1Transaction, Sleep, Transactor
from genesis.accounts import dev_accounts, operator_accounts
from genesis.networks import ETHER
from state.errors import Invalid
from state.types import Address, Wei

OPERATOR_WEI = Wei(100 * ETHER)
"""What an operator can post and propose with for days; it gets as much when it has under half."""


class NoDevFunds(Invalid):
    """The L1 isn't a devnet of the standard test mnemonic."""


async def fund_operators(
    rpc: RpcClient,
    deployment_file: Path | None = None,
    *,
    sleep: Sleep = asyncio.sleep,
    poll_seconds: float = limits.RECEIPT_POLL_SECONDS,
) -> None:
    """Bring each operator's balance up, the deployer's with the escrow of L2's genesis besides.

    Where `deployment_file` holds a complete deployment, that escrow is paid already. Raises
    `NoDevFunds` where account 0 of the test mnemonic can't pay for it.
    """
    chain_id = wire.quantity(await rpc.request("eth_chainId"), "eth_chainId")
    client = L1Client(rpc, chain_id=chain_id)
    bank = Operator.of_dev_account(dev_accounts()[0])
    transactor = Transactor(client, bank, sleep=sleep, poll_seconds=poll_seconds)
    missing = await _missing(client, _escrow(deployment_file))
    total = sum(missing.values())
    if await client.balance(bank.address) < total + ETHER:
        raise NoDevFunds(
            f"dev account 0 (0x{bank.address.hex()}) has less than {total / ETHER:,.0f} ETH on this"
            " L1: start it with the standard test mnemonic, or deploy with funded keys of your own"
        )
    transactions = [
        L1Transaction("funding of an operator", receiver, b"", amount)
        for receiver, amount in missing.items()
    ]
    await transactor.send_row(transactions, first_nonce=await client.nonce(bank.address))


async def _missing(client: L1Client, escrow: Wei) -> dict[Address, Wei]:
    """What each operator lacks, in wei."""
    duties = operator_accounts()
    missing: dict[Address, Wei] = {}
    for name in duties.__dataclass_fields__:
        account = getattr(duties, name).address
        wanted = OPERATOR_WEI
        if account == duties.deployer.address:
            wanted = Wei(wanted + escrow)
        balance = await client.balance(account)
        if balance < wanted - OPERATOR_WEI // 2:
            missing[account] = Wei(wanted - balance)
    return missing


def _escrow(deployment_file: Path | None) -> Wei:
    """What the deployer still has to escrow, in wei."""
    if deployment_file is not None and deployment_file.exists():
        found = read_file(deployment_file)
        return Wei(0) if isinstance(found, Deployment) else escrow_wei(found)
    return escrow_wei(Plan(DeployParameters(), operator_accounts().deployer.address, 0, 0))
