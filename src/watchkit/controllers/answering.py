"""Answers one HTTP request on a connection, and closes it; no client can make it wait for long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Final

import anyio
from anyio.abc import ByteStream

from watchkit.core.http1 import HEAD_CAP, Answer, Asked, Read, head_of, read, refusal, written

PATIENCE: Final = 30.0
"""Seconds that a client has to ask, and again to read; Prometheus itself gives up after 10 s."""


async def answer(stream: ByteStream, respond: Callable[[Asked], Answer]) -> None:
    """Answer one request; whatever the client does, nothing is raised for it.

    One that comes and goes without a word, as a TCP probe does, is no error.
    """
    try:
        asked: Read | None = None
        with anyio.move_on_after(PATIENCE):
            asked = await _asked(stream)
        if asked is not None:
            said = _answered(asked, respond)
            with anyio.move_on_after(PATIENCE):
                await _tell(stream, said)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError):
        return  # it went
    finally:
        with anyio.CancelScope(shield=True):  # not by force: what nobody reads would be kept
            await stream.aclose()


async def _asked(stream: ByteStream) -> Read | None:
    """Read a request's head, None: none came."""
    data = b""
    while (head := head_of(data)) is None:
        if len(data) > HEAD_CAP:
            return refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        try:
            data += await stream.receive()
        except anyio.EndOfStream:
            return refusal(HTTPStatus.BAD_REQUEST) if data else None
    return read(head)


def _answered(asked: Read, respond: Callable[[Asked], Answer]) -> bytes:
    date = format_datetime(datetime.now(UTC), usegmt=True)
    if isinstance(asked, Answer):
        return written(asked, date)
    return written(respond(asked), date, with_body=asked.method != "HEAD")


async def _tell(stream: ByteStream, said: bytes) -> None:
    await stream.send(said)
    await stream.send_eof()
    while True:  # until it has gone: closed before that, what it has not read yet is lost
        await stream.receive()
