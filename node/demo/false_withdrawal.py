"""A withdrawal that nobody sent, proven against a liar's root: the Portal never pays it."""

from __future__ import annotations

import asyncio

from bridge.boundary import Boundary
from bridge.dispute.faults import LyingTrace, forged_withdrawal
from bridge.dispute.reader import Dispute
from bridge.dispute.trace import BLOCK_STEPS
from bridge.games import read_game
from bridge.l1 import contracts
from bridge.l1.errors import L1CallReverted
from bridge.l1.transactor import L1Transaction, Transactor
from bridge.withdrawals import (
    Proof,
    StoreEvidence,
    Withdrawal,
    WithdrawalNotReady,
    Withdrawer,
)
from node.demo.limits import DUEL_POLL_SECONDS
from node.demo.trade import DemoFailed
from node.derived import DerivedChain
from state.errors import InternalError
from state.keccak import keccak
from state.trie import prove
from state.types import Hash32


class FalseWithdrawal:
    """One ether out of the Portal for the liar, if the root stood."""

    def __init__(self, derived: DerivedChain, transactor: Transactor) -> None:
        """`transactor` is of whoever tries; anyone may."""
        self._derived = derived
        self._transactor = transactor
        self._withdrawal: Withdrawal = forged_withdrawal(derived.chain.config.coinbase)

    async def prove(self, dispute: Dispute, lie: LyingTrace) -> None:
        """Have the Portal take the proof, which is one, against the liar's root."""
        game = await read_game(self._derived.client, dispute.address, at="latest")
        boundary, nodes = await self._derived.chain.write(lambda: self._evidence(dispute, lie))
        proof = Proof(self._withdrawal, game, boundary, nodes)
        local, deployment = self._derived.local, self._derived.deployment
        withdrawer = Withdrawer(
            self._transactor,
            StoreEvidence(local.store, local.view),
            deployment.portal,
            deployment.rollup,
        )
        while True:
            try:
                await withdrawer.send_proof(proof)
                return
            except WithdrawalNotReady:
                await asyncio.sleep(DUEL_POLL_SECONDS)

    def _evidence(self, dispute: Dispute, lie: LyingTrace) -> tuple[Boundary, tuple[bytes, ...]]:
        machine = lie.machine_after(dispute.subject.first_step_of_last_block + BLOCK_STEPS)
        if machine.machine is None:
            raise InternalError("a block that is sealed was executed")
        key = keccak(self._withdrawal.slot.to_bytes(32, "big"))
        world, root = machine.machine.state.world, machine.boundary.message_passer_root
        written = world.update().nodes

        def node(node_hash: Hash32) -> bytes:
            return written.get(node_hash) or world.node(node_hash)

        return machine.boundary, prove(root, key, node)

    async def refusal(self) -> str:
        """What the Portal says when asked to pay, now that the game is lost."""
        data = contracts.FINALIZE_WITHDRAWAL.call(self._withdrawal.fields)
        portal = self._derived.deployment.portal
        try:
            await self._transactor.send(L1Transaction("false withdrawal", portal, data))
        except L1CallReverted as reverted:
            return reverted.reason
        raise DemoFailed("the Portal paid a withdrawal that nobody sent")
