"""Performs a conversation on an HTTP connection, harm included (asyncio and aiohttp)."""

from __future__ import annotations

import asyncio
import gzip
import math
import socket
import struct
import zlib
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import takewhile
from typing import Final

from aiohttp import web

from watchkit.testing import forms
from watchkit.testing.bodies import Reply
from watchkit.testing.requests import ApiRequest
from watchkit.testing.wire import Act, Break, Conversation, Finish, Head, Send

BUFFERED: Final = 2048
"""Bytes up to which Go's server holds an answer back and says its length; longer is chunked."""

_NO_LINGER: Final = struct.pack("ii", 1, 0)
"""SO_LINGER, 0 s: closing sends RST and drops what was not sent yet."""

_GZIP: Final = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
_OK: Final = 200


async def perform(
    request: web.BaseRequest, asked: ApiRequest, conversation: Conversation
) -> web.StreamResponse:
    """Do on the connection what the conversation says, to its end."""
    head = await next_act(conversation)
    if not isinstance(head, Head):
        return _cut(request)
    due = _due_acts(conversation)
    accepted = request.headers.get("Accept-Encoding", "")
    streamed = asked.verb == "watch" and head.status == _OK
    encoded = "Content-Encoding" in head.headers
    if encoded:
        accepted = ""  # by a fault, and once is enough
    if not streamed and due and isinstance(due[-1], Finish):
        body = b"".join(act.data for act in due if isinstance(act, Send))
        reply = Reply(head.status, body, head.headers)
        return await _whole(
            request, forms.encoded(request.headers.get("Accept", ""), reply), accepted
        )
    coding = forms.watch_coding(accepted, asked) if streamed else "identity"
    return await _stream(request, conversation, head, due, coding)


async def _whole(request: web.BaseRequest, reply: Reply, accepted: str) -> web.StreamResponse:
    """Give an answer that is all there: short ones with their length, long ones chunked."""
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    body = reply.body
    if forms.list_coding(accepted, body) == "gzip":
        body = gzip.compress(body, 1)
        response.headers.update(_GZIP)
    if len(body) > BUFFERED:
        response.enable_chunked_encoding()
    else:
        response.content_length = len(body)
    await response.prepare(request)
    if request.method != "HEAD":
        await response.write(body)
    await response.write_eof()
    return response


async def next_act(conversation: Conversation) -> Act | None:
    """Wait for the next act, None once the conversation is closed."""
    clock = asyncio.get_running_loop().time
    while (act := conversation.next_act(clock())) is None and not conversation.over:
        changed = asyncio.Event()
        conversation.on_change(changed.set)
        wake_at = conversation.wake_at
        with suppress(TimeoutError):
            async with asyncio.timeout_at(None if wake_at == math.inf else wake_at):
                await changed.wait()
    return act


def reset(transport: asyncio.Transport | None) -> None:
    """Break a connection off with a RST; None is one that has broken already."""
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:  # in memory, aborting is a reset by itself
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


async def _stream(
    request: web.BaseRequest,
    conversation: Conversation,
    head: Head,
    due: Sequence[Act],
    coding: forms.Coding,
) -> web.StreamResponse:
    """Send act by act, each as a chunk of its own (gzip: the first ones as one member)."""
    response = web.StreamResponse(status=head.status, headers=head.headers)
    response.enable_chunked_encoding()
    if coding == "gzip":
        response.headers.update(_GZIP)
        due = _joined(due)
    await response.prepare(request)
    acts: deque[Act] = deque(due)
    while True:
        act = acts.popleft() if acts else await next_act(conversation)
        if isinstance(act, Send):
            await response.write(_member(act.data) if coding == "gzip" else act.data)
            continue
        if isinstance(act, Break):
            await _break(request, act)
        else:
            await response.write_eof()
        return response


def _member(data: bytes) -> bytes:
    """A gzip member as Go writes one: all data before the block that ends it.

    Go's reader looks for the next member before it gives what came along with that block; clients
    in Go would get each event only with the one after.
    """
    press = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    return press.compress(data) + press.flush(zlib.Z_SYNC_FLUSH) + press.flush()


async def _break(request: web.BaseRequest, act: Break) -> None:
    transport = request.transport
    if transport is None or act.how == "reset":
        reset(transport)
    elif act.how == "eof":
        transport.write(b'1000\r\n{"type":"MODI')
        transport.close()
    else:
        transport.write(b"zz\r\n")
        await asyncio.Event().wait()  # it stays open and silent until the client has gone


def _cut(request: web.BaseRequest) -> web.StreamResponse:
    """No answer at all; what is returned has nowhere to go."""
    reset(request.transport)
    return web.Response()


def _due_acts(conversation: Conversation) -> list[Act]:
    acts: list[Act] = []
    while (act := conversation.next_act(asyncio.get_running_loop().time())) is not None:
        acts.append(act)
    return acts


def _joined(acts: Sequence[Act]) -> list[Act]:
    """The same acts, those bytes that come first in one."""
    first = [
        act.data
        for act in takewhile(lambda act: isinstance(act, Send), acts)
        if isinstance(act, Send)
    ]
    rest = list(acts[len(first) :])
    return [Send(b"".join(first)), *rest] if first else rest
