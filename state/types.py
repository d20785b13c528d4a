"""The scalar types that cross folders, and the constructors that check them.

`NewType` keeps a hash from being passed where an address belongs at no run-time cost. Bytes from
outside pass through `hash32` or `address` once, at the edge; inside, the type is the proof.
"""

from typing import NewType

Hash32 = NewType("Hash32", bytes)
Address = NewType("Address", bytes)
BlockNumber = NewType("BlockNumber", int)
Timestamp = NewType("Timestamp", int)
"""Seconds since the Unix epoch."""
Gas = NewType("Gas", int)
Wei = NewType("Wei", int)

UINT64_MAX = 2**64 - 1
UINT256_MAX = 2**256 - 1

ZERO_HASH = Hash32(bytes(32))
ZERO_ADDRESS = Address(bytes(20))


def hash32(value: bytes) -> Hash32:
    """Check that `value` has 32 bytes. Raises `ValueError`."""
    if len(value) != 32:
        raise ValueError(f"a hash has 32 bytes, not {len(value)}")
    return Hash32(bytes(value))


def address(value: bytes) -> Address:
    """Check that `value` has 20 bytes. Raises `ValueError`."""
    if len(value) != 20:
        raise ValueError(f"an address has 20 bytes, not {len(value)}")
    return Address(bytes(value))
