"""From L2 to L1, the whole way: begin, prove, wait, be paid.

Where a withdrawal stands is read from L1 at every step, never remembered: whoever was interrupted
goes on from the hash of the L2 transaction, and steps that somebody else took are passed over.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final, Protocol

from bridge.deployment import Deployment
from bridge.l1 import contracts
from bridge.l1.client import L1Receipt
from bridge.l1.errors import L1CallReverted, L1TransactionReverted
from bridge.l1.transactor import L1Transaction
from bridge.withdrawal_status import (
    BridgeContracts,
    PortalView,
    WithdrawalOutcome,
    WithdrawalStatus,
)
from bridge.withdrawals import (
    RpcEvidence,
    Withdrawal,
    WithdrawalNotReady,
    Withdrawer,
    withdrawals_of,
)
from execution.contracts.abi import interface
from genesis.networks import ETHER
from genesis.predeploys import COLLATERAL_TOKEN, L2_TO_L1_MESSAGE_PASSER
from node.bridging.collateral import Collateral
from node.bridging.errors import NoWithdrawal, TooLittle
from node.bridging.limits import RESOLVE_PATIENCE_SECONDS, SPENT_GAS_WEI, STATUS_POLL_SECONDS
from node.bridging.time_travel import TimeTravel
from node.layer import Account, Layer
from state.types import Address, BlockNumber, Hash32, Timestamp, Wei

RECEIVER_GAS: Final = 100_000
"""L1 gas that the receiver of ether gets: enough for a contract that keeps books."""


class Audience(Protocol):
    """Who is told how it goes."""

    def told(self, done: str, detail: str) -> None:
        """A stage that lies behind."""

    def waiting(self, what: str, begun: Timestamp | None, until: Timestamp | None) -> None:
        """What is waited for; from and to which L1 time, where that is known."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A withdrawal that L2 has sent."""

    withdrawal: Withdrawal
    transaction: Hash32
    block: BlockNumber


