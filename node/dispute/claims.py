"""What a claim of a dispute means to somebody who looks at it."""

from bridge.dispute.game import Claim
from bridge.dispute.reader import Dispute


def is_attack(dispute: Dispute, claim: Claim) -> bool:
    """Whether it attacks the claim that it answers; else it defends it. The root does neither."""
    if claim.parent_index is None:
        return False
    return dispute.game.claims[claim.parent_index].position.attack == claim.position


def seconds_left(dispute: Dispute, claim: Claim) -> int:
    """What is left to answer the claim, when the dispute was read."""
    game = dispute.game
    return game.rules.clocks.duration - game.elapsed(claim, dispute.read_at)


def refuted_leaf(dispute: Dispute) -> Claim | None:
    """The first leaf that one step of the machine, executed on L1, has refuted."""
    depth = dispute.game.rules.max_depth
    leaves = (claim for claim in dispute.game.claims if claim.position.depth == depth)
    return next((leaf for leaf in leaves if leaf.countered_by is not None), None)
