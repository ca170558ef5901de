"""Reads whole bodies: inflated here, never beyond a cap, never waiting longer than a bound."""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import Final

from anyio import move_on_after

from watchkit.api.faults import ERROR_CAP
from watchkit.api.incoming import Incoming
from watchkit.core.errors import IdleTimeout, PageTooLarge, TransportError

PAGE_CAP: Final = 64 * 1024 * 1024
"""Bytes of one list page, inflated: 128 times etcd's largest object, far above 500 usual ones."""

_GZIP: Final = 16 + zlib.MAX_WBITS


async def read_page(incoming: Incoming, *, raw: bool, idle_timeout: float, doing: str) -> bytes:
    """Read one list page to its end.

    `raw` says that nobody has undone the Content-Encoding yet (else aiohttp has).

    Raises:
        IdleTimeout: no byte came for `idle_timeout` seconds.
        TransportError: the body broke off, inside its gzip or out of it.
        PageTooLarge: the page is longer than PAGE_CAP, inflated.

    """
    encoding = _encoding(incoming)
    if encoding not in {"", "gzip"}:
        raise TransportError(f"{doing}: the answer is encoded in a way nobody asked for")
    collected = _Collected(PAGE_CAP)
    inflater = _Inflater() if raw and encoding else None
    while not collected.full:
        chunk = b""
        with move_on_after(idle_timeout) as scope:
            chunk = await incoming.read()
        if scope.cancelled_caught:
            raise IdleTimeout(f"{doing}: no byte of the list for {idle_timeout:g} s")
        if not chunk:
            _check_end(inflater, doing)
            return collected.value()
        _take(chunk, collected, inflater, doing)
    raise PageTooLarge(f"{doing}: the page is longer than {PAGE_CAP} bytes")


async def read_error(incoming: Incoming, *, raw: bool, timeout: float) -> bytes:
    """Read what a refusal says: at most ERROR_CAP bytes, at most `timeout` seconds, no error.

    The status is the answer; a body that breaks off, drips or makes no sense only adds less.
    """
    collected = _Collected(ERROR_CAP)
    inflater = _Inflater() if raw and _encoding(incoming) == "gzip" else None
    with move_on_after(timeout):
        try:
            while not collected.full and (chunk := await incoming.read()):
                _take(chunk, collected, inflater, "")
        except TransportError:
            pass
    return collected.value()


class _Collected:
    """Pieces up to a cap; what passes it is dropped and `full` says so."""

    def __init__(self, cap: int) -> None:
        self._pieces: list[bytes] = []
        self.room = cap
        self.full = False

    def add(self, piece: bytes) -> None:
        if len(piece) > self.room:
            piece = piece[: self.room]
            self.full = True
        self.room -= len(piece)
        self._pieces.append(piece)

    def value(self) -> bytes:
        return b"".join(self._pieces)


class _Inflater:
    """Undoes gzip, any number of members, never giving more than was asked for."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self.complete = False

    def into(self, collected: _Collected, chunk: bytes) -> None:
        while chunk and not collected.full:
            # One byte more than there is room for tells "too long" from "just so".
            collected.add(self._member.decompress(chunk, collected.room + 1))
            self.complete = self._member.eof
            if self.complete:
                chunk = self._member.unused_data
                self._member = zlib.decompressobj(_GZIP)
            else:
                chunk = self._member.unconsumed_tail


def _take(chunk: bytes, collected: _Collected, inflater: _Inflater | None, doing: str) -> None:
    if inflater is None:
        collected.add(chunk)
        return
    with suppress(zlib.error):
        inflater.into(collected, chunk)
        return
    raise TransportError(f"{doing}: the answer is no gzip, although it says so")


def _check_end(inflater: _Inflater | None, doing: str) -> None:
    if inflater is not None and not inflater.complete:
        raise TransportError(f"{doing}: the answer ended inside its gzip")


def _encoding(incoming: Incoming) -> str:
    """The Content-Encoding, "" for none; an empty or repeated identity counts as none."""
    said = incoming.headers.get("Content-Encoding", "").strip().lower()
    return "" if said == "identity" else said.removeprefix("x-")
