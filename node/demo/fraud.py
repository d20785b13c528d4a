"""`tallystick demo fraud`: a wrong output root, disputed down to one step, and what that costs.

The challenger is the one of `tallystick challenge`. Where a devnet's own proposer lies, or its
keeper disputes what is right, that is the opponent; else the demo plays the liar too, with an
account of its own and in the same way: by a trace that is wrong in one step.
"""

import asyncio
from typing import Final

from bridge.dispute.challenger import Challenger
from bridge.dispute.faults import FaultKind
from bridge.dispute.game import Claim
from bridge.dispute.reader import Dispute
from bridge.dispute.trace import ChainTrace, Subject, TraceBook
from bridge.games import GameStatus
from bridge.l1 import contracts
from genesis.accounts import DevAccount, dev_accounts, operator_accounts
from node.demo.block_map import BlockMap
from node.demo.duel import Duel
from node.demo.false_withdrawal import FalseWithdrawal
from node.demo.fraud_story import Accusation, Audience, FraudStory, Purse, Round, Ruling
from node.demo.limits import DUEL_POLL_SECONDS
from node.demo.places import Places
from node.demo.quarrel import Quarrel, Quarrels
from node.demo.ruling import Referee
from node.demo.trade import DemoFailed, TradeDemo
from node.demo.trade_story import Trader
from node.derived import DerivedChain
from node.dispute.happenings import ether, span
from node.layer import Layer
from node.limits import DEMO_STEP_SECONDS_MAX
from state.errors import Unavailable
from state.types import BlockNumber, Hash32, Wei

NEEDS_TRADE: Final = (FaultKind.MARGIN, FaultKind.SKIPPED_TRANSACTION)
"""Lies about what somebody did on L2; the demo does it where nobody has."""


def liar_account() -> DevAccount:
    """Who lies where nobody else does: the last of the accounts that users find funded."""
    return dev_accounts()[-1]


