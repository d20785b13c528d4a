"""The page's modules in a real browser: numbers, decoding, elements, the book, the verdict."""

import random
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import httpx
import pytest
from eth_abi.abi import encode
from playwright.sync_api import Error, Page

from execution.contracts.abi import clearing_house, interface
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN

ETHER = 10**18


def run(page: Page, module: str, body: str, argument: Any = None) -> Any:
    """Run a function's body with a module as `m` and the argument as `a`."""
    source = f"async (a) => {{ const m = await import('/dashboard/{module}.js'); {body} }}"
    return page.evaluate(source, argument)


def test_page_is_for_browsers_and_json_for_programs(bare_site: str) -> None:
    page = httpx.get(bare_site + "/", headers={"accept": "text/html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    again = httpx.get(
        bare_site + "/", headers={"accept": "text/html", "if-none-match": page.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert httpx.get(bare_site + "/").json() == {"name": "bare"}
    missing = httpx.get(bare_site + "/dashboard/../names.py", headers={"accept": "text/html"})
    assert missing.status_code == 404


def test_amounts_are_rounded_as_decimals_are(page: Page) -> None:
    numbers = random.Random(5)
    values = [0, 1, -1, 4_999, 5_000, -5_000, 10**6, -(10**24) - 5_000]
    values += [numbers.randrange(-(10**22), 10**22) for _ in range(300)]
    found = run(page, "format", "return a.map((one) => m.usd(one));", [str(one) for one in values])
    for value, shown in zip(values, found, strict=True):
        exact = (Decimal(value) / 10**6).quantize(Decimal("0.01"), ROUND_HALF_UP)
        wanted = f"{exact:,}".replace("-", "−")
        assert shown == ("0.00" if exact == 0 else wanted)


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("size('150000000')", "1.5"),
        ("size('-1')", "−0.00000001"),
        ("size('0')", "0"),
        ("price('6425030000000')", "64,250.30"),
        ("price('12345')", "0.0001"),
        ("ether('0x16345785d8a0000')", "0.1 ETH"),
        ("ether('7')", "7 wei"),
        ("gwei('0x7')", "7 wei"),
        ("gwei('1500000000')", "1.5 gwei"),
        ("percent('-110')", "−0.011%"),
        ("rate('100000000')", "0.0100%"),
        ("brief('1234567000000')", "1.2m"),
        ("span(59)", "59 s"),
        ("span(3725)", "1 h 2 min"),
        ("span(-5)", "0 s"),
        ("short('0x1234567890abcdef1234')", "0x123456…1234"),
        ("words('reduce_only')", "reduce only"),
        ("count(1, 'claim')", "1 claim"),
    ],
)
def test_number_is_written_for_people(page: Page, call: str, shown: str) -> None:
    assert run(page, "format", f"return m.{call};") == shown


NAMES = "const names = await (await import('/dashboard/chain.js')).names();"
PLAIN = """
const plain = (one) => typeof one === "bigint" ? String(one)
  : Array.isArray(one) ? one.map((each) => plain(each.value)) : one;
"""


def decoded(page: Page, data: bytes) -> Any:
    body = f"{NAMES} {PLAIN} const c = m.decodeCall(names, a);"
    body += " return c && [c.name, c.arguments && c.arguments.map((one) => plain(one.value))];"
    return run(page, "chain", body, f"0x{data.hex()}")


def test_calldata_is_decoded_as_it_was_encoded(page: Page) -> None:
    house = clearing_house()
    owner = b"\x11" * 20
    assert decoded(page, house.call("deposit", 7, 10**9)) == ["deposit", ["7", str(10**9)]]
    approve = interface("CollateralToken").call("approve", CLEARING_HOUSE, 2**256 - 1)
    assert decoded(page, approve) == ["approve", [f"0x{CLEARING_HOUSE.hex()}", str(2**256 - 1)]]
    prices = house.call("priceSeries", [64, 65, 66])
    assert decoded(page, prices) == ["priceSeries", [["64", "65", "66"]]]
    key = house.call("setSessionKey", 3, owner, 1_700_000_000, 5)
    name, arguments = decoded(page, key)
    assert name == "setSessionKey"
    assert arguments[:3] == ["3", f"0x{owner.hex()}", "1700000000"]


def test_every_kind_of_type_is_decoded(page: Page) -> None:
    types = [
        {"name": "a", "type": "int96"},
        {"name": "b", "type": "bytes"},
        {"name": "c", "type": "string"},
        {"name": "d", "type": "tuple[]", "components": [
            {"name": "x", "type": "uint8[2]"}, {"name": "y", "type": "string"}]},
        {"name": "e", "type": "bytes4"},
        {"name": "f", "type": "bool"},
        {"name": "g", "type": "uint16[2][]"},
    ]  # fmt: skip
    values = [-5, b"\x00\xff", "žluť", [([1, 2], "<b>"), ([3, 4], "")], b"abcd", True, [[5, 6]]]
    data = encode(
        ["int96", "bytes", "string", "(uint8[2],string)[]", "bytes4", "bool", "uint16[2][]"], values
    )
    body = f"{PLAIN} return m.decodeArguments(a[0], a[1]).map((one) => plain(one.value));"
    assert run(page, "abi", body, [types, data.hex()]) == [
        "-5", "0x00ff", "žluť", [[["1", "2"], "<b>"], [["3", "4"], ""]], "0x61626364", True,
        [["5", "6"]],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        "",
        "00",
        "f" * 64,
        "0" * 62 + "20" + "f" * 64,
        "0" * 62 + "20" + "0" * 56 + "ffffffff",
        "0" * 62 + "20" + "0" * 60 + "0fff" + "0" * 4096,
    ],
)
def test_data_that_does_not_fit_its_type_is_left_alone(page: Page, data: str) -> None:
    types = [{"name": "a", "type": "uint256[]"}]
    assert run(page, "abi", "return m.decodeArguments(a[0], a[1]);", [types, data]) is None


