"""A step that L1 is asked about: whether it says what our machine says, and for what gas."""

from dataclasses import dataclass
from typing import Final

from bridge.dispute.trace import Subject
from bridge.l1 import contracts, wire
from bridge.l1.abi import Function
from bridge.l1.errors import L1CallReverted
from bridge.l1.wire import to_data
from genesis.accounts import operator_accounts
from node.derived import DerivedChain
from node.dispute.step_view import StepView
from state.errors import Invalid
from state.types import ZERO_ADDRESS, Address, Gas, Hash32

PROVE: Final = Function("step(bytes32,(uint256,uint256,uint256,address),bytes)", ("bytes32",))
"""IOneStepProver.step(preState, StepContext{traceIndex, l2Block, inboxCount, inbox}, witness)."""


class NoProver(Invalid):
    """The rollup's games can't have a step checked."""


@dataclass(frozen=True, slots=True)
class L1Answer:
    """What L1's prover says that follows."""

    prover: Address
    post_state: Hash32 | None
    """None where it reverts."""
    revert: str | None
    gas: Gas | None
    """Of a transaction that asks the prover alone, calldata included; the game adds its own."""

    def agrees(self, view: StepView) -> bool:
        """Whether the machine and L1 come to the same state."""
        return self.post_state == view.after


async def ask_l1(derived: DerivedChain, subject: Subject, view: StepView) -> L1Answer:
    """Have L1 check a step by `eth_call`. Raises `NoProver`, `Unavailable`."""
    client, deployment = derived.client, derived.deployment
    (answer,) = await client.call(deployment.game_implementation, contracts.PROVER)
    prover = wire.address(answer, "prover")
    if prover == ZERO_ADDRESS:
        raise NoProver("the games of this rollup have no prover: no step can be proven on its L1")
    context = (view.trace_index, subject.l2_block, subject.inbox_count, to_data(deployment.inbox))
    arguments = (view.before, context, view.witness)
    try:
        (post_state,) = await client.call(prover, PROVE, *arguments)
        sender = operator_accounts().challenger.address
        gas = await client.estimate(sender, prover, PROVE.call(*arguments), 0)
    except L1CallReverted as reverted:
        return L1Answer(prover, None, reverted.reason, None)
    return L1Answer(prover, Hash32(post_state), None, gas)
