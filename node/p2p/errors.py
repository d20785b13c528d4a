"""What can go wrong among peers.

Invalid
├── InvalidMessage          bytes from a peer that are none of our messages
│   ├── MessageTooLarge     above a limit, before or after decompression
│   └── WrongSignature      not signed by the sequencer
├── InvalidAddress          an operator's setting that is no multiaddress of a peer
├── InvalidIdentity         the key file can't be used
└── LibraryMissing          py-libp2p isn't installed
Unavailable
├── PeerUnavailable         a peer is gone, silent or busy; another may answer
├── ChannelClosed           one end has left, or read too slowly; it can be opened again
├── NoWayToSequencer        no peer passes calls on to the sequencer at the moment
└── HostUnavailable         the host's process is down; it is started again
"""

from state.errors import Invalid, Unavailable


class InvalidMessage(Invalid):
    """A peer's message that breaks the rules; the peer loses points for it."""


class MessageTooLarge(InvalidMessage):
    """More bytes than the kind of message may have."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"a message of {size} bytes is above the limit of {limit}")


class WrongSignature(InvalidMessage):
    """Signed by another key than the sequencer's."""


class InvalidAddress(Invalid):
    """A bootnode that can't be one."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"{address!r:.200} is no address of a peer: write it as the node prints it,"
            " /ip4/HOST/tcp/PORT/p2p/PEER"
        )


class InvalidIdentity(Invalid):
    """A key file that holds no key, or that others may read."""


class LibraryMissing(Invalid):
    """A node without peers does without py-libp2p, and so has not installed it."""

    def __init__(self) -> None:
        super().__init__(
            "peers are reached with py-libp2p, which is not installed: install gcc and the headers"
            " of GMP (Debian: libgmp-dev), then requirements/p2p.txt with pip; or leave out"
            " --bootnode, --p2p-port and --replicas"
        )


class PeerUnavailable(Unavailable):
    """This peer doesn't answer; try another one."""


class ChannelClosed(Unavailable):
    """Nothing more comes or goes on this channel."""


class NoWayToSequencer(Unavailable):
    """Nobody to pass a call on to."""

    def __init__(self) -> None:
        super().__init__(
            "no peer of this replica leads to the sequencer at the moment: try again, or check"
            " --bootnode"
        )


class HostUnavailable(Unavailable):
    """The process that speaks libp2p isn't running, or has more to do than it can."""