def test_event_is_decoded_from_topics_and_data(page: Page) -> None:
    topic = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    log = {
        "address": f"0x{COLLATERAL_TOKEN.hex()}",
        "topics": [topic, "0x" + "0" * 24 + "11" * 20, "0x" + "0" * 24 + "22" * 20],
        "data": "0x" + (5 * ETHER).to_bytes(32, "big").hex(),
    }
    body = f"{NAMES} {PLAIN} const e = m.decodeLog(names, a);"
    body += " return [e.name, e.arguments && e.arguments.map((one) => plain(one.value))];"
    found = run(page, "chain", body, log)
    assert found == ["Transfer", ["0x" + "11" * 20, "0x" + "22" * 20, str(5 * ETHER)]]
    short = {**log, "topics": log["topics"][:2]}
    assert run(page, "chain", body, short) == ["Transfer", None]


def test_names_of_objects_are_no_names_of_the_chain(page: Page) -> None:
    body = "return [m.lookup({}, '__proto__'), m.lookup({}, 'constructor'), m.lookup({a: 1}, 'a')];"
    assert run(page, "chain", body) == [None, None, 1]


@pytest.mark.parametrize(
    "place",
    ["javascript:alert(1)", "https://evil.example", "//evil.example", "data:text/html,x", "#/<b>"],
)
def test_link_out_of_the_page_is_refused(page: Page, place: str) -> None:
    with pytest.raises(Error, match="no place of the page"):
        run(page, "dom", "m.h('a', { href: a });", place)


def test_handlers_in_attributes_are_refused(page: Page) -> None:
    for name in ("onerror", "style", "src", "onload"):
        with pytest.raises(Error, match="TypeError"):
            run(page, "dom", "m.h('img', { [a]: 'x' });", name)


def test_text_is_never_markup(page: Page) -> None:
    evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    body = """
    const box = m.h("div", { title: a }, a, [a]);
    m.renew(box, m.h("p", {}, a));
    m.renew(box, m.h("p", {}, `${a}!`));
    return [box.querySelectorAll("img, script").length, box.textContent];
    """
    assert run(page, "dom", body, evil) == [0, f"{evil}!"]


def test_renewed_elements_keep_focus_and_get_new_listeners(page: Page) -> None:
    body = """
    const box = document.body.appendChild(m.h("div"));
    const heard = [];
    const button = (n) => m.h("button", {
      "data-key": "b", onclick: () => heard.push(n), title: n > 1 ? null : "t" }, `n ${n}`);
    m.renew(box, button(1));
    const first = box.querySelector("button");
    first.focus();
    m.renew(box, button(2));
    const kept = document.activeElement === box.querySelector("button");
    box.querySelector("button").click();
    m.renew(box, m.h("p", {}, "new "), button(3));
    const found = [kept, first.title, heard, box.textContent, box.childNodes.length];
    box.remove();
    return found;
    """
    assert run(page, "dom", body) == [True, "", [2], "new n 3", 2]


