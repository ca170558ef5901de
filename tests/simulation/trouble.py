"""Every kind of fault that a schedule may hold, by name: how it is made, and what it shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import msgspec

from watchkit.testing import (
    Answer,
    ApiRequest,
    BadJson,
    BadPage,
    Case,
    CloseAtOnce,
    Disconnect,
    ErrorEvent,
    Fault,
    Forbid,
    Frames,
    Gone,
    LostEvents,
    NoBookmarks,
    NoInitialEventsEnd,
    Refuse,
    Stall,
    Throttle,
    TooLargeVersion,
    TornLine,
    Unavailable,
)
from watchkit.testing.fault import On, nth_line
from watchkit.testing.wire import Act, Bend, Send

_JSON: Final = {"Content-Type": "application/json"}
_HTML: Final = {"Content-Type": "text/html"}


@dataclass(frozen=True, slots=True)
class Twice(Fault):
    """An event that the server sends a second time, as no server should."""

    after_events: int = 0
    on: ClassVar[On] = "watch"

    def bend(self, case: Case) -> Bend:
        """Repeat it, save a deletion: of a key that it does not hold, a watcher cannot judge it."""

        def repeated(line: Send) -> Iterable[Act]:
            return [line] if b'"type":"DELETED"' in line.data else [line, line]

        return nth_line(self.after_events, repeated)


@dataclass(frozen=True, slots=True)
class TwinOnPage(Fault):
    """A page after the first on which an object is twice, in two states."""

    on: ClassVar[On] = "list"

    def strikes(self, request: ApiRequest) -> bool:
        """Only a page that goes on."""
        return "continue" in request.query

    def bend(self, case: Case) -> Bend:
        """Add the twin, where there is an object."""
        return lambda act: [self._bent(act)] if isinstance(act, Send) else [act]

    def _bent(self, act: Send) -> Send:
        page: dict[str, Any] = msgspec.json.decode(act.data)
        if page.get("items"):
            page["items"].append(_twin(page["items"][0]))
        return Send(msgspec.json.encode(page), act.content)


def _twin(item: dict[str, Any]) -> dict[str, Any]:
    """Give another state of an object, as of a page that was made at another time."""
    metadata = item["metadata"]
    version = str(int(metadata["resourceVersion"]) - 1)
    twin = {**metadata, "resourceVersion": version, "annotations": {"n": "twin"}}
    return {**item, "metadata": twin}


def _status(code: int, reason: str, message: str = "of the schedule") -> bytes:
    said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    return msgspec.json.encode({**said, "reason": reason, "message": message})


def _frames(*lines: bytes, then: Any = "go on") -> Callable[[int], Fault]:  # noqa: ANN401 - a Then
    return lambda n: Frames(lines, then=then, after_events=n)


def _answer(code: int, reason: str) -> Callable[[int], Fault]:
    return lambda _: Answer(code, _JSON, _status(code, reason))


_BOOKMARK: Final = (
    b'{"type":"BOOKMARK","object":{"kind":"Shop","metadata":{"resourceVersion":"%s"}}}'
)


_NO_JSON: Final = b'{"type":"ADDED","object":{'
_UNKNOWN: Final = b'{"type":"SNAFU","object":{"metadata":{}}}'
_NO_METADATA: Final = b'{"type":"ADDED","object":{"kind":"Shop"}}'

BAD: Final = frozenset({_NO_JSON, _UNKNOWN, _NO_METADATA, _BOOKMARK % b"0", _BOOKMARK % b""})
"""Frames that nobody can make anything of."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault: `make` takes after how many events; `row` is what of the design it hits.

    `fatal` faults make a request wrong for good: they are raised to the consumer. With `lossy`
    ones, the server is wrong and looks right: only an audit finds out.
    """

    make: Callable[[int], Fault]
    row: str
    on: On | None = None
    fatal: bool = False
    lossy: bool = False


KINDS: Final[Mapping[str, Kind]] = {
    "clean close": Kind(lambda n: CloseAtOnce(after_events=n), "life < 1 s"),
    "reset": Kind(lambda n: Disconnect(n, "reset"), "reset or EOF"),
    "eof": Kind(lambda n: Disconnect(n, "eof"), "reset or EOF"),
    "garbage": Kind(lambda n: Disconnect(n, "garbage"), "reset or EOF"),
    "torn line, clean end": Kind(lambda n: TornLine("end", n), "last line without its newline"),
    "torn line, reset": Kind(lambda n: TornLine("reset", n), "last line without its newline"),
    "torn line, silence": Kind(lambda n: TornLine("stall", n), "idle timeout"),
    "blank lines": Kind(_frames(b"", b"\r", b""), "blank lines"),
    "no JSON": Kind(BadJson, "bad frame", on="watch"),
    "unknown type": Kind(_frames(_UNKNOWN), "bad frame"),
    "no metadata": Kind(_frames(_NO_METADATA), "bad frame"),
    "silence": Kind(lambda n: Stall(math.inf, "body", n), "idle timeout", on="watch"),
    "silence before the head": Kind(lambda _: Stall(math.inf, "head"), "idle timeout"),
    "a pause": Kind(lambda n: Stall(40.0, "body", n), "slow server", on="watch"),
    "no bookmarks": Kind(lambda _: NoBookmarks(), "no bookmarks"),
    "no end of the initial events": Kind(lambda _: NoInitialEventsEnd(), "no end mark"),
    "refused": Kind(lambda _: Refuse(), "refused or 5xx"),
    "502, HTML": Kind(lambda _: Answer(502, _HTML, b"<html>bad gateway</html>"), "refused or 5xx"),
    "503": Kind(lambda _: Unavailable(retry_after=None), "refused or 5xx"),
    "500, leader changed": Kind(
        lambda _: Answer(500, _JSON, _status(500, "", "etcdserver: leader changed")),
        "refused or 5xx",
    ),
    "503, Retry-After": Kind(lambda _: Unavailable(retry_after=5), "Retry-After"),
    "429": Kind(lambda _: Throttle(3), "Retry-After"),
    "410, status": Kind(lambda _: Gone("http"), "410"),
    "410, event": Kind(lambda _: Gone("event"), "410"),
    "410, page": Kind(lambda _: Gone("page"), "410"),
    "too large version": Kind(lambda _: TooLargeVersion(), "too large version"),
    "too large version, watch": Kind(lambda _: TooLargeVersion(), "too large version", on="watch"),
    "401": Kind(_answer(401, "Unauthorized"), "401, 403, 404"),
    "403": Kind(lambda _: Forbid(), "401, 403, 404"),
    "404": Kind(_answer(404, "NotFound"), "401, 403, 404"),
    "400": Kind(_answer(400, "BadRequest"), "400, 405, 406, 422", fatal=True),
    "302": Kind(lambda _: Answer(302, {"Location": "/"}, b""), "3xx", fatal=True),
    "200 with a Status": Kind(
        lambda _: Answer(200, _JSON, _status(500, "InternalError") + b"\n"), "odd ERROR", on="watch"
    ),
    "ERROR without fields": Kind(lambda n: ErrorEvent({}, n), "odd ERROR"),
    "ERROR 500": Kind(lambda n: ErrorEvent({"kind": "Status", "code": 500}, n), "odd ERROR"),
    "ERROR of another kind": Kind(
        lambda n: ErrorEvent({"kind": "Shop", "metadata": {"name": "x"}}, n), "odd ERROR"
    ),
    "bookmark at 0": Kind(_frames(_BOOKMARK % b"0"), "versions that are none"),
    "bookmark at nothing": Kind(_frames(_BOOKMARK % b""), "versions that are none"),
    "an event twice": Kind(Twice, "stale events"),
    "an event lost": Kind(lambda n: LostEvents(1, n), "audit", on="watch", lossy=True),
    "page of another version": Kind(lambda _: BadPage("version"), "crooked pages"),
    "page with the same token": Kind(lambda _: BadPage("token"), "crooked pages"),
    "page with a duplicate": Kind(lambda _: TwinOnPage(), "crooked pages"),
    "no JSON in a list": Kind(lambda _: BadJson(), "bad list", on="list"),
}
"""The faults that strike one request. Compaction, restored stores and a resource that is served
no longer are the cluster's: see `schedule`."""

OPEN: Final = (
    "clean close", "reset", "eof", "garbage", "silence", "unknown type", "ERROR 500", "410, event",
    "bookmark at 0", "blank lines", "ERROR without fields", "a pause",
)  # fmt: skip
"""Those that may strike a watch which is open."""
