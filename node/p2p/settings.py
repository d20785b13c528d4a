"""What a node is told about its peers."""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from node.p2p.errors import InvalidAddress, LibraryMissing
from state.types import Address

ADDRESS_FILE: Final = "p2p.addr"
"""Holds this node's multiaddress while it runs, one a line, for others' --bootnode."""

_ADDRESS: Final = re.compile(
    r"/(ip4|ip6|dns|dns4|dns6)/[^/\s]{1,253}/tcp/[0-9]{1,5}/p2p/[1-9A-HJ-NP-Za-km-z]{32,64}"
)
"""The form of a peer's address here (multiformats/multiaddr); the host reads it more closely."""


@dataclass(frozen=True, slots=True)
class P2PSettings:
    """Settings of the network; without them a node has no peers."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = 0
    """0 takes any free one."""
    bootnodes: tuple[str, ...] = ()
    """Multiaddresses of peers to find the others by."""
    key_file: Path | None = None
    """The key that names this peer; by default in the data folder, made when it isn't there."""
    sequencer: Address | None = None
    """Who signs blocks; by default whom the Inbox takes batches from."""
    block_key: Path | None = None
    """A sequencer's key to sign blocks with; by default that of its batches."""

    def __post_init__(self) -> None:
        for address in self.bootnodes:
            if not _ADDRESS.fullmatch(address):
                raise InvalidAddress(address)


def require_libp2p() -> None:
    """Make sure that the host's process will find its library. Raises `LibraryMissing`."""
    if find_spec("libp2p") is None:
        raise LibraryMissing
