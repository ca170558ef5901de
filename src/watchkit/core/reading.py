"""From JSON to plain values: bounded in depth, and every fault is a ProtocolError.

The errors name the fault's class, never the bytes that have it: those may be a Secret's.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, TypeVar

import msgspec
from msgspec import Raw

from watchkit.core.errors import ProtocolError

T = TypeVar("T")

MAX_DEPTH: Final = 512
"""Nesting that is still parsed into values: deeper ones break what walks them recursively."""

BROKEN: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises over bytes that are not the JSON it was told to expect."""

_NO_BRACKET: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^{}\[\]"]++')


def parsed(decoder: msgspec.json.Decoder[T], raw: bytes | Raw) -> T:
    """Decode with a decoder made before; raise ProtocolError where the bytes do not fit."""
    try:
        return decoder.decode(raw)
    except BROKEN as error:
        raise malformed(error) from None


def section(raw: bytes | Raw, kind: type[T]) -> T | None:
    """Decode a part of an object that may be missing (no bytes) or null: None for both."""
    if not raw:
        return None
    try:
        return msgspec.json.decode(raw, type=kind | None)
    except BROKEN as error:
        raise malformed(error) from None


def value(raw: bytes | Raw) -> object:
    """Decode into plain values, nested at most `MAX_DEPTH` deep."""
    _check_depth(bytes(raw))
    try:
        return msgspec.json.decode(raw)
    except BROKEN as error:
        raise malformed(error) from None


def moment(text: str | None) -> datetime | None:
    """Read a timestamp as the API writes it (RFC 3339); None where there is none."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise malformed(error) from None


def malformed(error: Exception) -> ProtocolError:
    """Make the error of JSON that cannot be read."""
    msg = f"an object's JSON cannot be read ({type(error).__name__})"
    return ProtocolError(msg)


def _check_depth(raw: bytes) -> None:
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _NO_BRACKET.sub(b"", raw):
        depth += 1 if bracket in b"{[" else -1
        if depth > MAX_DEPTH:
            msg = f"an object's JSON is nested deeper than {MAX_DEPTH}"
            raise ProtocolError(msg)
