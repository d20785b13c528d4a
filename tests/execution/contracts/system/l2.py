"""The parties of an L2 under test, and messages from L1 as the Portal has them relayed."""

from eth_abi import encode

from genesis.predeploys import ALIAS_OFFSET, L2_CROSS_DOMAIN_MESSENGER
from state.types import Address
from tests.contracts.vm import Vm, selector

PORTAL = Address(b"\xb0" * 20)
PORTAL_ALIAS = Address(
    ((int.from_bytes(PORTAL, "big") + ALIAS_OFFSET) % 2**160).to_bytes(20, "big")
)
MEMBERS = tuple(Address(bytes([0x70 + i]) * 20) for i in range(3))
DELAY_SECONDS = 48 * 3600

MESSAGE = ["uint256", "address", "address", "uint256", "bytes"]
RELAY = f"relayMessage({','.join(MESSAGE)})"


def relay_data(
    sender: bytes, target: bytes, data: bytes, *, value: int = 0, nonce: int = 0
) -> bytes:
    """Calldata of a message's relay."""
    return selector(RELAY) + encode(MESSAGE, [nonce, sender, target, value, data])


def relay(
    vm: Vm,
    target: bytes,
    data: bytes = b"",
    *,
    l1_sender: bytes = b"\xc1" * 20,
    value: int = 0,
    sent: int | None = None,
    nonce: int = 0,
    sender: bytes = PORTAL_ALIAS,
    gas: int = 2**24,
) -> None:
    """Relay a message, as the Portal unless said otherwise."""
    vm.send(
        L2_CROSS_DOMAIN_MESSENGER,
        relay_data(l1_sender, target, data, value=value, nonce=nonce),
        sender=sender,
        value=value if sent is None else sent,
        gas=gas,
    )
