"""A game's code, which says what the game is about, and which its address commits to.

A game is a proxy with its arguments behind its own code (CloneWithArgs.sol), and the Rollup creates
it with CREATE2 (EIP-1014). So nobody can say of a game's address that it is about anything else,
and no endpoint gets a stake out of us by inventing what we are to disagree with.
"""

from typing import Any, Final

from bridge.l1 import contracts
from bridge.l1.errors import L1EndpointInconsistent
from state.keccak import keccak
from state.types import Address

PROXY_BYTES: Final = 45
"""The proxy's own code (EIP-1167); behind it are the arguments."""

_CREATION_START: Final = b"\x61"
_CREATION_END: Final = bytes.fromhex("3d81600a3d39f3")
"""Around the code's size, the code that returns what follows (CloneWithArgs.creationCode)."""

_CREATE2: Final = b"\xff"


def arguments_of(address: Address, code: bytes) -> tuple[Any, ...]:
    """The fields of GameArgs in the code of a game.

    Raises `L1Unavailable` unless the Rollup that they name has created this code at this address.
    """
    (fields,) = contracts.GAME_ARGS.result(code[PROXY_BYTES:])
    if address_of(fields, code) != address:
        raise L1EndpointInconsistent(f"the code that was sent isn't that of 0x{address.hex()}")
    return tuple(fields)


def address_of(fields: tuple[Any, ...], code: bytes) -> Address:
    """Where the Rollup creates a game of this code, whose arguments are `fields`."""
    rollup, _, root, l2_block, count, acc, anchor_root, *_ = fields
    words = (root, l2_block.to_bytes(32, "big"), count.to_bytes(32, "big"), acc, anchor_root)
    salt = keccak(b"".join(words))  # Rollup.claimId
    creation = _CREATION_START + len(code).to_bytes(2, "big") + _CREATION_END + code
    return Address(keccak(_CREATE2 + bytes.fromhex(rollup[2:]) + salt + keccak(creation))[12:])
