"""The page of a node in a real browser, over a devnet that trades and on which somebody lies."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from execution.contracts.abi import clearing_house
from execution.margin import MODE_PORTFOLIO
from genesis.accounts import dev_accounts
from genesis.predeploys import CLEARING_HOUSE
from node.client import BUY, SELL, TradeClient, limit, market_order
from state.types import Gas, Wei
from tests.browser.chromium import launch
from tests.browser.contrast import low_contrast
from tests.browser.visit import DESKTOP, PHONE, Visit, visiting
from tests.devnet.challenger import ChallengerProcess, challenging
from tests.devnet.conftest import Devnet, devnet_in, get, rpc, wait_for
from tests.devnet.sender import Sender, wait_for_receipt

pytestmark = pytest.mark.slow

MAKER, TAKER = 3, 4
"""Devnet accounts of the example, which also has them trade."""

EVIL = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'

SCREENSHOTS = os.environ.get("TALLYSTICK_SCREENSHOTS")
"""A folder in which to keep pictures of all views, for people to look at."""


@dataclass
class Scene:
    """A devnet with two traders, a dispute, and a transaction that means ill."""

    devnet: Devnet
    challenger: ChallengerProcess
    accounts: list[int]
    evil: str
    game: str

    def trader(self, index: int) -> TradeClient:
        url = self.devnet.sequencer.replace("http", "ws", 1)
        return TradeClient(url, dev_accounts()[index].key, self.accounts[index - MAKER])

    def settlement(self) -> str:
        """The hash of a transaction that settled a fill."""
        (fill, *_) = [
            one
            for one in rpc(self.devnet.sequencer, "trade_getTrades", 0)
            if one["transaction"] is not None
        ]
        return str(fill["transaction"])


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("page")
    lie = ("--fault", "state-root@3", "--dispute-window", "120")
    with devnet_in(folder, *lie, keepers=True) as devnet:
        devnet.start()
        with challenging(devnet) as challenger:
            accounts = opened_accounts(devnet)
            evil = send_evil(devnet)
            rely_on_scenarios(devnet, accounts[1])
            (lied, *_) = challenger.wait("wrongRoot")
            yield Scene(devnet, challenger, accounts, evil, lied["game"])


def opened_accounts(devnet: Devnet) -> list[int]:
    """The example's two accounts, after three trades that the chain has settled."""
    command = [sys.executable, "-m", "scripts.examples.market_maker", "--self-test"]
    told = subprocess.run(
        [*command, "--data-dir", str(devnet.data_dir)], capture_output=True, text=True, timeout=480
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return [int(number) for number in re.findall(r"account (\d+) has", told.stdout)]


def send_evil(devnet: Devnet) -> str:
    """A transaction whose input is markup; its hash."""
    sender = Sender(devnet.sequencer, 7)
    raw = sender.sign(b"\x66" * 20, gas=Gas(100_000), value=Wei(0), data=EVIL.encode())
    digest = str(rpc(devnet.sequencer, "eth_sendRawTransaction", raw))
    wait_for_receipt(devnet.sequencer, digest)
    return digest


def rely_on_scenarios(devnet: Devnet, account: int) -> None:
    """Have the taker's account judged by portfolio margin."""
    sender = Sender(devnet.sequencer, TAKER)
    data = clearing_house().call("setMarginMode", account, MODE_PORTFOLIO)
    raw = sender.sign(CLEARING_HOUSE, gas=Gas(3_000_000), value=Wei(0), data=data)
    wait_for_receipt(devnet.sequencer, rpc(devnet.sequencer, "eth_sendRawTransaction", raw))


@pytest.fixture(scope="module")
def browser(scene: Scene) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


def places(scene: Scene) -> dict[str, tuple[str, str]]:
    """All views, each with something that it says."""
    taker = scene.accounts[1]
    return {
        "overview": ("", "The way of a block"),
        "blocks": ("blocks", "Gas used"),
        "block": ("blocks/3", "Output root"),
        "transaction": (f"tx/{scene.settlement()}", "settleBatch"),
        "hostile transaction": (f"tx/{scene.evil}", "<script>"),
        "contract": (f"address/0x{CLEARING_HOUSE.hex()}", "ClearingHouse"),
        "address": (f"address/{Sender(scene.devnet.sequencer, 7).address}", "Transactions sent"),
        "markets": ("markets", "BTC"),
        "market": ("markets/0", "Order book"),
        "accounts": ("accounts", f"account {taker}"),
        "account": (f"accounts/{taker}", "Scenarios of BTC"),
        "roots": ("roots", "Settled up to"),
        "dispute": (f"roots/{scene.game}", "The bisection"),
        "safety": ("safety", "Breakers of markets"),
    }


def keep_picture(visit: Visit, folder: Path, name: str) -> None:
    folder = Path(SCREENSHOTS) if SCREENSHOTS else folder
    folder.mkdir(parents=True, exist_ok=True)
    picture = folder / f"{name}.png"
    visit.page.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 5_000


@pytest.mark.parametrize(
    ("size", "is_dark", "kind"),
    [(DESKTOP, False, "desktop"), (PHONE, True, "phone")],
)
def test_every_view_is_drawn_without_an_error(
    scene: Scene,
    browser: Browser,
    tmp_path: Path,
    size: tuple[int, int],
    is_dark: bool,
    kind: str,
) -> None:
    with visiting(browser, scene.devnet.sequencer, size, is_dark=is_dark) as visit:
        for name, (place, words) in places(scene).items():
            visit.open(place)
            visit.wait_for_text(words)
            assert visit.overflow() <= 0, f"{name} is wider than the window"
            assert low_contrast(visit.page) == [], name
            keep_picture(visit, tmp_path, f"{kind}-{name.replace(' ', '-')}")
            visit.check()


def test_hostile_strings_stay_text(scene: Scene, browser: Browser) -> None:
    with visiting(browser, scene.devnet.sequencer) as visit:
        visit.open(f"tx/{scene.evil}")
        visit.wait_for_text(EVIL)
        assert visit.page.locator("main img, main script").count() == 0
        visit.page.fill("#query", EVIL)
        visit.page.press("#query", "Enter")
        visit.page.wait_for_selector("#banner p")
        assert EVIL[:70] in visit.page.inner_text("#banner")
        assert visit.page.locator("#banner img").count() == 0
        visit.page.evaluate("evil => { location.hash = `#/accounts/${evil}` }", EVIL)
        visit.page.wait_for_function("document.title.startsWith('Not found')")
        assert "owned" not in visit.page.title()


def test_transactions_of_an_address_are_found_on_request(scene: Scene, browser: Browser) -> None:
    with visiting(browser, scene.devnet.sequencer) as visit:
        visit.open(f"address/{Sender(scene.devnet.sequencer, 7).address}")
        visit.page.click("text=Find them")
        visit.page.locator(f'main a[href="#/tx/{scene.evil}"]').wait_for()


def test_order_and_trade_are_seen_as_they_come(scene: Scene, browser: Browser) -> None:
    with (
        visiting(browser, scene.devnet.sequencer) as visit,
        scene.trader(MAKER) as maker,
        scene.trader(TAKER) as taker,
    ):
        visit.open("markets/0")
        visit.wait_for_text("Order book")
        terms = maker.market_terms(0)
        size = 137 * terms.lot
        resting = maker.place(limit(0, BUY, size, terms.nearest(terms.mark)).post_only())
        visit.wait_for_text(shown_price(resting.order.price))
        bound = terms.bound(SELL, slippage_ppm=20_000)
        (fill,) = taker.place(market_order(0, SELL, size, bound)).fills
        newest = visit.page.locator(f'.tape tr[data-key="{fill.id}"]')
        assert shown_price(fill.price) in newest.inner_text()
        newest.locator(".badge", has_text=re.compile("safe|finalized")).wait_for()


def shown_price(p8: int) -> str:
    return f"{p8 // 10**8:,}.{p8 % 10**8 // 10**6:02}"


def test_dispute_is_drawn_down_to_the_step(scene: Scene, browser: Browser) -> None:
    with visiting(browser, scene.devnet.sequencer) as visit:
        visit.open(f"roots/{scene.game}")
        visit.wait_for_text("The bisection")
        scene.challenger.wait("step", game=scene.game)
        visit.wait_for_text("The step in the end")
        assert visit.page.locator(".bisection .doubt").count() == 46
        label = visit.page.locator(".bisection").get_attribute("aria-label")
        assert label is not None
        assert "L1 executed the last step" in label
        assert re.search(r"steps [\d,]+ to [\d,]+ of block \d+", visit.text())


def test_page_is_used_by_keyboard_alone(scene: Scene, browser: Browser) -> None:
    with visiting(browser, scene.devnet.sequencer) as visit:
        visit.open("")
        keyboard = visit.page.keyboard
        # Where a first Tab leads depends on what the browser takes for the place that one is at.
        stops = visit.page.locator("a[href], button, input, select, [tabindex]")
        assert stops.first.inner_text() == "Skip to the content"
        assert stops.evaluate_all("found => found.every(one => one.tabIndex <= 0)")
        stops.first.focus()
        keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.closest('header') !== null")
        keyboard.press("/")
        assert visit.page.evaluate("document.activeElement.id") == "query"
        keyboard.type(f"account {scene.accounts[0]}")
        keyboard.press("Enter")
        visit.wait_for_text(f"Margin account {scene.accounts[0]}")
        visit.open("")
        visit.page.locator("#views a").first.focus()
        for _ in range(2):
            keyboard.press("Tab")
        keyboard.press("Enter")
        visit.wait_for_text("perpetuals, and options")
        current = visit.page.locator("#views a[aria-current]").inner_text()
        assert current == "Markets"


def newest_block(devnet: Devnet) -> int:
    return int(rpc(devnet.sequencer, "eth_blockNumber"), 16)


def test_page_comes_back_after_a_restart_of_the_node(scene: Scene, browser: Browser) -> None:
    with visiting(browser, scene.devnet.sequencer) as visit:
        visit.open("markets/0")
        visit.page.wait_for_selector("#connection.live")
        visit.page.evaluate("window.sameDocument = true")
        visit.may_lose_node = True
        before = newest_block(scene.devnet)
        os.kill(scene.devnet.node_pid("sequencer"), signal.SIGKILL)
        visit.page.wait_for_selector("#connection.lost")
        visit.page.wait_for_selector("#connection.live")
        # The exchange takes orders from the first block on.
        wait_for(lambda: newest_block(scene.devnet) > before, what="a block after the restart")
        with scene.trader(MAKER) as maker:
            terms = maker.market_terms(0)
            price = terms.nearest(terms.mark - terms.mark // 500)
            placed = maker.place(limit(0, BUY, 99 * terms.lot, price).post_only())
            visit.wait_for_text(shown_price(placed.order.price))
        assert visit.page.evaluate("window.sameDocument")
        assert visit.page.locator("#banner p").count() == 0


def test_verifier_shows_the_same_chain_and_says_what_it_lacks(
    scene: Scene, browser: Browser
) -> None:
    with visiting(browser, scene.devnet.verifier) as visit:
        visit.open("markets/0")
        visit.wait_for_text("This node has no exchange")
        visit.open("")
        visit.wait_for_text("The way of a block")


def test_l1_has_no_page(scene: Scene) -> None:
    found = get(scene.devnet.l1 + "/", accept="text/html")
    assert found.json()["layer"] == "l1"
