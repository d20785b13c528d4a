"""Transfers of ether told among the logs of a simulated call (eth_simulateV1, traceTransfers)."""

from typing import Final

from state.blocks import Log
from state.keccak import keccak
from state.types import Address, Hash32

ETHER_ADDRESS: Final = Address(b"\xee" * 20)
"""Stands for ether where a token's address would (ERC-7528)."""

_TRANSFER: Final = keccak(b"Transfer(address,address,uint256)")


class TransferNote(Log):
    """A log that no contract wrote: it is in no receipt."""

    __slots__ = ()


def transfer_note(sender: Address, recipient: Address, value: int) -> TransferNote:
    """The ERC-20 event of a transfer of `value` wei."""
    topics = (_TRANSFER, Hash32(sender.rjust(32, b"\0")), Hash32(recipient.rjust(32, b"\0")))
    return TransferNote(ETHER_ADDRESS, topics, value.to_bytes(32, "big"))
