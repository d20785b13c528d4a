"""Several calls of one account after each other, tried in a single `eth_call`.

What a keeper does is often worth nothing without what it sends right before: nobody can be judged
by prices that are only about to be computed. The sender is given code for the length of the call
(go-ethereum's state overrides), which makes the calls as the sender's own transactions would.
"""

from collections.abc import Sequence
from typing import Final

from bridge.l1 import wire
from genesis.predeploys import CLEARING_HOUSE
from node.keepers.batches import Call
from state.types import Address, Gas

_LENGTH_BYTES: Final = 32

_CODE: Final = bytes.fromhex(
    # The next entry's offset is 0, and where it is the end of the calldata: [offset]
    "5f" "5b" "368110" "15" "6039" "57"
    # Its length, and its data to memory: [length offset]
    "8035" "8082" "602001" "5f37"
    # Called without value; its answer stays in the return data: [ok length offset]
    "5f5f" "82" "5f5f" "73" + CLEARING_HOUSE.hex() + "5af1"
    # A failure ends it, else offset + length + 32 is the next one's.
    "15" "6041" "57" "01602001" "6001" "56"
    # The last one's answer, as a result or as the reason.
    "5b" "3d5f5f3e" "3d5ff3"
    "5b" "3d5f5f3e" "3d5ffd"
)  # fmt: skip
"""Calls the ClearingHouse with each entry of its calldata, in turn; returns what the last returned,
or reverts with the reason of the first that fails."""


def rehearsal(
    calls: Sequence[bytes], sender: Address, gas: Gas | None = None, block: str = "latest"
) -> Call:
    """An `eth_call` that makes all of `calls` and answers as the last of them would.

    `gas` is for all together; the node bounds it, and is asked for all it gives without one.
    """
    account = wire.to_data(sender)
    request = {
        "from": account,
        "to": account,
        "data": wire.to_data(b"".join(_entry(call) for call in calls)),
    }
    if gas is not None:
        request["gas"] = wire.to_quantity(gas)
    return Call("eth_call", (request, block, {account: {"code": wire.to_data(_CODE)}}))


def _entry(call: bytes) -> bytes:
    return len(call).to_bytes(_LENGTH_BYTES, "big") + call
