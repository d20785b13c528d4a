"""From the bytes of a request to the bytes of its response (JSON-RPC 2.0).

A namespace is a class whose methods carry `@method(name, parameters...)`. Parameters are parsed
here, so that a method is entered with checked values only; what it returns is plain JSON.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import msgspec

from node import limits
from node.rpc.errors import (
    InternalRpcError,
    InvalidParams,
    InvalidRequest,
    LimitExceeded,
    MethodNotFound,
    NotificationsUnsupported,
    ParseError,
    RpcError,
    rpc_error,
)
from node.rpc.meter import UNKNOWN, Meter
from node.rpc.priority import answered_first
from node.rpc.subscriptions import SubscriptionSource
from state.errors import InternalError, TallystickError
from state.types import UINT64_MAX

_log = logging.getLogger("tallystick.rpc")

_REQUIRED: Final = object()


class Param(NamedTuple):
    """One positional parameter: its parser, and what stands in when it is null or left out."""

    parse: Callable[[object], object]
    default: object = _REQUIRED

    @property
    def is_required(self) -> bool:
        return self.default is _REQUIRED


class Session(Protocol):
    """The websocket a call came over, which subscriptions belong to."""

    def subscribe(self, source: SubscriptionSource, kind: str, options: object) -> str:
        """Start a subscription; its id. Raises `RpcError`."""

    def unsubscribe(self, subscription: str) -> bool:
        """End one; whether there was one of that id."""


Handler = Callable[..., Awaitable[object]]
F = TypeVar("F", bound=Handler)


@dataclass(frozen=True, slots=True)
class Method:
    """A method as the registry knows it. `on_session` ones get the session first."""

    name: str
    handler: Handler
    params: tuple[Param, ...]
    on_session: bool = False

    def parse(self, values: list[object]) -> list[object]:
        """Check arity and parse each argument. Raises `InvalidParams` in geth's words."""
        if len(values) > len(self.params):
            raise InvalidParams(f"too many arguments, want at most {len(self.params)}")
        return [self._argument(i, values) for i in range(len(self.params))]

    def _argument(self, index: int, values: list[object]) -> object:
        param = self.params[index]
        value = values[index] if index < len(values) else None
        if value is None:
            if param.is_required:
                raise InvalidParams(f"missing value for required argument {index}")
            return param.default
        try:
            return param.parse(value)
        except InvalidParams as error:
            raise InvalidParams(f"invalid argument {index}: {error.message}") from None


def method(name: str, *params: Param, on_session: bool = False) -> Callable[[F], F]:
    """Mark a coroutine method of a namespace as the JSON-RPC method `name`."""

    def mark(handler: F) -> F:
        handler.__rpc__ = (name, params, on_session)  # type: ignore[attr-defined]
        return handler

    return mark


def registry(*namespaces: object) -> dict[str, Method]:
    """Every marked method by its name. Raises `InternalError` on a name used twice."""
    methods: dict[str, Method] = {}
    for namespace in namespaces:
        for attribute in dir(type(namespace)):
            marks = getattr(getattr(type(namespace), attribute), "__rpc__", None)
            if marks is None:
                continue
            name, params, on_session = marks
            if name in methods:
                raise InternalError(f"JSON-RPC method {name} is defined twice")
            handler = getattr(namespace, attribute)
            methods[name] = Method(name, handler, params, on_session)
    return methods


