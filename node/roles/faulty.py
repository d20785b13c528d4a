"""The liar beside a devnet's honest sequencer, so that `tallystick challenge` finds work."""

from dataclasses import dataclass

from bridge.deployment import Deployment
from bridge.dispute.faults import Fault, FaultKind
from bridge.dispute.liar import Liar, LyingChallenger
from bridge.dispute.trace import LocalChain
from bridge.l1.accounts import Operator
from bridge.l1.transactor import Transactor
from genesis.accounts import operator_accounts
from node.limits import DISPUTE_POLL_SECONDS
from node.roles.follower import Follower


@dataclass(frozen=True, slots=True)
class FaultPlayer:
    """Lies as its fault says, and plays for the lie, once the node knows what is true."""

    follower: Follower
    liar: Liar | LyingChallenger

    async def step(self) -> None:
        """Lie or play, if L1 is in view. Raises `Unavailable`, and `Invalid` where L1 refuses."""
        if self.follower.synced.is_set():
            await self.liar.step()


def fault_player(
    fault: Fault, follower: Follower, proposer: Transactor, deployment: Deployment
) -> FaultPlayer:
    """The liar for a fault. A wrong root is proposed, in the proposer's own turn, by its account; a
    right one is attacked by another account, for nobody disputes himself."""
    chain = follower.chain
    local = LocalChain(chain.store, chain.config, follower.log, follower.pipeline.view)
    if fault.kind is FaultKind.ATTACK:
        keeper = Operator.of_dev_account(operator_accounts().keeper)
        attacker = Transactor(proposer.client, keeper, poll_seconds=DISPUTE_POLL_SECONDS)
        attack = LyingChallenger(
            local, attacker, deployment.rollup, fault, on_chain_thread=chain.write
        )
        return FaultPlayer(follower, attack)
    liar = Liar(local, proposer, deployment.rollup, fault, on_chain_thread=chain.write)
    return FaultPlayer(follower, liar)
