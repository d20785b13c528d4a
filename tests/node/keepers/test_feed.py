"""Feeds that give prices, give none, or never end: every wait is bounded."""

import asyncio
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from node.keepers import feed as feeds
from node.keepers.errors import FeedUnavailable, InvalidKeepers, InvalidPrices
from node.keepers.feed import (
    CommandFeed,
    Feed,
    FileFeed,
    FileInPlaceOf,
    Listing,
    UrlFeed,
    make_feed,
)
from node.keepers.limits import FEED_BYTES_MAX
from node.keepers.prices import Prices
from node.keepers.process import PriceProcess
from state.types import Timestamp

LISTING = Listing(Timestamp(100), Timestamp(0), {}, {})
BODY = '{"prices": {"0": "64250.3"}}'
PRICES = Prices({0: 6_425_030_000_000})


def read(feed: Feed) -> Prices:
    return asyncio.run(feed.read(LISTING))


def script(folder: Path, code: str) -> CommandFeed:
    path = folder / "script.py"
    path.write_text(f"#!{sys.executable}\n{code}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return CommandFeed((str(path),))


def url(answer: httpx.Response | Exception) -> UrlFeed:
    def respond(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return UrlFeed("http://prices.test/now", transport=httpx.MockTransport(respond))


def test_file_is_read_anew_each_time(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    feed = FileFeed(path)

    with pytest.raises(FeedUnavailable, match="there is no file"):
        read(feed)
    path.write_text(BODY)
    assert read(feed) == PRICES
    path.write_text("{")
    with pytest.raises(InvalidPrices):
        read(feed)


def test_folder_and_device_are_no_files(tmp_path: Path) -> None:
    for path in (tmp_path, Path("/dev/zero")):
        with pytest.raises(FeedUnavailable):
            read(FileFeed(path))


def test_script_prints_prices(tmp_path: Path) -> None:
    assert read(script(tmp_path, f"print('''{BODY}''')")) == PRICES


def test_script_that_fails_gives_no_prices_even_if_it_printed_some(tmp_path: Path) -> None:
    with pytest.raises(FeedUnavailable, match="exit code 3"):
        read(script(tmp_path, f"print('''{BODY}'''); raise SystemExit(3)"))


def test_script_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(FeedUnavailable, match="can't be run"):
        read(CommandFeed((str(tmp_path / "none"),)))


def test_script_that_never_ends_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "FEED_SECONDS_MAX", 0.5)

    with pytest.raises(FeedUnavailable, match="gave no prices within"):
        read(script(tmp_path, "import signal; signal.pause()"))


def test_script_that_prints_without_end_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(InvalidPrices, match="bytes of prices"):
        read(script(tmp_path, "while True: print('x' * 65536)"))


def test_url_answers_with_prices() -> None:
    assert read(url(httpx.Response(200, text=BODY))) == PRICES


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text=BODY),
        httpx.Response(302, headers={"location": "http://elsewhere.test"}),
        httpx.ConnectError("nobody there"),
        httpx.ReadTimeout("silence"),
        httpx.RemoteProtocolError("garbage"),
    ],
)
def test_url_that_does_not_answer_is_unavailable(answer: httpx.Response | Exception) -> None:
    with pytest.raises(FeedUnavailable):
        read(url(answer))


def test_url_that_answers_without_end_is_cut_off() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * FEED_BYTES_MAX

    with pytest.raises(InvalidPrices, match="bytes of prices"):
        read(url(httpx.Response(200, content=endless())))


def test_url_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "FEED_SECONDS_MAX", 0.2)

    async def trickle() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.05)
            yield b" "

    with pytest.raises(FeedUnavailable, match="gave no prices within"):
        read(url(httpx.Response(200, content=trickle())))


def test_url_in_messages_keeps_its_path_to_itself() -> None:
    feed = url(httpx.ConnectError("nobody there"))

    assert repr(feed) == "<UrlFeed prices.test>"
    with pytest.raises(FeedUnavailable) as caught:
        read(feed)
    assert "now" not in str(caught.value)


def test_file_takes_the_place_of_another_feed_while_it_is_there(tmp_path: Path) -> None:
    other, path = tmp_path / "other.json", tmp_path / "feed.json"
    other.write_text('{"prices": {"0": "1", "1": "2"}}')
    feed = FileInPlaceOf(path, FileFeed(other))

    assert read(feed).index == {0: 10**8, 1: 2 * 10**8}
    path.write_text(BODY)
    assert read(feed) == PRICES
    path.unlink()
    assert read(feed).index == {0: 10**8, 1: 2 * 10**8}


def test_feed_is_named_by_url_command_or_path(tmp_path: Path) -> None:
    assert isinstance(make_feed("https://prices.test/now"), UrlFeed)
    assert make_feed("exec:prices --all 'a b'") == CommandFeed(["prices", "--all", "a b"])
    assert make_feed(str(tmp_path)) == FileFeed(tmp_path)
    for wrong in ("exec:", "exec:'"):
        with pytest.raises(InvalidKeepers):
            make_feed(wrong)


def test_process_is_a_feed_without_an_outside() -> None:
    assert read(PriceProcess(1)) == Prices()