_NOT_BRACKETS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[^\[\]{}"]+', re.DOTALL)


def check_depth(body: bytes) -> None:
    """Refuse JSON nested more deeply than any request, before a recursive decoder meets it.

    Raises `ParseError`. Brackets within strings don't count; malformed JSON may pass, because the
    decoder stops at its first fault, up to which both read alike.
    """
    containers = body.count(b"[") + body.count(b"{")
    if containers <= limits.RPC_JSON_DEPTH_MAX:
        return
    if containers > limits.RPC_JSON_CONTAINERS_MAX:
        raise ParseError(f"more than {limits.RPC_JSON_CONTAINERS_MAX} arrays and objects")
    depth = 0
    for character in _NOT_BRACKETS.sub(b"", body):
        if character in b"[{":
            depth += 1
            if depth > limits.RPC_JSON_DEPTH_MAX:
                raise ParseError(f"nested deeper than {limits.RPC_JSON_DEPTH_MAX} levels")
        elif character in b"]}":
            depth -= 1


class Request(NamedTuple):
    """A well-formed request; `id` is None for a notification, which gets no answer."""

    id: object
    method: str
    params: list[object]
    is_notification: bool


def parse_request(value: object) -> Request:
    """Check the shape of a request (JSON-RPC 2.0, section 4). Raises `InvalidRequest`."""
    if not isinstance(value, dict):
        raise InvalidRequest("a request is a JSON object")
    name = value.get("method")
    if value.get("jsonrpc") != "2.0" or not isinstance(name, str):
        raise InvalidRequest('a request has "jsonrpc": "2.0" and a "method"')
    identity = value.get("id")
    if not _is_identity(identity):
        raise InvalidRequest("an id is a string, a number of 64 bits or null")
    params = value.get("params")
    if params is None:
        params = []
    if not isinstance(params, list):
        raise InvalidParams("non-array args: parameters are positional")
    return Request(identity, name, params, "id" not in value)


def _is_identity(value: object) -> bool:
    """Whether `value` may be an id: a string, a number that can be written back, or null."""
    if isinstance(value, int) and not isinstance(value, bool):
        return -(2**63) <= value <= UINT64_MAX
    return value is None or isinstance(value, str | float)


def _identity(value: object) -> object:
    """The id to answer under when the rest of the request may be wrong."""
    identity = value.get("id") if isinstance(value, dict) else None
    return identity if _is_identity(identity) else None


class Dispatcher:
    """Answers requests from a registry of methods.

    `on_fault` is told of every error that is our own, so that the node's supervisor can stop it.
    """

    def __init__(
        self,
        methods: Mapping[str, Method],
        on_fault: Callable[[BaseException], None] = lambda error: None,
        meter: Meter | None = None,
    ) -> None:
        self.methods = methods
        self.meter = Meter() if meter is None else meter
        self.retired = asyncio.Event()
        """Set when the chain behind the methods was exchanged: what was subscribed to is gone."""
        self._on_fault = on_fault
        self._encoder = msgspec.json.Encoder()

    async def answer(self, body: bytes, session: Session | None = None) -> bytes | None:
        """The response to one HTTP body or websocket message; None when it only notified."""
        return await answered_first(self._answer(body, session))

    async def _answer(self, body: bytes, session: Session | None) -> bytes | None:
        try:
            check_depth(body)
            value = msgspec.json.decode(body)
        except ParseError as error:
            return self._failure(None, error)
        except (msgspec.MsgspecError, RecursionError) as error:
            return self._failure(None, ParseError(f"parse error: {error}"))
        if isinstance(value, list):
            return await self._answer_batch(value, session)
        return await self._answer_one(value, session)

    async def _answer_batch(self, values: list[Any], session: Session | None) -> bytes | None:
        """Answer in order, so that a sender's transactions enter the pool as it sent them."""
        if not values:
            return self._failure(None, InvalidRequest("empty batch"))
        if len(values) > limits.RPC_BATCH_ITEMS_MAX:
            error = InvalidRequest(f"batch too large: at most {limits.RPC_BATCH_ITEMS_MAX} calls")
            return self._failure(None, error)
        responses: list[bytes] = []
        size = 0
        for position, value in enumerate(values):
            if position % limits.RPC_BATCH_YIELD_ITEMS == 0:
                await asyncio.sleep(0)
            if size > limits.RPC_RESPONSE_BYTES_MAX:
                responses.append(self._failure(_identity(value), _too_large()))
                continue
            response = await self._answer_one(value, session)
            if response is not None:
                responses.append(response)
                size += len(response)
        return b"[" + b",".join(responses) + b"]" if responses else None

    async def _answer_one(self, value: object, session: Session | None) -> bytes | None:
        """The encoded response to one call; None for a notification, even one that failed."""
        began = self.meter.clock.monotonic()
        response, is_error = await self._measured(value, session)
        name = value.get("method") if isinstance(value, dict) else None
        known = name if isinstance(name, str) and name in self.methods else UNKNOWN
        seconds = self.meter.clock.monotonic() - began
        self.meter.answered(known, seconds, is_error=is_error)
        return response

    async def _measured(self, value: object, session: Session | None) -> tuple[bytes | None, bool]:
        """The response, and whether it is an error."""
        try:
            request = parse_request(value)
            response = self._success(request.id, await self._call(request, session))
        except TallystickError as error:
            if isinstance(error, InternalError):
                self._fault(value, error)
            answer = rpc_error(error)
        except Exception as error:
            # The supervisor of all handlers: one bad call must not end the others' connection.
            self._fault(value, error)
            answer = InternalRpcError("internal error")
        else:
            return None if request.is_notification else response, False
        is_notification = isinstance(value, dict) and "id" not in value
        if is_notification and not isinstance(answer, InvalidRequest):
            return None, True
        return self._failure(_identity(value), answer), True

    async def _call(self, request: Request, session: Session | None) -> object:
        called = self.methods.get(request.method)
        if called is None:
            raise MethodNotFound(request.method)
        arguments = called.parse(request.params)
        if not called.on_session:
            return await called.handler(*arguments)
        if session is None:
            raise NotificationsUnsupported
        return await called.handler(session, *arguments)

    def _fault(self, value: object, error: BaseException) -> None:
        name = value.get("method") if isinstance(value, dict) else None
        _log.error("JSON-RPC %s failed: %s", name, error, exc_info=error)
        self._on_fault(error)

    def _success(self, identity: object, result: object) -> bytes:
        response = {"jsonrpc": "2.0", "id": identity, "result": result}
        encoded = self._encoder.encode(response)
        if len(encoded) > limits.RPC_RESPONSE_BYTES_MAX:
            raise _too_large()
        return encoded

    def _failure(self, identity: object, error: RpcError) -> bytes:
        return self._encoder.encode({"jsonrpc": "2.0", "id": identity, "error": error.body()})


def _too_large() -> LimitExceeded:
    return LimitExceeded(f"response too large: at most {limits.RPC_RESPONSE_BYTES_MAX} bytes")
