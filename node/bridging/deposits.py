"""From L1 to L2: send a deposit, and wait until it is credited."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridge.deployment import Deployment
from bridge.deposits import deposit_ether, l2_transaction
from bridge.l1 import contracts, wire
from bridge.l1.client import L1Receipt
from genesis.networks import ETHER
from node.bridging.collateral import Collateral
from node.bridging.errors import DepositFailed, TooLittle
from node.bridging.limits import DEPOSITS_LOOKED_AT, SPENT_GAS_WEI, STATUS_POLL_SECONDS
from node.layer import Account, Layer
from state.types import Address, BlockNumber, Hash32, Wei

_OUTCOMES: Final = {
    "failed": "its call failed, and what it minted stays with the sender",
    "returned": "the token could not be credited, and is on its way back as a withdrawal",
    "skipped": "it was no valid transaction",
}


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit that is on L1, and the L2 transaction that comes of it."""

    l1: L1Receipt
    sender: Address
    l2_hash: Hash32


@dataclass(frozen=True, slots=True)
class Depositor:
    """Brings things to L2."""

    l1: Layer
    l2: Layer
    deployment: Deployment

    async def ether(self, account: Account, to: Address, wei: Wei) -> Deposit:
        """Send `wei` to `to` on L2. Raises `TooLittle`."""
        client = self.l1.client
        has = await client.balance(account.address)
        if has < wei + SPENT_GAS_WEI:
            raise TooLittle(
                account.address, f"{has / ETHER:,.6f} ETH on L1",
                f"{wei / ETHER:,.6f} ETH and gas", "deposit less, or send it ETH on L1 first",
            )  # fmt: skip
        deposit = await deposit_ether(client, self.deployment.portal, to, wei)
        return self._deposit(account, await self.l1.transactor(account).send(deposit))

    async def token(self, account: Account, to: Address, amount: int) -> Deposit:
        """Send `amount` of collateral (q6) to `to` on L2. Raises `TooLittle`."""
        (has,) = await self.l1.client.call(
            self.deployment.token, contracts.BALANCE_OF, account.address
        )
        if has < amount:
            raise TooLittle(
                account.address, f"{has / 10**6:,.2f} USD on L1", f"{amount / 10**6:,.2f} USD",
                "deposit less; on a devnet `tallystick faucet` gives test dollars",
            )  # fmt: skip
        lock = Collateral(self.l1, self.l2, self.deployment).lock
        return self._deposit(account, await lock(account, to, amount))

    async def credited(self, deposit: Deposit, tell: Callable[[str], None]) -> BlockNumber:
        """Wait until L2 has it; the block that does. Raises `DepositFailed`."""
        while (receipt := await self.l2.client.receipt(deposit.l2_hash)) is None:
            head = await self.l2.client.header()
            tell(f"Waiting for L2 to take in L1 block {deposit.l1.block_number} ({head.number})")
            await asyncio.sleep(STATUS_POLL_SECONDS)
        status = await self._status(deposit)
        if status in _OUTCOMES:
            raise DepositFailed(deposit.l2_hash, status, _OUTCOMES[status])
        return receipt.block_number

    async def _status(self, deposit: Deposit) -> str:
        """What the node says became of it, by `rollup_getDeposits`."""
        answer = await self.l2.client.rpc.request(
            "rollup_getDeposits",
            {
                "address": wire.to_data(deposit.sender),
                "limit": wire.to_quantity(DEPOSITS_LOOKED_AT),
            },
        )
        found = wire.object_(answer, "rollup_getDeposits").get("deposits")
        for entry in wire.list_(found, "deposits"):
            fields = wire.object_(entry, "a deposit")
            if wire.hash_(fields.get("hash"), "hash") == deposit.l2_hash:
                return str(fields.get("status"))
        return "credited"  # so many came after it that only its receipt speaks for it

    def _deposit(self, account: Account, receipt: L1Receipt) -> Deposit:
        hash_ = l2_transaction(receipt, self.deployment.inbox).hash
        return Deposit(receipt, account.address, hash_)
