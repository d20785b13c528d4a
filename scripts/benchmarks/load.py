"""A client process that sends signed transactions over HTTP and waits until they are mined.

It reads a `Load` from standard input and writes an `Outcome` to standard output, both as JSON. It
runs apart from what it measures, and speaks HTTP over bare streams with requests made beforehand,
so that little of a shared machine goes into the client.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self
from urllib.parse import urlsplit

POLL_SECONDS = 0.02
"""Between two looks for a receipt: how exactly the end is known."""

RECEIPTS_PER_REQUEST = 100
"""Receipts asked for at once when all is over and the clock has stopped."""


class NodeRefused(Exception):
    """The node answered with an error or not at all; the measurement is void."""


@dataclass(frozen=True, slots=True)
class Load:
    """What to send. Each sender is one connection, and its transactions go in order of nonce."""

    url: str
    senders: list[list[str]]
    """Raw transactions, 0x-prefixed, by sender."""
    seconds_max: float
    mines_on_demand: bool = False
    """The chain is anvil with a block for each transaction. It forgets those that come in faster
    than it mines, until something reminds it: `evm_mine` does while receipts are waited for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """From the first send to the last receipt. Only successful receipts count."""

    seconds: float
    sending_seconds: float
    """Until the node had answered to the last transaction."""
    succeeded: int
    blocks: int

    @property
    def rate(self) -> float:
        """Successful transactions a second."""
        return self.succeeded / self.seconds


class Connection:
    """One HTTP/1.1 connection that is kept open, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str) -> Self:
        address = urlsplit(url)
        return cls(*await asyncio.open_connection(address.hostname, address.port))

    async def exchange(self, request: bytes) -> Any:
        """Send a request made by `http_request`; the answer's JSON. Raises `NodeRefused`."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        body = await self._reader.readexactly(int(headers["content-length"]))
        if status.split()[1] != "200":
            raise NodeRefused(f"{status}: {body[:200]!r}")
        return json.loads(body)

    async def ask(self, request: bytes) -> Any:
        """The result of one call. Raises `NodeRefused` for an error."""
        return result_of(await self.exchange(request))

    def close(self) -> None:
        self._writer.close()


def result_of(answer: dict[str, Any]) -> Any:
    """The result in a JSON-RPC answer. Raises `NodeRefused`."""
    if "error" in answer:
        raise NodeRefused(answer["error"].get("message", "unknown error"))
    return answer["result"]


def call(method: str, *params: Any) -> dict[str, Any]:
    """One JSON-RPC call."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def http_request(body: Any) -> bytes:
    """The bytes of a POST with a JSON body."""
    data = json.dumps(body).encode()
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"  # noqa: E501
    return head.encode() + data


async def send_in_order(connection: Connection, requests: Sequence[bytes]) -> list[str]:
    """One sender's transactions, each after the answer to the one before; their hashes."""
    return [await connection.ask(request) for request in requests]


async def wait_mined(connection: Connection, transaction_hash: str, *, demand: bool) -> None:
    """Wait until the transaction has a receipt; `demand` blocks meanwhile."""
    request = http_request(call("eth_getTransactionReceipt", transaction_hash))
    while await connection.ask(request) is None:
        if demand:
            await connection.ask(http_request(call("evm_mine")))
        else:
            await asyncio.sleep(POLL_SECONDS)


async def receipts(connection: Connection, hashes: Sequence[str]) -> list[dict[str, Any]]:
    """The receipts of mined transactions."""
    found = []
    for start in range(0, len(hashes), RECEIPTS_PER_REQUEST):
        part = hashes[start : start + RECEIPTS_PER_REQUEST]
        batch = [call("eth_getTransactionReceipt", one) for one in part]
        found += [result_of(answer) for answer in await connection.exchange(http_request(batch))]
    return found


async def run(load: Load) -> Outcome:
    """Send everything and wait for the receipts. Raises `NodeRefused` and `TimeoutError`."""
    requests = [
        [http_request(call("eth_sendRawTransaction", raw)) for raw in sender]
        for sender in load.senders
    ]
    connections = [await Connection.open(load.url) for _ in load.senders]
    async with asyncio.timeout(load.seconds_max):
        started = time.monotonic()
        hashes = await asyncio.gather(*map(send_in_order, connections, requests))
        sent = time.monotonic()
        # A sender's last transaction has the highest nonce: with it, all of them are mined.
        for sender in hashes:
            await wait_mined(connections[0], sender[-1], demand=load.mines_on_demand)
        mined = time.monotonic()
    found = await receipts(connections[0], [one for sender in hashes for one in sender])
    for connection in connections:
        connection.close()
    return Outcome(
        seconds=mined - started,
        sending_seconds=sent - started,
        succeeded=sum(receipt["status"] == "0x1" for receipt in found),
        blocks=len({receipt["blockHash"] for receipt in found}),
    )


def main() -> None:
    """Read a load, run it, write its outcome; a sentence and exit code 1 when it failed."""
    load = Load(**json.load(sys.stdin))
    try:
        outcome = asyncio.run(run(load))
    except TimeoutError:
        sys.exit(f"{load.url} had not mined everything after {load.seconds_max} s")
    except NodeRefused as refusal:
        sys.exit(f"{load.url} refused: {refusal}")
    json.dump(asdict(outcome), sys.stdout)


if __name__ == "__main__":
    main()
