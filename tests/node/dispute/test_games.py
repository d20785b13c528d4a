"""Finding the game that somebody names."""

import pytest

from bridge.dispute.reader import Dispute
from node.dispute.games import UnknownGame, claim_of, find_dispute
from state.types import Address
from tests.bridge.dispute.conftest import InCourt, built, in_court
from tests.bridge.dispute.l1_disputes import Court

__all__ = ["built", "in_court"]


async def found(court: Court, name: str) -> Dispute:
    return await find_dispute(court.rig.client, court.rig.deployment.rollup, name)


def test_game_is_found_by_index_and_by_address(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        first = await court.propose(court.root(2), 2)
        second = await court.propose(court.root(3), 3)
        for index, game in enumerate((first, second)):
            assert (await found(court, str(index))).address == game
            assert (await found(court, f"0x{game.hex()}")).address == game
            assert (await found(court, f"0x{game.hex().upper()}")).address == game

    in_court(scenario)


def test_what_is_no_game_of_the_rollup_is_refused(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        game = await court.propose(court.root(2), 2)
        deployed = court.rig.deployment
        for name in ("1", "-1", "x", "", "0x" + "12" * 20, "0x12", f"0x{deployed.rollup.hex()}",
                     f"0x{deployed.game_implementation.hex()}"):  # fmt: skip
            with pytest.raises(UnknownGame):
                await found(court, name)
        other = Address(b"\x55" * 20)
        with pytest.raises(UnknownGame, match="is no game of this Rollup"):
            await find_dispute(court.rig.client, other, f"0x{game.hex()}")

    in_court(scenario)


def test_claim_beyond_the_last_is_unknown(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        await court.propose(court.root(2), 2)
        dispute = await found(court, "0")
        assert claim_of(dispute, 0) is dispute.game.claims[0]
        with pytest.raises(UnknownGame, match="there is no 1"):
            claim_of(dispute, 1)

    in_court(scenario)
