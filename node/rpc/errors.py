"""What a JSON-RPC client is told when a call fails.

    RpcError (Invalid)
    ├── ParseError              -32700  the body is no JSON
    ├── InvalidRequest          -32600  the JSON is no request
    ├── MethodNotFound          -32601
    ├── InvalidParams           -32602
    ├── InternalRpcError        -32603  we are wrong
    ├── CallFailed              -32000  geth's code for everything else, with geth's text
    ├── ResourceUnavailable     -32002  not now; try again (EIP-1474)
    ├── LimitExceeded           -32005  a limit of node/limits.py (EIP-1474)
    ├── CodedError                      with a code of its own
    └── Reverted                     3  the EVM reverted; `data` is what it returned

Clients match on codes and on geth's words, so both are kept (EIP-1474; go-ethereum, rpc/errors.go).
"""

from typing import ClassVar

from execution.simulation_errors import ExecutionReverted
from state.errors import Invalid, TallystickError, Unavailable


class RpcError(Invalid):
    """A failed call, as the `error` member of the response."""

    code: ClassVar[int] = -32000

    def __init__(self, message: str, data: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data

    def body(self) -> dict[str, object]:
        """The JSON-RPC error object (JSON-RPC 2.0, section 5.1)."""
        body: dict[str, object] = {"code": self.code, "message": self.message}
        if self.data is not None:
            body["data"] = self.data
        return body


class ParseError(RpcError):
    """The body is no JSON, or more deeply nested than any request."""

    code = -32700


class InvalidRequest(RpcError):
    """JSON that is no JSON-RPC 2.0 request."""

    code = -32600


class MethodNotFound(RpcError):
    """No method of that name here."""

    code = -32601

    def __init__(self, name: str) -> None:
        super().__init__(f"the method {name[:64]} does not exist/is not available")


class NotificationsUnsupported(RpcError):
    """A subscription over HTTP, which has no way to notify."""

    code = -32601

    def __init__(self) -> None:
        super().__init__("notifications not supported: subscribe over a websocket")


class InvalidParams(RpcError):
    """An argument is missing, too many or not what the method takes."""

    code = -32602


class InternalRpcError(RpcError):
    """The node is at fault; the log says how."""

    code = -32603


class CallFailed(RpcError):
    """The call was understood and can't be done."""

    code = -32000


class ResourceUnavailable(RpcError):
    """What the call needs does not answer at the moment."""

    code = -32002


class LimitExceeded(RpcError):
    """The call asks for more than one call may have."""

    code = -32005


class CodedError(CallFailed):
    """A failure with a code of its own, such as eth_simulateV1 has one for each reason."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self._code = code

    def body(self) -> dict[str, object]:
        """The error object with that code."""
        return {**super().body(), "code": self._code}


class Reverted(RpcError):
    """The EVM reverted. `output` is the revert data, of which the message quotes the reason."""

    code = 3

    def __init__(self, output: bytes) -> None:
        reason = revert_reason(output)
        message = "execution reverted" if reason is None else f"execution reverted: {reason}"
        super().__init__(message, "0x" + output.hex())


ERROR_SELECTOR = bytes.fromhex("08c379a0")
"""`Error(string)`: what `require` and `revert` with a reason return (Solidity ABI)."""

PANIC_SELECTOR = bytes.fromhex("4e487b71")
"""`Panic(uint256)`: what failed checks of the compiler return."""

PANIC_REASONS = {
    0x00: "generic panic",
    0x01: "assert(false)",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "enum overflow",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "out-of-bounds array access; popping on an empty array",
    0x32: "out-of-bounds access of an array or bytesN",
    0x41: "out of memory",
    0x51: "uninitialized function",
}
"""go-ethereum's words for the panic codes of Solidity."""


def revert_reason(output: bytes) -> str | None:
    """The reason in revert data, or None where it holds none that is well formed."""
    if output[:4] == PANIC_SELECTOR and len(output) == 36:
        code = int.from_bytes(output[4:])
        return PANIC_REASONS.get(code, f"unknown panic code: {code:#x}")
    if output[:4] != ERROR_SELECTOR or len(output) < 68:
        return None
    offset = int.from_bytes(output[4:36])
    if offset != 32:
        return None
    length = int.from_bytes(output[36:68])
    reason = output[68 : 68 + length]
    return reason.decode("utf-8", "replace") if len(reason) == length else None


def rpc_error(error: TallystickError) -> RpcError:
    """The answer to a call that raised `error`, one of the three families."""
    if isinstance(error, RpcError):
        return error
    if isinstance(error, ExecutionReverted):
        return Reverted(error.data)
    if isinstance(error, Invalid):
        return CallFailed(str(error))
    if isinstance(error, Unavailable):
        return ResourceUnavailable(str(error))
    return InternalRpcError("internal error")