def test_book_follows_differences_and_notices_a_gap(page: Page) -> None:
    body = """
    const book = new m.Book();
    book.hear({ type: "snapshot", sequence: 5,
      bids: [["100", "7"], ["90", "1"]], asks: [["110", "3"]] });
    book.hear({ type: "delta", sequence: 9, previous: 5,
      bids: [["100", "0"], ["95", "2"]], asks: [["109", "4"]] });
    const { bids, asks } = book.best(10);
    const words = (one) => [one.price, one.size, one.total].map(String);
    const seen = [bids, asks].map((side) => side.map(words));
    const before = book.isLive;
    book.hear({ type: "delta", sequence: 12, previous: 10, bids: [], asks: [] });
    return [seen, before, book.isLive];
    """
    assert run(page, "views/tape", body) == [
        [[["95", "2", "2"], ["90", "1", "3"]], [["109", "4", "4"], ["110", "3", "7"]]],
        True,
        False,
    ]


WELL: dict[str, Any] = {
    "heads": {"unsafe": 100, "l1": {"trouble": None, "isSynced": True}},
    "block": {"timestamp": None},
    "safeBlock": {"timestamp": None},
    "proposals": {"proposals": [{"status": "in_progress", "claims": "0x1", "isRight": True,
                                 "game": "0x" + "1" * 40, "l2Block": "0x5"}]},
    "monitor": {"checks": {"violations": 0, "accepted": 0, "lastBlock": 100},
                "withdrawalsOpen": True, "reportedDebtQ6": "0", "isPaused": False,
                "markets": [{"market": 0, "status": "active", "isPaused": False, "isStale": False,
                             "staleSeconds": 300}]},
    "names": {"markets": {"0": "BTC"}},
}  # fmt: skip


def troubles(page: Page, *path_and_value: Any) -> list[dict[str, str]]:
    """What is said of a rollup that is well but for one value."""
    body = """
    const [seen, path, value] = a;
    const now = `0x${Math.floor(Date.now() / 1000).toString(16)}`;
    seen.block.timestamp = seen.safeBlock.timestamp = now;
    let place = seen;
    for (const key of path.slice(0, -1)) place = place[key];
    if (path.length) place[path.at(-1)] = value;
    return m.troubles(seen);
    """
    *path, value = path_and_value or (None,)  # a value without a path changes nothing
    return run(page, "wellness", body, [WELL, path, value])


def test_rollup_that_is_well_has_no_troubles(page: Page) -> None:
    assert troubles(page) == []


@pytest.mark.parametrize(
    ("path_and_value", "mood", "words"),
    [
        (("heads", "l1", "trouble", "L1 is out of reach"), "bad", "L1 is out of reach"),
        (("heads", "l1", "isSynced", False), "warn", "still reading L1"),
        (("block", {"timestamp": "0x1"}), "bad", "No block for"),
        (("proposals", "proposals", 0, "isRight", False), "bad", "nobody disputes it"),
        (("proposals", "proposals", 0, "claims", "0x2"), "warn", "under attack"),
        (("proposals", "proposals", 0, "status", "challenger_wins"), "bad", "against what this"),
        (("monitor", "checks", "violations", 2), "bad", "2 invariants"),
        (("monitor", "checks", "accepted", 1), "warn", "passed over"),
        (("monitor", "checks", "lastBlock", 80), "warn", "20 blocks behind"),
        (("monitor", "withdrawalsOpen", False), "bad", "withdrawals are closed"),
        (("monitor", "reportedDebtQ6", "5000000"), "warn", "5.00 USD"),
        (("monitor", "isPaused", True), "warn", "fills only reduce"),
        (("monitor", "markets", 0, "status", "halted"), "bad", "BTC is halted"),
        (("monitor", "markets", 0, "status", "reduce_only"), "warn", "only takes what reduces"),
        (("monitor", "markets", 0, "isPaused", True), "warn", "jump of its price"),
        (("monitor", "markets", 0, "isStale", True), "warn", "no price for more than"),
    ],
)
def test_trouble_is_told_in_words(
    page: Page, path_and_value: tuple[Any, ...], mood: str, words: str
) -> None:
    (found,) = troubles(page, *path_and_value)
    assert found["mood"] == mood
    assert words in found["words"]


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("12", "#/blocks/12"),
        ("1,234", "#/blocks/1234"),
        ("account 3", "#/accounts/3"),
        ("a7", "#/accounts/7"),
        ("0x" + "AB" * 20, "#/address/0x" + "ab" * 20),
        ("<script>", None),
        ("javascript:alert(1)", None),
        ("0x12", None),
    ],
)
def test_search_finds_what_has_a_name(page: Page, wanted: str, place: str | None) -> None:
    assert run(page, "search", "return m.placeOf(a);", wanted) == place


@pytest.mark.parametrize("place", ["nowhere", "blocks/-1", "tx/0x12", "accounts/<b>", "__proto__"])
def test_unknown_place_of_the_page_is_none(page: Page, place: str) -> None:
    assert run(page, "routes", "return m.routed(a);", f"#/{place}") is None
