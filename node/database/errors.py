"""What can be wrong with a stream of blocks, or with what is asked of a database.

Invalid
├── NoDatabase           a folder without one
├── RewindRefused        a block that can't be rewound to
└── InvalidStream        no stream of this version, cut off, or altered
    ├── StreamOfAnotherChain
    └── StreamDiverges   its blocks aren't what they execute to, or what is here already
"""

from pathlib import Path

from state.errors import Invalid
from state.types import BlockNumber, Hash32


class NoDatabase(Invalid):
    """A folder without a database."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"there is no database in {folder}: --data-dir names a node's own folder, for example"
            " .tallystick/sequencer on a devnet"
        )


class RewindRefused(Invalid):
    """A block that can't be rewound to."""


class InvalidStream(Invalid):
    """A file that is no whole stream of blocks."""


class StreamOfAnotherChain(InvalidStream):
    """Its blocks belong to another chain than the database."""


class StreamDiverges(InvalidStream):
    """A block of the stream isn't the chain's."""

    def __init__(self, number: BlockNumber, expected: Hash32, found: Hash32, why: str) -> None:
        super().__init__(
            f"block {number} is 0x{expected.hex()} in the file, but {why} 0x{found.hex()}: nothing"
            " of it or after it was imported"
        )
