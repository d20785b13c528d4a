"""Where the contracts that every L2 starts with live, and the system's own sender."""

from typing import Final

from state.types import Address


def _predeploy(suffix: int) -> Address:
    return Address(bytes([0x42]) + bytes(17) + suffix.to_bytes(2, "big"))


L2_CROSS_DOMAIN_MESSENGER: Final = _predeploy(0x0007)
L1_BLOCK: Final = _predeploy(0x0015)
L2_TO_L1_MESSAGE_PASSER: Final = _predeploy(0x0016)
COLLATERAL_TOKEN: Final = _predeploy(0x0100)
GOVERNANCE: Final = _predeploy(0x0101)
CLEARING_HOUSE: Final = _predeploy(0x0200)
CLEARING_HOUSE_MODULES: Final = tuple(_predeploy(0x0201 + i) for i in range(10))
"""In the order of execution/contracts' `ClearingHouse.sol` selector table."""

DEPOSITOR: Final = Address(bytes.fromhex("deaddeaddeaddeaddeaddeaddeaddeaddead0001"))
"""Sends the deposit that writes the L1 attributes at the start of each block."""

ALIAS_OFFSET: Final = 0x1111000000000000000000000000000000001111
"""Added to the address of a contract that deposits, so that it can't pose as an L2 account."""