@dataclass(slots=True)
class Withdrawing:
    """One account's way from L2 to L1."""

    l1: Layer
    l2: Layer
    deployment: Deployment
    account: Account
    audience: Audience
    time: TimeTravel | None = None
    """Moves a devnet's clock instead of waiting."""
    _payment: L1Receipt | None = None
    _reverted_at: WithdrawalOutcome | None = None
    """Where it stood when a transaction reverted: once may be a race, twice is none."""

    # Beginning

    async def ether(self, to: Address, wei: Wei) -> Begun:
        """Burn `wei` on L2 for `to` on L1. Raises `TooLittle`."""
        has = await self.l2.client.balance(self.account.address)
        if has < wei + SPENT_GAS_WEI:
            raise TooLittle(
                self.account.address, f"{has / ETHER:,.6f} ETH on L2",
                f"{wei / ETHER:,.6f} ETH and gas", "withdraw less",
            )  # fmt: skip
        passer = interface("L2ToL1MessagePasser")
        data = passer.call("initiateWithdrawal", to, RECEIVER_GAS, b"")
        sending = L1Transaction("withdrawal", L2_TO_L1_MESSAGE_PASSER, data, wei)
        return await self._begun(await self.l2.transactor(self.account).send(sending))

    async def token(self, to: Address, amount: int) -> Begun:
        """Burn `amount` of collateral (q6) on L2 for `to` on L1. Raises `TooLittle`."""
        has = await Collateral(self.l1, self.l2, self.deployment).balance(self.account)
        if has < amount:
            raise TooLittle(
                self.account.address, f"{has / 10**6:,.2f} USD on L2", f"{amount / 10**6:,.2f} USD",
                "withdraw less; what lies in a margin account comes out with"
                " `tallystick margin withdraw`",
            )  # fmt: skip
        burn = interface("CollateralToken").call("withdrawTo", to, amount)
        return await self._begun(
            await self.l2.send(self.account, "withdrawal", COLLATERAL_TOKEN, burn)
        )

    async def resumed(self, transaction: Hash32) -> Begun:
        """The withdrawal that an earlier L2 transaction began. Raises `NoWithdrawal`."""
        receipt = await self.l2.client.receipt(transaction)
        if receipt is None:
            raise NoWithdrawal(transaction, "is in no block")
        return await self._begun(receipt)

    async def _begun(self, receipt: L1Receipt) -> Begun:
        found = withdrawals_of(receipt.logs)
        if len(found) != 1:
            raise NoWithdrawal(receipt.hash, f"has {len(found) or 'no'} withdrawals")
        begun = Begun(found[0], receipt.hash, receipt.block_number)
        self.audience.told("Withdrawal begun", f"L2 block {begun.block}")
        return begun

    # The way

    async def take_through(self, begun: Begun) -> L1Receipt | None:
        """Prove it, wait out the dispute window, and have it paid.

        The receipt of the payment; None where somebody else had it paid. Raises what an endpoint
        refuses.
        """
        while True:
            head = await self.l1.client.header()
            view = PortalView(self._contracts, self._evidence, head)
            outcome = await view.outcome(begun.withdrawal, begun.block)
            if outcome.status is WithdrawalStatus.PAID:
                return self._payment
            if not await self._step(begun, outcome, head.timestamp):
                await asyncio.sleep(STATUS_POLL_SECONDS)

    async def _step(self, begun: Begun, outcome: WithdrawalOutcome, now: Timestamp) -> bool:
        """Do what comes next; False where that is to wait."""
        if outcome.status is WithdrawalStatus.INITIATED:
            self.audience.waiting(f"Waiting for an output root of L2 block {begun.block} or later",
                                  None, None)  # fmt: skip
            return False
        if outcome.status is WithdrawalStatus.PROVABLE:
            return await self._prove(begun, outcome)
        if outcome.status is WithdrawalStatus.FINAL:
            return await self._finalize(begun, outcome)
        return await self._wait(outcome, now)

    async def _prove(self, begun: Begun, outcome: WithdrawalOutcome) -> bool:
        self.audience.waiting("Proving", None, None)
        game = outcome.game or await self._withdrawer.find_game(begun.block)
        proof = await self._withdrawer.make_proof(begun.withdrawal, game)
        if await self._included(outcome, self._withdrawer.send_proof(proof)) is None:
            return False
        self.audience.told("Proven", f"against the output root of L2 block {game.l2_block}")
        return True

    async def _finalize(self, begun: Begun, outcome: WithdrawalOutcome) -> bool:
        self.audience.waiting("Having it paid", None, None)
        finalizing = self._withdrawer.finalize(begun.withdrawal)
        self._payment = await self._included(outcome, finalizing)
        return self._payment is not None

    async def _wait(self, outcome: WithdrawalOutcome, now: Timestamp) -> bool:
        """Wait for the game's end, and then for the delay after it."""
        game = outcome.game
        until = outcome.final_at
        what = "Waiting out the delay after the dispute window"
        if until is None and game is not None:
            if game.is_disputed:
                self.audience.waiting("Waiting for the end of a dispute", None, None)
                return False
            if now >= game.resolvable_at + RESOLVE_PATIENCE_SECONDS:
                data = contracts.RESOLVE.call()
                resolving = L1Transaction("resolving of the game", game.address, data)
                sending = self.l1.transactor(self.account).send(resolving)
                return await self._included(outcome, sending) is not None
            until, what = game.resolvable_at, "Waiting out the dispute window"
        self.audience.waiting(what, outcome.proven_at, until)
        if self.time is not None and until is not None:
            await self.time.forward(now, until)
        return False

    async def _included(
        self, outcome: WithdrawalOutcome, sending: Awaitable[L1Receipt]
    ) -> L1Receipt | None:
        """The receipt, or None where it isn't time yet, or somebody else was faster.

        Raises the revert where looking again shows that nobody was.
        """
        try:
            return await sending
        except WithdrawalNotReady:
            return None
        except (L1CallReverted, L1TransactionReverted):
            if self._reverted_at == outcome:
                raise
            self._reverted_at = outcome
            return None

    @property
    def _contracts(self) -> BridgeContracts:
        return BridgeContracts(self.l1.client, self.deployment.portal, self.deployment.rollup)

    @property
    def _evidence(self) -> RpcEvidence:
        return RpcEvidence(self.l2.client.rpc)

    @property
    def _withdrawer(self) -> Withdrawer:
        transactor = self.l1.transactor(self.account)
        known = self._contracts
        return Withdrawer(transactor, self._evidence, known.portal, known.rollup)
