"""The body of an answer, read as it comes, every fault of it one of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Literal

import aiohttp

from watchkit.api.faults import FOREIGN, transport_error
from watchkit.core.errors import TransportError

LOOK_EVERY: Final = 2.0
"""Seconds between two looks at the transport while a reader waits."""


class Incoming:
    """Reads one answer's body. Nothing is started but a timer, and only while a reader waits.

    aiohttp closes the transport after broken chunk framing, but wakes no reader and sets no
    exception; so the transport is looked at while waiting.
    """

    __slots__ = ("_closed", "_content", "_doing", "_response", "_timer", "_waiting")

    def __init__(self, response: aiohttp.ClientResponse, doing: str) -> None:
        self._response = response
        self._content = response.content
        self._doing = doing
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._waiting = False

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The head of the answer."""
        return self._response.headers

    async def read(self) -> bytes:
        """Give what has come, waiting where nothing has; empty at the end of the body.

        What is there already is given without awaiting anything. Cancelled, it loses nothing.

        Raises:
            TransportError: the connection broke, or was closed here.

        """
        if self._closed:
            raise TransportError(f"{self._doing}: read after it was closed")
        try:
            return self._content.read_nowait() or await self._wait()
        except FOREIGN as error:
            fault = transport_error(error, self._doing)
        raise fault

    def take(self) -> bytes:
        """Give what has come, without waiting; empty where nothing has.

        Raises:
            TransportError: the connection broke, or was closed here.

        """
        if self._closed:
            raise TransportError(f"{self._doing}: read after it was closed")
        try:
            return self._content.read_nowait()
        except FOREIGN as error:
            fault = transport_error(error, self._doing)
        raise fault

    def hold(self) -> None:
        """Leave the connection alone, once all that came is taken: more waits in the kernel."""
        self._steer("pause_reading")

    def go_on(self) -> None:
        """Let the connection be read again."""
        self._steer("resume_reading")

    def close(self) -> None:
        """Hang up at once: the connection is gone and its pool slot free when this returns.

        A TLS connection is aborted, not shut down: saying goodbye would wait for the peer. An
        answer that was read to its end has given its connection back already.
        """
        if self._closed:
            return
        self._closed = True
        self._rest()
        connection = self._response.connection
        transport = None if connection is None else connection.transport
        self._response.close()
        if transport is not None:
            transport.abort()

    def _steer(self, what: Literal["pause_reading", "resume_reading"]) -> None:
        connection = self._response.connection
        transport = None if connection is None else connection.transport
        if transport is not None and not transport.is_closing():
            with suppress(AttributeError, NotImplementedError, RuntimeError):  # cannot be steered
                getattr(transport, what)()

    async def _wait(self) -> bytes:
        if self._content.at_eof():
            return b""
        self._waiting = True
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)
        try:
            chunk = await self._content.readany()
        except FOREIGN:
            self._rest()
            raise
        finally:
            self._waiting = False
        if not chunk:
            self._rest()
        return chunk

    def _look(self) -> None:
        """Wake the reader if the transport has died without a word; else look again later."""
        self._timer = None
        if not self._waiting:
            return  # the next wait begins to look again: no timer per read, none while idle
        if self._lost():
            self._content.set_exception(TransportError(f"{self._doing}: the answer broke off"))
            return
        self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)

    def _lost(self) -> bool:
        connection = self._response.connection
        if connection is None or self._content.exception() is not None:
            return False
        transport = connection.transport
        return transport is None or transport.is_closing()

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
