"""The one step that a game comes down to: what both sides say of it, and what L1 does."""

from bridge.dispute.challenger import Played
from bridge.dispute.faults import FaultKind, LyingTrace
from bridge.dispute.game import Step
from bridge.dispute.reader import Dispute
from bridge.dispute.solver import next_moves
from bridge.dispute.trace import ChainTrace
from bridge.l1 import contracts
from bridge.l1.errors import L1CallReverted
from bridge.machine.block_machine import BlockMachine
from execution.machine.frame import Frame
from execution.machine.status import Status
from node.demo.facts import Fact, contradictions
from node.demo.fraud_story import Ruling
from node.demo.places import Places
from node.demo.quarrel import Quarrel
from node.demo.trade import DemoFailed
from node.derived import DerivedChain
from node.dispute.step_proof import ask_l1
from node.dispute.step_view import view_step
from state.types import Gas, Hash32


class Referee:
    """Looks at the last step of one game, once it is clear which that is."""

    def __init__(
        self, derived: DerivedChain, trace: ChainTrace, places: Places, quarrel: Quarrel
    ) -> None:
        """`trace` is the right one."""
        self._derived = derived
        self._trace = trace
        self._places = places
        self._quarrel = quarrel

    async def rule(self, dispute: Dispute, played: list[Played]) -> Ruling:
        """What the step is and what it leads to; `played` is what our players did."""
        think, lie = self._derived.chain.write, self._quarrel.lie
        proof = next((one for one in played if isinstance(one.action, Step)), None)
        index = _last_step(lie, proof)
        view = await think(lambda: view_step(self._trace, index))
        right = await think(lambda: self._trace.machine_after(index + 1))
        before = await think(lambda: self._trace.machine_after(index))
        claimed = None if lie is None else await think(lambda: lie.machine_after(index + 1))
        frame = None if claimed is None or view.instruction is None else _frame(claimed)
        return Ruling(
            view=view,
            place=self._places.describe(index, index),
            claimed=_claimed(dispute, lie, index),
            claimed_stack=None if frame is None else tuple(frame.stack),
            claimed_gas=None if frame is None else Gas(frame.gas),
            facts=await think(lambda: _facts(before, right, claimed)),
            answer=await ask_l1(self._derived, dispute.subject, view),
            gas=None if proof is None else Gas(proof.receipt.gas_used),
            refusal=await self._refusal(dispute),
        )

    async def _refusal(self, dispute: Dispute) -> str | None:
        """What L1 says to the step of a liar who disputes what is right."""
        lie = self._quarrel.lie
        if lie is None or lie.kind is not FaultKind.ATTACK:
            return None
        moves = await self._derived.chain.write(
            lambda: next_moves(dispute.game, lie, self._quarrel.liar, dispute.read_at)
        )
        for step in moves:
            if isinstance(step, Step):
                return await self._tried(dispute, lie, step)
        return None

    async def _tried(self, dispute: Dispute, lie: LyingTrace, step: Step) -> str:
        proof = await self._derived.chain.write(lambda: lie.proof(step.trace_index))
        arguments = (step.claim_index, step.is_attack, proof.witness)
        try:
            await self._derived.client.call(
                dispute.address, contracts.STEP, *arguments, sender=self._quarrel.liar
            )
        except L1CallReverted as reverted:
            return reverted.reason
        raise DemoFailed("L1 takes a wrong step for right")


def _last_step(lie: LyingTrace | None, proof: Played | None) -> int:
    if lie is not None and lie.struck_at is not None:
        return lie.struck_at
    if proof is None or not isinstance(proof.action, Step):
        raise DemoFailed("somebody else proved the last step, of a lie that we can't name")
    return proof.action.trace_index


def _claimed(dispute: Dispute, lie: LyingTrace | None, index: int) -> Hash32:
    """The state after the step as the liar has it."""
    if lie is not None:
        return lie.claim_at(index)
    return dispute.game.claims[-1].claim


def _frame(machine: BlockMachine) -> Frame | None:
    return None if machine.machine is None else machine.machine.state.frame


def _facts(
    before: BlockMachine, right: BlockMachine, claimed: BlockMachine | None
) -> tuple[Fact, ...]:
    if claimed is None or before.status is Status.RUN:
        return ()
    return contradictions(before, right, claimed)