class FraudDemo:
    """One run of the story."""

    def __init__(
        self, derived: DerivedChain, l1: Layer, l2: Layer, kind: FaultKind, audience: Audience
    ) -> None:
        """`kind` is what to lie about, where nobody lies yet."""
        self._derived = derived
        self._client = derived.client
        self._rollup = derived.deployment.rollup
        self._l1 = l1
        self._l2 = l2
        self._kind = kind
        self._audience = audience
        self._book = TraceBook(derived.local)
        self._liar = l1.transactor(liar_account())
        self._quarrels = Quarrels(derived, self._liar)
        transactor = l1.transactor(operator_accounts().challenger)
        self._account = transactor.address
        self._challenger = Challenger(
            transactor, self._rollup, self._right_trace, on_chain_thread=derived.chain.write
        )
        self._rounds: list[Round] = []

    async def run(self) -> FraudStory:
        """The whole story. Raises `DemoFailed`, and whatever an endpoint refuses."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self._derive()
        quarrel = await self._quarrels.find() or await self._begin()
        accusation = self._accusation(quarrel)
        self._audience.accused(accusation)
        places = await self._derived.chain.write(lambda: self._places(quarrel.dispute.subject))
        duel = self._duel(quarrel, places)
        ruling = await self._play(duel, quarrel, places, accusation)
        withdrawal = await self._prove_false_withdrawal(quarrel)
        self._audience.waiting("The clocks of both sides run out")
        ended = await duel.until(_is_over)
        self._tell_end(accusation, ended)
        payout = await self._collect(duel)
        refusal = None if withdrawal is None else await withdrawal.refusal()
        anchor_root, anchor_block = await self._wait_for_anchor(accusation.block)
        return FraudStory(
            accusation=accusation,
            rounds=tuple(self._rounds),
            ruling=ruling,
            status=ended.game.status,
            purses=_purses(accusation, ended),
            payout_to_challenger=payout,
            refused_withdrawal=refusal,
            anchor_block=anchor_block,
            anchor_root=anchor_root,
            seconds=round(loop.time() - began),
        )

    def _right_trace(self, dispute: Dispute) -> ChainTrace:
        return self._book.trace_of(dispute.subject)

    # Before the game

    async def _derive(self) -> None:
        self._audience.waiting("Deriving the chain from L1")
        await self._derived.catch_up()
        self._audience.told(
            f"The challenger derived {self._derived.safe:,} blocks from L1 alone",
            "it trusts no node",
        )

    async def _begin(self) -> Quarrel:
        """Lie, where nobody does."""
        if self._kind is FaultKind.ATTACK:
            self._audience.waiting("The liar waits for a right output root to dispute")
            return await self._quarrels.attack()
        invention = await self._quarrels.invent(self._kind)
        if invention is None and self._kind in NEEDS_TRADE:
            await self._trade()
            self._audience.waiting("The trade's block goes to L1")
        if invention is None:
            invention = await self._quarrels.occasion(self._kind)
        self._audience.waiting("The liar proposes a wrong output root")
        return await self._quarrels.find() or await self._quarrels.propose(invention)

    async def _trade(self) -> None:
        """Something to lie about: Alice buys from Bob, on L2."""
        trade = TradeDemo(self._l1, self._l2, self._derived.deployment, self._audience)
        alice, bob = (Trader(name, dev_accounts()[n]) for name, n in (("Alice", 1), ("Bob", 2)))
        await asyncio.gather(trade.bring_collateral(alice), trade.bring_collateral(bob))
        alice, bob = await asyncio.gather(trade.open_account(alice), trade.open_account(bob))
        await trade.report_price()
        await trade.trade(alice, bob)

    def _accusation(self, quarrel: Quarrel) -> Accusation:
        dispute, subject = quarrel.dispute, quarrel.dispute.subject
        rules = dispute.game.rules
        return Accusation(
            kind=None if quarrel.lie is None else quarrel.lie.kind,
            game=dispute.address,
            block=subject.l2_block,
            anchor_block=subject.anchor_block,
            claimed_root=dispute.output_root,
            right_root=self._derived.local.view.output_root(subject.l2_block),
            liar=quarrel.liar,
            challenger=self._account,
            bond=rules.root_bond,
            clock_seconds=rules.clocks.duration,
        )

    # The game

    def _places(self, subject: Subject) -> Places:
        trace = ChainTrace(self._derived.local, subject)
        first = subject.first_step_of_last_block
        return Places(subject, BlockMap.of(trace.machine_after(first)))

    def _duel(self, quarrel: Quarrel, places: Places) -> Duel:
        players = [self._challenger, *([quarrel.player] if quarrel.player else [])]

        def watch(dispute: Dispute) -> None:
            for made in rounds_of(dispute, places)[len(self._rounds) :]:
                self._rounds.append(made)
                self._audience.narrowed(self._rounds)

        return Duel(self._client, quarrel.dispute.address, players, watch)

    async def _play(
        self, duel: Duel, quarrel: Quarrel, places: Places, accusation: Accusation
    ) -> Ruling:
        """Down to the last step, and what L1 makes of it."""
        self._audience.waiting("The challenger disputes it")
        at_leaf = await duel.until(lambda dispute: _is_at_end(accusation, dispute))
        if not _leaves(at_leaf):
            raise DemoFailed(
                f"the game ended at depth {len(self._rounds)}: a side stopped answering"
            )
        trace = self._right_trace(at_leaf)
        ruling = await Referee(self._derived, trace, places, quarrel).rule(at_leaf, duel.played)
        self._audience.ruled(ruling)
        return ruling

    async def _prove_false_withdrawal(self, quarrel: Quarrel) -> FalseWithdrawal | None:
        """The liar's root says that an ether was withdrawn: have the Portal take the proof."""
        lie = quarrel.lie
        if lie is None or lie.kind is not FaultKind.WITHDRAWAL:
            return None
        self._audience.waiting("The liar proves a withdrawal that nobody sent")
        withdrawal = FalseWithdrawal(self._derived, self._liar)
        await withdrawal.prove(quarrel.dispute, lie)
        self._audience.told(
            "The Portal took the liar's proof of a withdrawal that nobody sent",
            "1 ETH, paid if the liar's root stands",
        )
        return withdrawal

    # After the game

    def _tell_end(self, accusation: Accusation, ended: Dispute) -> None:
        stands = ended.game.status is GameStatus.DEFENDER_WINS
        if stands != accusation.is_root_right:
            raise DemoFailed("the liar won: the challenger's answers came too late")
        outcome = "stands" if stands else "is refuted"
        self._audience.told(
            f"The game is over: the output root of block {accusation.block} {outcome}",
            f"{len(ended.game.claims)} claims judged",
        )

    async def _collect(self, duel: Duel) -> Wei:
        """Have the game pay the challenger; what it sent, in wei."""
        self._audience.waiting("Bonds are held back for a moment")
        await duel.until_paid(self._account)
        paid = Wei(sum(one.action for one in duel.played if isinstance(one.action, int)))
        self._audience.told(f"The game paid the challenger {ether(paid)}", "bonds of both sides")
        return paid

    async def _wait_for_anchor(self, block: BlockNumber) -> tuple[Hash32, BlockNumber]:
        """The newest settled root, once it is as far as the lie was. Raises `DemoFailed` where
        that isn't right."""
        self._audience.waiting("Right output roots go on")
        try:
            async with asyncio.timeout(DEMO_STEP_SECONDS_MAX):
                while (anchor := await self._client.call(self._rollup, contracts.ANCHOR))[
                    1
                ] < block:
                    await asyncio.sleep(DUEL_POLL_SECONDS)
        except TimeoutError:
            raise Unavailable(f"no output root of block {block} or later is settled") from None
        root, number = Hash32(anchor[0]), BlockNumber(anchor[1])
        await self._derived.catch_up()
        if self._derived.local.view.output_root(number) != root:
            raise DemoFailed(f"L1 settled a wrong output root of block {number}")
        self._audience.told(f"L1 has settled block {number}", "with the right output root")
        return root, number


