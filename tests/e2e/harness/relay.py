"""One connection through the proxy: requests taken in, answers passed on byte by byte."""

import socket
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Final, Literal, NoReturn, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import anyio
from anyio.abc import ByteStream

from .http1 import (
    HEAD_END,
    HEAD_LIMIT,
    Body,
    Head,
    MalformedError,
    parse_head,
    request_body,
    response_body,
)
from .recording import Action, Answer, HangUp, RecordedRequest

How: TypeAlias = Literal["reset", "fin"]
Decide: TypeAlias = Callable[[RecordedRequest], Action | None]
Connect: TypeAlias = Callable[[], Awaitable[ByteStream]]

_BLOCK: Final = 65536
_SECRET: Final = frozenset({"authorization", "cookie"})


class Valve:
    """Lets bytes pass, or holds them up."""

    def __init__(self) -> None:
        self._open = anyio.Event()
        self._open.set()

    def shut(self) -> None:
        """Hold up what comes from now on."""
        if self._open.is_set():
            self._open = anyio.Event()

    def open(self) -> None:
        """Let pass what was held up, and all after it."""
        self._open.set()

    async def passed(self) -> None:
        """Wait while it is shut."""
        while not self._open.is_set():
            await self._open.wait()


class Relay:
    """Serves one client connection, with one connection to the server behind it.

    Whatever ends the connection goes through `cut`, which cancels everything the relay does.
    """

    def __init__(
        self, number: int, client: socket.socket, connect: Connect, decide: Decide
    ) -> None:
        self.valve = Valve()
        self._number = number
        self._client = client
        self._connect = connect
        self._decide = decide
        self._scope = anyio.CancelScope()
        self._upstream: ByteStream | None = None
        self._buffer = b""  # what the client sent and no request has taken yet
        self._how: How = "fin"

    def cut(self, how: How) -> None:
        """End the connection at once, by RST or by FIN."""
        self._how = how
        self._scope.cancel()

    async def serve(self) -> None:
        """Serve requests until either side hangs up, or `cut`."""
        try:
            with self._scope:
                while True:
                    await self._idle()
                    await self._exchange()
        finally:
            if self._how == "reset":
                # No lingering: the kernel sends RST instead of FIN.
                option = struct.pack("ii", 1, 0)
                self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
            self._client.close()
            if self._upstream is not None:
                await anyio.aclose_forcefully(self._upstream)

    async def _end(self, how: How) -> NoReturn:
        self.cut(how)
        await anyio.sleep_forever()  # until the cancellation arrives, which is now
        raise AssertionError

    async def _idle(self) -> None:
        """Wait for the client's next request; the server may hang up meanwhile."""
        if self._buffer:
            return

        async with anyio.create_task_group() as group:
            if self._upstream is not None:
                group.start_soon(self._mind_server)
            await anyio.wait_readable(self._client)
            group.cancel_scope.cancel()

    async def _exchange(self) -> None:
        """Take one request in and pass its answer on, or make one up."""
        raw = await self._take_head()
        head = await self._parsed(raw)
        request = _recorded(self._number, head)
        action = self._decide(request)
        body = request_body(head)
        if action is None:
            await self._hold()
            await self._send_to_server(raw)
            await self._pass_body_on(body)
        else:
            await self._drop_body(body)

        async with anyio.create_task_group() as group:
            group.start_soon(self._mind_client)
            await self._answer(request, action)
            group.cancel_scope.cancel()
        request.ended = time.monotonic()

    async def _answer(self, request: RecordedRequest, action: Action | None) -> None:
        match action:
            case None:
                await self._pass_answer_on(request)
            case Answer():
                request.by_proxy = True
                request.status = action.status
                await self._send_to_client(action.encode(), request)
            case HangUp():
                request.by_proxy = True
                await self._end("fin")

    async def _pass_answer_on(self, request: RecordedRequest) -> None:
        data = b""
        while True:
            while HEAD_END not in data:
                data += await self._read_server()
            end = data.index(HEAD_END) + len(HEAD_END)
            head = await self._parsed(data[:end])
            body = response_body(head, request.method)
            if not head.words[1].startswith("1"):
                break
            await self._send_to_client(data[:end], request)  # 100 Continue: another one follows
            data = data[end:]

        request.status = int(head.words[1])
        request.response_headers = head.headers
        taken = end + body.feed(data[end:])
        await self._send_to_client(data[:taken], request)
        while not body.done:
            data = await self._read_server()
            await self._send_to_client(data[: body.feed(data)], request)

    async def _take_head(self) -> bytes:
        while HEAD_END not in self._buffer:
            if len(self._buffer) > HEAD_LIMIT:
                await self._end("reset")
            self._buffer += await self._read_client()
        end = self._buffer.index(HEAD_END) + len(HEAD_END)
        head, self._buffer = self._buffer[:end], self._buffer[end:]
        return head

    async def _parsed(self, raw: bytes) -> Head:
        try:
            return parse_head(raw)
        except MalformedError:
            await self._end("reset")

    async def _pass_body_on(self, body: Body) -> None:
        while not body.done:
            await self._send_to_server(await self._body_part(body))

    async def _drop_body(self, body: Body) -> None:
        while not body.done:
            await self._body_part(body)

    async def _body_part(self, body: Body) -> bytes:
        data = self._buffer or await self._read_client()
        taken = body.feed(data)
        self._buffer = data[taken:]
        return data[:taken]

    async def _hold(self) -> None:
        """Wait while the valve is shut; the client may hang up meanwhile."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._mind_client)
            await self.valve.passed()
            group.cancel_scope.cancel()

    async def _mind_client(self) -> None:
        """End the connection once the client hangs up; takes nothing that it sends."""
        await anyio.wait_readable(self._client)
        try:
            gone = not self._client.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            gone = False
        except OSError:
            gone = True
        if gone:
            await self._end("fin")

    async def _mind_server(self) -> None:
        """End the connection once the server hangs up between two requests."""
        await self._read_server()
        await self._end("reset")  # it said something that nobody asked for

    async def _read_client(self) -> bytes:
        while True:
            await anyio.wait_readable(self._client)
            try:
                data = self._client.recv(_BLOCK)
            except BlockingIOError:
                continue
            except OSError:
                await self._end("reset")
            return data or await self._end("fin")

    async def _send_to_client(self, data: bytes, request: RecordedRequest) -> None:
        await self.valve.passed()
        left = memoryview(data)
        while left:
            await anyio.wait_writable(self._client)
            try:
                left = left[self._client.send(left) :]
            except BlockingIOError:
                continue
            except OSError:
                await self._end("reset")
        request.received += len(data)

    async def _read_server(self) -> bytes:
        server = await self._server()
        try:
            return await server.receive(_BLOCK)
        except anyio.EndOfStream:
            await self._end("fin")
        except (anyio.BrokenResourceError, OSError):
            await self._end("reset")

    async def _send_to_server(self, data: bytes) -> None:
        server = await self._server()
        try:
            await server.send(data)
        except (anyio.BrokenResourceError, OSError):
            await self._end("reset")

    async def _server(self) -> ByteStream:
        if self._upstream is None:
            try:
                self._upstream = await self._connect()
            except (anyio.BrokenResourceError, anyio.EndOfStream, OSError):
                await self._end("reset")
        return self._upstream


def _recorded(connection: int, head: Head) -> RecordedRequest:
    method, target, _ = head.words
    url = urlsplit(target)
    return RecordedRequest(
        connection=connection,
        method=method,
        path=url.path,
        query=dict(parse_qsl(url.query, keep_blank_values=True)),
        headers={name: value for name, value in head.headers.items() if name not in _SECRET},
        at=time.monotonic(),
    )
