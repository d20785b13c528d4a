"""Where prices come from: a file, a script, or a URL. What they give is judged, never trusted."""

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from bridge.l1.rpc import endpoint_name
from execution.margin import MarketState, StrikeState
from node.keepers.errors import FeedUnavailable, InvalidKeepers
from node.keepers.files import read_bounded
from node.keepers.limits import FEED_BYTES_MAX, FEED_SECONDS_MAX
from node.keepers.prices import Prices, parse_prices
from state.types import Timestamp


@dataclass(frozen=True, slots=True)
class Listing:
    """What is traded, in the block that is reported on."""

    time: Timestamp
    origin: Timestamp
    """The time of L2's first block."""
    markets: Mapping[int, MarketState]
    strikes: Mapping[int, StrikeState]


class Feed(Protocol):
    """Gives prices when asked."""

    async def read(self, listing: Listing) -> Prices:
        """The newest prices; of what isn't listed too, where the feed knows more than the books.

        Raises `FeedUnavailable` and `InvalidPrices`.
        """


@dataclass(frozen=True, slots=True)
class FileFeed:
    """A JSON file that somebody else writes, read anew each time."""

    path: Path

    async def read(self, listing: Listing) -> Prices:
        return parse_prices(read_bounded(self.path))


@dataclass(frozen=True, slots=True)
class CommandFeed:
    """A script that prints prices and ends."""

    command: Sequence[str]

    async def read(self, listing: Listing) -> Prices:
        return parse_prices(await self._output())

    async def _output(self) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise FeedUnavailable(f"{self.command[0]} can't be run: {error}") from None
        try:
            async with asyncio.timeout(FEED_SECONDS_MAX):
                output = await _read_bounded(process.stdout)
                if len(output) > FEED_BYTES_MAX:
                    return output
                code = await process.wait()
        except TimeoutError:
            raise FeedUnavailable(
                f"{self.command[0]} gave no prices within {FEED_SECONDS_MAX:.0f} s"
            ) from None
        finally:
            await _end(process)
        if code != 0:
            raise FeedUnavailable(f"{self.command[0]} failed with exit code {code}")
        return output


class UrlFeed:
    """An HTTP endpoint that answers a GET with prices. `aclose` it."""

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = url
        self._name = endpoint_name(url)
        self._http = httpx.AsyncClient(
            transport=transport, timeout=FEED_SECONDS_MAX, trust_env=False
        )

    def __repr__(self) -> str:
        return f"<UrlFeed {self._name}>"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def read(self, listing: Listing) -> Prices:
        try:
            async with asyncio.timeout(FEED_SECONDS_MAX):
                return parse_prices(await self._body())
        except TimeoutError:
            raise FeedUnavailable(
                f"{self._name} gave no prices within {FEED_SECONDS_MAX:.0f} s"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            reason = str(error) or type(error).__name__
            raise FeedUnavailable(f"{self._name} gave no prices: {reason}") from None

    async def _body(self) -> bytes:
        async with self._http.stream("GET", self._url) as response:
            if response.status_code != httpx.codes.OK:
                raise FeedUnavailable(f"{self._name} answered with {response.status_code}")
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > FEED_BYTES_MAX:
                    break
            return body


@dataclass(frozen=True, slots=True)
class FileInPlaceOf:
    """A file's prices while there is such a file, another feed's while there is none.

    The file takes the place of the other feed whole: what it doesn't name isn't reported, so that
    an outage of the oracle can be played too.
    """

    path: Path
    other: Feed

    async def read(self, listing: Listing) -> Prices:
        if not self.path.exists():
            return await self.other.read(listing)
        return await FileFeed(self.path).read(listing)


def make_feed(where: str) -> Feed:
    """The feed that a user names: a URL, `exec:` and a command, or the path of a file."""
    if where.startswith(("http://", "https://")):
        return UrlFeed(where)
    if where.startswith("exec:"):
        return CommandFeed(_words(where.removeprefix("exec:")))
    return FileFeed(Path(where))


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InvalidKeepers(f"the feed's command can't be read: {error}") from None
    if not words:
        raise InvalidKeepers("the feed's command is empty: give one after exec:")
    return words


async def _read_bounded(stream: asyncio.StreamReader | None) -> bytes:
    output = b""
    while stream is not None and len(output) <= FEED_BYTES_MAX:
        part = await stream.read(FEED_BYTES_MAX)
        if not part:
            break
        output += part
    return output


async def _end(process: asyncio.subprocess.Process) -> None:
    """Stop a script and what it started; nothing happens to one that has ended.

    What it printed meanwhile is read and forgotten: asyncio sees an end only behind an empty pipe.
    """
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FEED_SECONDS_MAX):
            while process.stdout is not None and await process.stdout.read(FEED_BYTES_MAX):
                pass
            await process.wait()