def rounds_of(dispute: Dispute, places: Places) -> tuple[Round, ...]:
    """The answers down the path that was played first."""
    rules, found, last = dispute.game.rules, [], 0
    for claim in dispute.game.claims[1:]:
        if claim.parent_index != last:
            continue
        last = claim.index
        first_step, last_step = span(claim.position, rules.max_depth)
        found.append(
            Round(
                depth=claim.position.depth,
                depth_max=rules.max_depth,
                claimant=claim.claimant,
                bond=claim.bond,
                first_step=first_step,
                last_step=last_step,
                place=places.describe(first_step, last_step),
            )
        )
    return tuple(found)


def _leaves(dispute: Dispute) -> list[Claim]:
    """The claims that only a step can refute."""
    game = dispute.game
    return [claim for claim in game.claims if claim.position.depth == game.rules.max_depth]


def _is_at_end(accusation: Accusation, dispute: Dispute) -> bool:
    """Whether a single step is left and L1 has taken it. One against what is right can't be."""
    leaves = _leaves(dispute)
    is_refuted = any(leaf.countered_by is not None for leaf in leaves)
    return is_refuted or (accusation.is_root_right and bool(leaves)) or _is_over(dispute)


def _is_over(dispute: Dispute) -> bool:
    return dispute.game.status is not GameStatus.IN_PROGRESS


def _purses(accusation: Accusation, ended: Dispute) -> tuple[Purse, ...]:
    """Who staked and who got what."""
    names = {accusation.liar: "The liar", accusation.challenger: "The challenger"}
    accounts = list(dict.fromkeys(claim.claimant for claim in ended.game.claims))
    claims = ended.game.claims
    return tuple(
        Purse(
            name=names.get(account, "The proposer"),
            account=account,
            claims=sum(claim.claimant == account for claim in claims),
            staked=Wei(sum(claim.bond for claim in claims if claim.claimant == account)),
            paid=Wei(sum(c.bond for c in claims if (c.countered_by or c.claimant) == account)),
        )
        for account in accounts
    )
