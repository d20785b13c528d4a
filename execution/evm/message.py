"""What a frame is called with: py-evm's `Message`, without re-checking what the engine made."""

from enum import StrEnum
from typing import Any

from eth.constants import CREATE_CONTRACT_ADDRESS
from eth.vm.message import Message as EthMessage

from state.types import Address


class FrameKind(StrEnum):
    """How a frame was begun, by the name of the instruction that does it."""

    CALL = "CALL"
    CALLCODE = "CALLCODE"
    DELEGATECALL = "DELEGATECALL"
    STATICCALL = "STATICCALL"
    CREATE = "CREATE"
    CREATE2 = "CREATE2"
    SELFDESTRUCT = "SELFDESTRUCT"
    """No frame of its own: the last transfer of an account, which tracers tell like one."""


class Message(EthMessage):
    """A call, or a creation when `create_address` is given.

    `to` is the account whose storage and balance the frame works on, and `code_address` where
    its code is from; they differ in CALLCODE and DELEGATECALL.
    """

    __slots__ = ("code_address", "is_create", "kind", "storage_address")

    to: Any
    sender: Any
    code_address: Any
    storage_address: Any
    is_create: bool
    kind: FrameKind

    def __init__(
        self,
        *,
        gas: int,
        to: Address | None,
        sender: Address,
        value: int,
        data: bytes | memoryview,
        code: bytes,
        depth: int = 0,
        code_address: Address | None = None,
        create_address: Address | None = None,
        should_transfer_value: bool = True,
        is_static: bool = False,
        kind: FrameKind = FrameKind.CALL,
    ) -> None:
        self.gas = gas
        self.sender = sender
        self.value = value
        self.data = data
        self.code = code
        self.depth = depth
        self.should_transfer_value = should_transfer_value
        self.is_static = is_static
        self.is_create = create_address is not None
        self.kind = kind
        self.to = CREATE_CONTRACT_ADDRESS if to is None else to
        self.storage_address = create_address or to
        self.code_address = code_address or to
