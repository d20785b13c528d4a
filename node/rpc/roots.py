"""`rollup_` methods about output roots on L1: proposals, their disputes, and L1 itself.

A page may ask no server but its own, so the node reads L1 for it (`node/dispute/roots.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.derive.view import DerivationView
from bridge.dispute.game import Claim
from bridge.dispute.reader import Dispute
from bridge.games import GameStatus
from bridge.l1.headers import L1Header
from bridge.l1.watcher import L1Progress
from node.dispute.claims import is_attack, refuted_leaf, seconds_left
from node.dispute.games import UnknownGame
from node.dispute.happenings import place, span
from node.dispute.limits import PROPOSALS_MAX
from node.dispute.roots import Proposal, RootsReader
from node.rpc.codec import data, parse_quantity, parse_string, quantity
from node.rpc.dispatch import Param, method
from node.rpc.errors import InvalidParams
from node.rpc.format import Json
from state.types import BlockNumber, Hash32

_PROPOSALS_DEFAULT = 16


def _parse_count(value: object) -> int:
    """How many proposals: 1 to `PROPOSALS_MAX`."""
    count = parse_quantity(value)
    if not 1 <= count <= PROPOSALS_MAX:
        raise InvalidParams(f"1 to {PROPOSALS_MAX} proposals are told of, not {count}")
    return count


@dataclass(frozen=True, slots=True)
class L1Watched:
    """What a node knows of L1 by following it, at no further cost."""

    chain_id: int
    endpoint: str
    """Host and port, never the path: it may hold a key."""
    progress: L1Progress | None
    """The last look at it; None before the first."""
    trouble: str | None
    """Why it is out of reach, while it is."""
    is_synced: bool
    """Whether all that L1 says has been derived."""


class RootMethods:
    """Output roots and L1, as seen by whoever looks on. Only on L2."""

    def __init__(
        self, roots: RootsReader, view: DerivationView, watched: Callable[[], L1Watched]
    ) -> None:
        self._roots = roots
        self._view = view
        self._watched = watched

    @method("rollup_l1Status")
    async def l1_status(self) -> Json:
        """L1's head as the node saw it last, and whether it follows."""
        now = self._watched()
        progress = now.progress
        return {
            "chainId": quantity(now.chain_id),
            "endpoint": now.endpoint,
            "head": None if progress is None else _header_json(progress.head),
            "baseFeePerGas": None if progress is None else quantity(progress.head.base_fee),
            "items": None if progress is None else quantity(progress.count),
            "finalizedItems": None if progress is None else quantity(progress.final_count),
            "isSynced": now.is_synced,
            "trouble": now.trouble,
        }

    @method("rollup_getProposals", Param(_parse_count, _PROPOSALS_DEFAULT))
    async def proposals(self, count: int) -> Json:
        """The newest proposals of output roots, newest first, and what L1 has settled."""
        roots = await self._roots.roots(count)
        return {
            "l1": _header_json(roots.head),
            "anchor": {
                "outputRoot": data(roots.anchor_root),
                "l2Block": quantity(roots.anchor_block),
            },
            "count": quantity(roots.count),
            "proposals": [self._proposal_json(one) for one in roots.proposals[:count]],
        }

    @method("rollup_getDispute", Param(parse_string))
    async def dispute(self, name: str) -> Json:
        """A game by its address or index with all its claims."""
        try:
            dispute = await self._roots.dispute(name)
        except UnknownGame as error:
            raise InvalidParams(str(error)) from error
        is_right = self._is_right(dispute.subject.l2_block, dispute.output_root)
        return dispute_json(dispute, is_right)

    def _proposal_json(self, one: Proposal) -> Json:
        return {
            "index": quantity(one.index),
            "game": data(one.game),
            "proposer": data(one.proposer),
            "outputRoot": data(one.output_root),
            "l2Block": quantity(one.l2_block),
            "bond": quantity(one.bond),
            "createdAt": quantity(one.created_at),
            "resolvableAt": quantity(one.resolvable_at),
            "resolvedAt": quantity(one.resolved_at) if one.is_over else None,
            "payableAt": quantity(one.resolved_at + one.payout_delay) if one.is_over else None,
            "status": status_word(one.status),
            "claims": quantity(one.claims),
            "isRight": self._is_right(one.l2_block, one.output_root),
        }

    def _is_right(self, number: BlockNumber, claimed: Hash32) -> bool | None:
        """Whether a root is what this node derives; None where it hasn't come so far."""
        own = self._view.output_root(number)
        return None if own is None else own == claimed


def dispute_json(dispute: Dispute, is_right: bool | None) -> Json:
    """A game and its claims; `is_right` is what the node says of the proposed root."""
    game, subject = dispute.game, dispute.subject
    return {
        "game": data(dispute.address),
        "status": status_word(game.status),
        "proposer": data(dispute.proposer),
        "outputRoot": data(dispute.output_root),
        "isRight": is_right,
        "l2Block": quantity(subject.l2_block),
        "anchorRoot": data(subject.anchor_root),
        "anchorBlock": quantity(subject.anchor_block),
        "inboxCount": quantity(subject.inbox_count),
        "createdAt": quantity(dispute.created_at),
        "readAt": quantity(dispute.read_at),
        "resolvedAt": quantity(game.resolved_at) if game.resolved_at else None,
        "maxDepth": quantity(game.rules.max_depth),
        "clockSeconds": quantity(game.rules.clocks.duration),
        "clockExtensionSeconds": quantity(game.rules.clocks.extension),
        "claims": [_claim_json(dispute, claim) for claim in game.claims],
        "step": _step_json(dispute),
    }


def _claim_json(dispute: Dispute, claim: Claim) -> Json:
    is_root, countered = claim.parent_index is None, claim.countered_by
    return {
        "index": quantity(claim.index),
        "parentIndex": None if claim.parent_index is None else quantity(claim.parent_index),
        "isAttack": None if is_root else is_attack(dispute, claim),
        "position": quantity(claim.position.gindex),
        "depth": quantity(claim.position.depth),
        "claim": data(claim.claim),
        "claimant": data(claim.claimant),
        "bond": quantity(claim.bond),
        "madeAt": quantity(claim.made_at),
        "secondsLeft": quantity(seconds_left(dispute, claim)),
        "counteredBy": None if countered is None else data(countered),
        "isResolved": claim.is_resolved,
        "inDoubt": None if is_root else _doubt_json(dispute, claim),
    }


def _doubt_json(dispute: Dispute, claim: Claim) -> Json:
    """The steps of the trace that a claim's maker and that of the claim it answers differ about."""
    first, last = span(claim.position, dispute.game.rules.max_depth)
    return {
        "firstStep": quantity(first),
        "lastStep": quantity(last),
        "words": place(dispute, first, last),
    }


def _step_json(dispute: Dispute) -> Json | None:
    """The step that L1 has executed, if any: between which two states, and whom it refuted."""
    leaf = refuted_leaf(dispute)
    if leaf is None or leaf.countered_by is None:
        return None
    return {
        "claimIndex": quantity(leaf.index),
        "by": data(leaf.countered_by),
        "inDoubt": _doubt_json(dispute, leaf),
    }


def _header_json(header: L1Header) -> Json:
    return {
        "number": quantity(header.number),
        "hash": data(header.hash),
        "timestamp": quantity(header.timestamp),
    }


def status_word(status: GameStatus) -> str:
    """A game's status: in_progress, challenger_wins or defender_wins."""
    return status.name.lower()
