"""The page's files: a fixed table, strict headers, and nothing for a path that isn't in it."""

import re
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from execution.contracts.abi import clearing_house
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN
from node.dashboard.names import names_json
from node.dashboard.site import FOLDER, PACKAGED, packaged_site

STATIC = Path(str(files("node.dashboard") / "static"))
BROWSER = {b"accept": b"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


def text_of(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


SCRIPTS = [name for name in PACKAGED if name.endswith(".js")]


def test_table_has_all_files_of_the_folder_and_no_other() -> None:
    there = {str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file()}
    assert set(PACKAGED) == there


def test_browser_gets_the_page_and_a_program_does_not() -> None:
    site = packaged_site()
    page = site.answer("/", BROWSER)
    assert page is not None
    assert page.status == 200
    assert page.kind == b"text/html; charset=utf-8"
    assert site.answer("/", {b"accept": b"application/json"}) is None
    assert site.answer("/", {}) is None


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/../names.py",
        "/dashboard/..%2fnames.py",
        "/dashboard/%2e%2e/names.py",
        "/dashboard//app.js",
        "/dashboard/",
        "/dashboard/index.html",
        "/dashboard/static/app.js",
        "/etc/passwd",
        "app.js",
        "",
        "/dashboard/app.js\0",
        "/healthz",
    ],
)
def test_path_outside_of_the_table_is_none_of_the_site(path: str) -> None:
    assert packaged_site().answer(path, BROWSER) is None


def test_file_that_the_browser_has_is_not_sent_again() -> None:
    site = packaged_site()
    path = FOLDER + "app.js"
    first = site.answer(path, {})
    assert first is not None
    etag = dict(first.headers)[b"etag"]
    for known in (etag, b'W/"x", ' + etag, b"W/" + etag):
        again = site.answer(path, {b"if-none-match": known})
        assert again is not None
        assert (again.status, again.body) == (304, None)
    other = site.answer(path, {b"if-none-match": b'"x"'})
    assert other is not None
    assert other.status == 200


def test_every_file_is_sent_under_the_strict_policy() -> None:
    site = packaged_site()
    for path in site.files:
        answer = site.answer(path, BROWSER)
        assert answer is not None
        headers = dict(answer.headers)
        policy = headers[b"content-security-policy"].decode()
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers[b"x-content-type-options"] == b"nosniff"
        assert headers[b"referrer-policy"] == b"no-referrer"


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_makes_no_markup_and_is_short(name: str) -> None:
    source = text_of(name)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write", source)
    assert not re.search(r"\beval\b|Function\(", source)
    assert "http://" not in source.replace("http://www.w3.org/", "")
    assert "https://" not in source
    assert len(source.splitlines()) < 300


def test_page_has_no_script_or_style_of_its_own() -> None:
    page = text_of("index.html")
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=", page)
    for place in re.findall(r'(?:href|src)="([^"]+)"', page):
        assert place.startswith(("#", FOLDER))
        assert place.startswith("#") or place in packaged_site().files


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_imports_files_of_the_table_only(name: str) -> None:
    for place in re.findall(r'from "([^"]+)"', text_of(name)):
        target = (STATIC / name).parent.joinpath(place).resolve()
        assert str(target.relative_to(STATIC)) in PACKAGED


def test_names_tell_functions_and_events_of_the_predeploys() -> None:

    names = msgspec.json.decode(names_json())
    assert names["contracts"][f"0x{CLEARING_HOUSE.hex()}"] == "ClearingHouse"
    settle = names["functions"][f"0x{clearing_house().selector('settleBatch').hex()}"]
    assert settle["name"] == "settleBatch"
    topics = {item["name"] for item in names["events"].values()}
    assert {"MarkMoved", "IndexReported", "FillSettled", "Transfer"} <= topics
    # ERC-20's transfer and its event, whose hashes are well known.
    assert names["functions"]["0xa9059cbb"]["name"] == "transfer"
    transfer = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    assert [one.get("indexed", False) for one in names["events"][transfer]["inputs"]] == [
        True, True, False,
    ]  # fmt: skip


def test_scripts_name_the_predeploys_by_their_addresses() -> None:
    assert f"0x{CLEARING_HOUSE.hex()}" in text_of("views/quotes.js")
    assert f"0x{COLLATERAL_TOKEN.hex()}" in text_of("views/address.js")


def test_scenarios_are_drawn_in_the_order_of_the_contract() -> None:
    library = next(Path("execution/contracts").rglob("Scenarios.sol")).read_text()
    block = library.split("function moves()")[1].split("];")[0].split("return [")[1]
    moves = [
        int(one.replace("_", "")) // 10_000
        for one in re.findall(r"-?\d[\d_]*", block.replace("int256(", ""))
    ]
    drawn = re.search(r"const MOVES = \[([^\]]+)\]", text_of("charts/scenarios.js"))
    assert drawn is not None
    assert [int(one) for one in re.findall(r"-?\d+", drawn[1])] == moves
