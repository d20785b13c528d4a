"""Which web pages may speak to the node, and under which name.

A node on the loopback interface answers whoever runs on the machine, and so any web page open in
a browser there. Two checks keep strange pages out and cost other clients nothing: a browser says
which page asks (`Origin`, RFC 6454), and which name it looked up (`Host`, RFC 9110, section 7.2),
which betrays a foreign name that was rebound to 127.0.0.1.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

_EXTENSION_SCHEMES = frozenset(("chrome-extension", "moz-extension", "safari-web-extension"))
"""Wallets live in browser extensions, which a page can't pose as."""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether `host` is reachable from this machine only."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _hostname(authority: str) -> str | None:
    try:
        name = urlsplit(f"//{authority}").hostname
    except ValueError:
        return None
    return name.rstrip(".") if name else None


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Whom the server answers.

    `hosts` are names it goes by besides localhost; `origins` are web origins it serves besides
    local ones ("*" for every one). `checks_host` is on for loopback binds, where a name that was
    not given here can only be a rebound one.
    """

    checks_host: bool = True
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    def allows_host(self, authority: str | None) -> bool:
        """Whether a request may name this host; addresses can't be rebound and are all fine."""
        if not self.checks_host or authority is None:
            return True
        name = _hostname(authority)
        if name is None:
            return False
        return is_loopback(name) or _is_address(name) or name in self.hosts

    def _is_own(self, name: str) -> bool:
        return _is_address(name) or name in self.hosts

    def allows_origin(self, origin: str | None, authority: str | None = None) -> bool:
        """Whether a page of that origin may call; a client that is no browser names none.

        The node's own page may: one of the `authority` that the request names as its host, if that
        is an address or a given name. Another name could be a strange page's, rebound to here.
        """
        if origin is None or "*" in self.origins or origin in self.origins:
            return True
        try:
            parts = urlsplit(origin)
            name = parts.hostname
        except ValueError:
            return False
        if parts.scheme in _EXTENSION_SCHEMES:
            return True
        if name is not None and parts.netloc == authority and self._is_own(name):
            return True
        return parts.scheme in ("http", "https") and name is not None and is_loopback(name)
