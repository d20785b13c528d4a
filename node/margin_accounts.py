"""Margin accounts as their owners move collateral into and out of them, on L2."""

from dataclasses import dataclass

from bridge.l1.client import L1Receipt
from execution.contracts.abi import interface
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN
from node.bridging.errors import TooLittle
from node.layer import Account, House, Layer, events
from state.types import Address, BlockNumber


@dataclass(frozen=True, slots=True)
class Opened:
    """A new margin account, and what it was credited with (q6) in which block of L2."""

    account: int
    credited: int
    block: BlockNumber


@dataclass(frozen=True, slots=True)
class MarginAccounts:
    """The clearing house's accounts, to those who own them."""

    l2: Layer

    async def open(self, owner: Account, amount: int) -> Opened:
        """A new account with `amount` (q6) of what `owner` has on L2. Raises `TooLittle`."""
        await self._require(owner, amount)
        created = await House(self.l2).send(owner, "createAccount")
        account = events(created, "AccountCreated")[0]["account"]
        if amount == 0:
            return Opened(account, 0, created.block_number)
        return await self.fund(owner, account, amount)

    async def fund(self, owner: Account, account: int, amount: int) -> Opened:
        """Put `amount` (q6) into an account. Raises `TooLittle`."""
        await self._require(owner, amount)
        await self.approve(owner, amount)
        receipt = await House(self.l2).send(owner, "deposit", account, amount)
        return Opened(account, events(receipt, "Deposited")[0]["credited"], receipt.block_number)

    async def take(self, owner: Account, account: int, amount: int, to: Address) -> L1Receipt:
        """Take `amount` (q6) out of an account, for `to` on L2; the house says what it may be."""
        return await House(self.l2).send(owner, "withdraw", account, amount, to)

    async def approve(self, owner: Account, amount: int) -> None:
        """Let the clearing house take `amount` (q6) of the token."""
        data = interface("CollateralToken").call("approve", CLEARING_HOUSE, amount)
        await self.l2.send(owner, "approval", COLLATERAL_TOKEN, data)

    async def balance(self, owner: Account, at: BlockNumber | None = None) -> int:
        """q6 on L2, outside the clearing house; in the latest block by default."""
        token = interface("CollateralToken")
        (held,) = await self.l2.view(COLLATERAL_TOKEN, token, "balanceOf", owner.address, at=at)
        return int(held)

    async def _require(self, owner: Account, amount: int) -> None:
        has = await self.balance(owner)
        if has < amount:
            raise TooLittle(
                owner.address, f"{has / 10**6:,.2f} USD on L2", f"{amount / 10**6:,.2f} USD",
                "bring more with `tallystick deposit`, or on a devnet `tallystick faucet`",
            )  # fmt: skip
