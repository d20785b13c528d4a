"""The page's files: a fixed table read once, so that no path of a request ever reaches the disk.

Every answer carries a Content-Security-Policy (W3C, Level 3) under which the page runs its own
modules and nothing else, asks its own node and nobody else, and is framed by no other page. What
a chain says is hostile; `require-trusted-types-for` has the browser refuse to parse it as HTML.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from node.dashboard.names import names_json

Headers = list[tuple[bytes, bytes]]

HTML: Final = b"text/html; charset=utf-8"
_KINDS: Final = {
    "css": b"text/css; charset=utf-8",
    "html": HTML,
    "js": b"text/javascript; charset=utf-8",
    "json": b"application/json",
    "svg": b"image/svg+xml",
}

INDEX: Final = "index.html"
FOLDER: Final = "/dashboard/"

PACKAGED: Final = (
    INDEX,
    "icon.svg",
    "base.css",
    "parts.css",
    "charts.css",
    "app.js",
    "abi.js",
    "chain.js",
    "dom.js",
    "format.js",
    "live.js",
    "parts.js",
    "routes.js",
    "rpc.js",
    "search.js",
    "wellness.js",
    "charts/axes.js",
    "charts/bisection.js",
    "charts/candles.js",
    "charts/lines.js",
    "charts/rail.js",
    "charts/scenarios.js",
    "charts/standing.js",
    "views/account.js",
    "views/accounts.js",
    "views/address.js",
    "views/block.js",
    "views/blocks.js",
    "views/dispute.js",
    "views/exchange.js",
    "views/market.js",
    "views/markets.js",
    "views/overview.js",
    "views/quotes.js",
    "views/roots.js",
    "views/safety.js",
    "views/tape.js",
    "views/transaction.js",
)
"""The whole page; a test holds it against the folder."""

SECURITY: Final[Headers] = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        b" connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        b" require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]

_CACHING: Final = (b"cache-control", b"no-cache")
"""Kept, but asked about each time: after an upgrade no browser mixes two versions of the page."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent."""

    body: bytes
    kind: bytes
    etag: bytes

    @classmethod
    def of(cls, name: str, body: bytes) -> "StaticFile":
        """A file, its type by the end of its name."""
        etag = f'"{sha256(body).hexdigest()[:32]}"'.encode()
        return cls(body, _KINDS[name.rpartition(".")[2]], etag)


@dataclass(frozen=True, slots=True)
class SiteAnswer:
    """What a browser is sent; `body` is None where it has the file already."""

    status: int
    body: bytes | None
    kind: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Site:
    """The page and its files, by path."""

    files: Mapping[str, StaticFile]

    def answer(self, path: str, headers: Mapping[bytes, bytes]) -> SiteAnswer | None:
        """The answer to GET or HEAD, or None for what isn't of the page.

        `/` is the page for who accepts HTML (RFC 9110, section 12.5.1), and not for programs.
        """
        if path == "/" and b"text/html" not in headers.get(b"accept", b""):
            return None
        file = self.files.get(path)
        if file is None:
            return None
        own = [*SECURITY, _CACHING, (b"etag", file.etag), (b"vary", b"accept")]
        if file.etag in _etags(headers):
            return SiteAnswer(304, None, file.kind, own)
        return SiteAnswer(200, file.body, file.kind, own)


@cache
def packaged_site() -> Site:
    """The site that is installed with this package."""
    folder = files("node.dashboard") / "static"
    found = {
        name: StaticFile.of(name, folder.joinpath(*name.split("/")).read_bytes())
        for name in PACKAGED
    }
    found["names.json"] = StaticFile.of("names.json", names_json())
    return Site({("/" if name == INDEX else FOLDER + name): one for name, one in found.items()})


def _etags(headers: Mapping[bytes, bytes]) -> list[bytes]:
    """The validators of If-None-Match, compared weakly (RFC 9110, section 13.1.2)."""
    listed = headers.get(b"if-none-match", b"").split(b",")
    return [one.strip().removeprefix(b"W/") for one in listed]
