"""How somebody on L1 comes to have collateral on L2, and a margin account with it."""

import asyncio
from dataclasses import dataclass
from typing import Final

from bridge.deployment import Deployment
from bridge.deposits import approve_token, deposit_token
from bridge.l1.abi import Function
from bridge.l1.client import L1Receipt
from bridge.l1.transactor import L1Transaction
from node.layer import Account, Layer
from node.limits import DEMO_STEP_SECONDS_MAX
from node.margin_accounts import MarginAccounts, Opened
from state.errors import Unavailable
from state.types import Address, BlockNumber

MINT: Final = Function("mint(address,uint256)")
_POLL_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class Collateral:
    """The way of the test token through the Portal."""

    l1: Layer
    l2: Layer
    deployment: Deployment

    async def bring(self, owner: Account, amount: int) -> L1Receipt:
        """Mint `amount` (q6) on L1, lock it in the Portal, and wait for it on L2.

        Raises `Unavailable` when it takes too long.
        """
        before = await self.balance(owner)
        await self.mint(owner, owner.address, amount)
        receipt = await self.lock(owner, owner.address, amount)
        await self._until_arrived(owner, before + amount)
        return receipt

    async def mint(self, payer: Account, to: Address, amount: int) -> L1Receipt:
        """Test dollars (q6) out of nothing, on L1: anyone may mint `TestUSD`."""
        mint = L1Transaction("mint", self.deployment.token, MINT.call(to, amount))
        return await self.l1.transactor(payer).send(mint)

    async def lock(self, owner: Account, to: Address, amount: int) -> L1Receipt:
        """Lock `amount` (q6) of the owner's on L1, for `to` to get on L2."""
        token, portal = self.deployment.token, self.deployment.portal
        transactor = self.l1.transactor(owner)
        await transactor.send(approve_token(token, portal, amount))
        return await transactor.send(await deposit_token(self.l1.client, portal, to, amount))

    async def balance(self, owner: Account, at: BlockNumber | None = None) -> int:
        """q6 on L2, outside the clearing house; in the latest block by default."""
        return await MarginAccounts(self.l2).balance(owner, at)

    async def open_account(self, owner: Account, amount: int) -> Opened:
        """A margin account with `amount` (q6) of what `owner` has on L2. Raises `TooLittle`."""
        return await MarginAccounts(self.l2).open(owner, amount)

    async def approve(self, owner: Account, amount: int) -> None:
        """Let the clearing house take `amount` (q6) of the token."""
        await MarginAccounts(self.l2).approve(owner, amount)

    async def _until_arrived(self, owner: Account, expected: int) -> None:
        try:
            async with asyncio.timeout(DEMO_STEP_SECONDS_MAX):
                while await self.balance(owner) < expected:
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            waited = f"waited {DEMO_STEP_SECONDS_MAX:.0f} s for a deposit on L2"
            raise Unavailable(waited) from None
