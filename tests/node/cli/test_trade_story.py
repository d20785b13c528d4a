"""The end of `tallystick demo trade`: exact amounts for people and for programs."""

import io
import json

from rich.console import Console

from bridge.games import Game, GameStatus
from genesis.accounts import dev_accounts
from node.cli.trade_story import print_end, story_json
from node.client import Refusal
from node.demo.trade_story import Books, Commitment, Trader, TradeStory
from state.types import Address, BlockNumber, Hash32, Timestamp

HUGE = 90_071_992_547_409_931
"""q6: no float holds it."""

GAME = Game(
    address=Address(b"\x11" * 20),
    proposer=Address(b"\x22" * 20),
    root_claim=Hash32(b"\x33" * 32),
    l2_block=BlockNumber(29),
    status=GameStatus.DEFENDER_WINS,
    is_disputed=False,
    resolvable_at=Timestamp(10),
    resolved_at=Timestamp(20),
    payable_at=Timestamp(20),
)
STORY = TradeStory(
    books=(
        Books(
            trader=Trader("Alice", dev_accounts()[1], 3),
            size=-150_000_000,
            cost=-96_346_650_000,
            cash=HUGE,
            equity=0,
            initial=1,
            maintenance=1,
            withdrawable=0,
            token_l1=5_000_000_000,
            token_l2=0,
        ),
    ),
    refusal=Refusal.MARGIN_TOO_LOW,
    commitment=Commitment(
        BlockNumber(29), Hash32(b"\x44" * 32), Hash32(b"\x55" * 32), GAME.root_claim, GAME
    ),
    paid_on_l1=5_000_000_000,
)


def test_story_is_told_to_the_last_unit() -> None:
    told = io.StringIO()

    print_end(Console(file=told, width=250), STORY)

    text = told.getvalue()
    for part in (
        "-1.5 BTC",
        "90,071,992,547.409931",
        "-96,346.650000",
        "defender wins: the root stands",
        "Paid on L1: 5,000.00 USD",
    ):
        assert part in text


def test_story_as_json_keeps_amounts_as_text() -> None:
    found = json.loads(json.dumps(story_json(STORY)))

    (alice,) = found["books"]
    assert alice["cash"] == str(HUGE)
    assert alice["size"] == "-150000000"
    assert found["refusal"] == "margin-too-low"
    assert found["gameStatus"] == "defender_wins"
    assert found["outputRoot"] == "0x" + "33" * 32
