"""HTTP as the SDKs speak it: one request after the other on a connection that stays open.

bytes → method, path, head, body → by its target or path: table, queues, providers, control → bytes
"""

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from bench.stub.providers import Providers
from bench.stub.queues import Queues
from bench.stub.seeding import seed
from bench.stub.table import Refused, Table

Reply = tuple[int, bytes]
_END = b"\r\n\r\n"


class Stub:
    """Everything outside, and what was asked of it."""

    def __init__(self) -> None:
        self.table, self.queues, self.providers = Table(), Queues(), Providers()
        self._control: dict[str, Callable[[dict[str, str]], object]] = {
            "/stub/seed": lambda asked: seed(self.table, asked["topic"], asked["channel"], int(asked["count"]), int(asked["first"])),
            "/stub/bill": lambda _asked: {**self.table.bill, **self.queues.bill, **self.providers.bill},
            "/stub/forget": lambda _asked: self._forget(),
        }

    def answer(self, target: str, path: str, body: bytes) -> Reply:
        """The answer to one request."""
        if target.startswith("DynamoDB_20120810."):
            return self._table(target.partition(".")[2], body)
        if target.startswith("AmazonSQS."):
            return 200, json.dumps(self.queues.act(target.partition(".")[2], json.loads(body))).encode()
        if path.startswith("/stub/"):
            asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
            return 200, json.dumps(self._control[urlsplit(path).path](asked)).encode()
        return self.providers.act(path, body)

    def _table(self, operation: str, body: bytes) -> Reply:
        try:
            return 200, self.table.act(operation, body)
        except Refused as refused:
            return 400, refused.answer()

    def _forget(self) -> None:
        for part in (self.table, self.queues, self.providers):
            part.forget()


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(_END)) >= 0:
            head = self._read[:end].decode("latin-1")
            first, *lines = head.split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            start, length = end + len(_END), int(headers.get("content-length", "0"))
            if len(self._read) < start + length:
                return
            body, self._read = self._read[start : start + length], self._read[start + length :]
            self._reply(*self._stub.answer(headers.get("x-amz-target", ""), first.split(" ")[1], body))

    def _reply(self, status: int, body: bytes) -> None:
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)  # type: ignore[attr-defined]


async def serve() -> asyncio.Server:
    """Listen on a free port of this machine."""
    stub = Stub()
    return await asyncio.get_running_loop().create_server(lambda: Connection(stub), "127.0.0.1", 0)
