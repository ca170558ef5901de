"""Faults of HTTP x {list, watch, write}, on sockets of loopback: each cell ends as it must.

A watch tells every event once, or, where the server has forgotten, what they amount to; a cache is
what the server has; a write is done once, or the error that is raised says how it stands.
"""

import gzip
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pytest

from tests.simulation.cells import (
    MAX_FRAME,
    PATIENT,
    QUICK,
    Strike,
    Written,
    bounded,
    client_of,
    list_through,
    populated,
    watch_through,
    write_through,
)
from watchkit import AmbiguousWrite, ApiError, InvalidRequest, WatchkitError
from watchkit import testing as fakes

pytestmark = pytest.mark.anyio
fault = pytest.mark.fault

JSON: Final = {"Content-Type": "application/json"}
HTML: Final = {"Content-Type": "text/html"}
GZIP: Final = {**JSON, "Content-Encoding": "gzip"}
STATUS: Final = b'{"kind":"Status","apiVersion":"v1","status":"Failure","code":%d,"reason":"%s"}\n'
PAGE: Final = b'{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"9"}}\n'
MIB: Final = gzip.compress(bytes(1 << 20))
"""A MiB of nothing, in a kilobyte; as often as it comes one behind another, it is one gzip."""

OVER_THE_CAP: Final = 65
"""MiB of a page: one more than watchkit takes."""

Watch = Literal["once", "net"]


@dataclass(frozen=True)
class Row:
    """A fault, and how each verb ends under it; None: it means nothing there."""

    fault: fakes.Fault
    marks: pytest.MarkDecorator
    list: Literal["equal"] | type[WatchkitError] | None = None
    watch: Watch | type[WatchkitError] | None = None
    create: Written | None = None
    replace: Written | None = None
    times: int = 1
    idle: float = PATIENT
    initial: Literal["list", "stream"] = "list"

    @property
    def strike(self) -> Strike:
        """What is injected for one cell."""
        return Strike(self.fault, self.times, self.idle)


DONE = Written()
DOUBT = Written(AmbiguousWrite)
UNDONE_DOUBT = Written(AmbiguousWrite, 0)
CONFLICT = Written(409)
"""A write that names the version before it: the answer got lost, the second try finds it done."""


def answer(status: int, body: bytes = b"", headers: Mapping[str, str] = JSON) -> fakes.Answer:
    """Give a scripted answer."""
    return fakes.Answer(status, headers, body)


def refusal(status: int, reason: str = "") -> fakes.Answer:
    """Give a scripted Status."""
    return fakes.Answer(status, JSON, STATUS % (status, reason.encode()))


def frame(line: bytes) -> fakes.Frames:
    """Give a fault that is one odd line among the events."""
    return fakes.Frames((line,), after_events=2)


def no(status: int) -> Written:
    """Give what a write comes to that is refused for good."""
    return Written(status, 0)


ROWS = {
    # connections and answers that break
    "cut": Row(fakes.Refuse(), fault("F01"), "equal", "once", UNDONE_DOUBT, DONE),
    "reset for an answer": Row(
        fakes.Disconnect(at="head"), fault("F25"), "equal", "once", DOUBT, CONFLICT
    ),
    "reset at once": Row(fakes.Disconnect(), fault("F25"), "equal", "once", DOUBT, CONFLICT),
    "reset": Row(fakes.Disconnect(2), fault("F25"), None, "once"),
    "reset, again and again": Row(fakes.Disconnect(1), fault("F25"), None, "once", times=5),
    "EOF in a chunk": Row(
        fakes.Disconnect(0, "eof"), fault("F25"), "equal", "once", DOUBT, CONFLICT
    ),
    "EOF in a chunk, later": Row(fakes.Disconnect(2, "eof"), fault("F25"), None, "once"),
    "garbage chunk": Row(
        fakes.Disconnect(0, "garbage"), fault("F27"), "equal", "once", DOUBT, CONFLICT
    ),
    "garbage chunk, later": Row(fakes.Disconnect(2, "garbage"), fault("F27"), None, "once"),
    "endless header": Row(
        answer(200, PAGE, {"X-Long": "x" * 100_000}),
        fault("F27", "F92"),
        "equal",
        "once",
        UNDONE_DOUBT,
        DONE,
    ),
    "clean close": Row(fakes.CloseAtOnce(2), fault("F24"), None, "once"),
    "clean close, three at once": Row(fakes.CloseAtOnce(), fault("F24"), None, "net", times=3),
    # silence
    "silence for an answer": Row(
        fakes.Stall(at="head"), fault("F22"), "equal", "once", DOUBT, CONFLICT, idle=QUICK
    ),
    "silence at once": Row(
        fakes.Stall(), fault("F20"), "equal", "once", DOUBT, CONFLICT, idle=QUICK
    ),
    "silence": Row(fakes.Stall(after_events=2), fault("F20"), None, "once", idle=QUICK),
    "half a line, then silence": Row(
        fakes.TornLine("stall", 2), fault("F20", "F23"), None, "once", idle=QUICK
    ),
    "drip": Row(fakes.SlowDrip(1e-4, 3), fault("F33"), "equal", "once", DONE, DONE),
    "drip slower than patience": Row(fakes.SlowDrip(0.2), fault("F23"), None, "once", idle=QUICK),
    # bodies
    "half a line, clean end": Row(fakes.TornLine("end", 2), fault("F26"), None, "once"),
    "half a line, reset": Row(fakes.TornLine("reset", 2), fault("F26"), None, "once"),
    "half a line, EOF": Row(fakes.TornLine("eof", 2), fault("F26"), None, "once"),
    "gzip members": Row(fakes.GzipMembers(), fault("F28", "F29"), "equal", "once", DONE, DONE),
    "gzip cut off": Row(
        answer(200, gzip.compress(PAGE)[:-12], GZIP), fault("F28"), "equal", "once"
    ),
    "gzip that is none": Row(
        answer(200, PAGE, GZIP), fault("F29"), "equal", "once", UNDONE_DOUBT, DONE
    ),
    "another encoding": Row(
        answer(200, PAGE, {**JSON, "Content-Encoding": "br"}), fault("F29"), "equal", "once"
    ),
    "page over the cap": Row(answer(200, MIB * OVER_THE_CAP, GZIP), fault("F90"), "equal"),
    "gzip bomb in a refusal": Row(
        answer(503, MIB * 300, GZIP), fault("F90"), "equal", "once", no(503), DONE
    ),
    "no JSON": Row(fakes.BadJson(2), fault("F51"), "equal", "once"),
    "nothing": Row(answer(200), fault("F24", "F58"), "equal", "once"),
    # lines
    "line over the cap": Row(frame(b"x" * (MAX_FRAME + 1)), fault("F30", "F91"), None, "once"),
    "line without end": Row(answer(200, b"x" * (MAX_FRAME + 1)), fault("F30", "F91"), None, "once"),
    "blank lines": Row(frame(b"\r\n\n \r"), fault("F31"), None, "once"),
    "byte order mark": Row(frame(b"\xef\xbb\xbf{}"), fault("F31"), None, "once"),
    "UTF-16": Row(frame('{"type":"ADDED"}'.encode("utf-16")), fault("F31"), None, "once"),
    "no UTF-8": Row(
        frame(b'{"type":"ADDED","object":{"metadata":{"name":"\xff"}}}'), fault("F32"), None, "once"
    ),
    "unknown type": Row(
        frame(b'{"type":"SNAFU","object":{"metadata":{}}}'), fault("F36"), None, "once"
    ),
    "unknown type, over and over": Row(
        fakes.Frames((b'{"type":"SNAFU","object":{"metadata":{}}}',)),
        fault("F36"),
        None,
        "net",
        times=3,
    ),
    "no metadata": Row(
        frame(b'{"type":"ADDED","object":{"kind":"ConfigMap"}}'), fault("F40"), None, "once"
    ),
    "Table": Row(
        frame(b'{"type":"ADDED","object":{"kind":"Table","rows":[]}}'), fault("F50"), None, "once"
    ),
    "deep nesting": Row(
        frame(b'{"type":"ADDED","object":' + b"[" * 9000 + b"]" * 9000 + b"}"),
        fault("F51"),
        None,
        "once",
    ),
    "events twice": Row(fakes.RepeatedEvents(2, 2), fault("F41", "F42"), None, "once"),
    "no bookmarks": Row(fakes.NoBookmarks(), fault("F47"), None, "once"),
    "no end of the initial events": Row(
        fakes.NoInitialEventsEnd(), fault("F48"), "equal", initial="stream"
    ),
    # refusals
    "502, HTML": Row(answer(502, b"<html>", HTML), fault("F11"), "equal", "once", no(502), DONE),
    "500": Row(refusal(500, "InternalError"), fault("F11"), "equal", "once", no(500), DONE),
    "503": Row(fakes.Unavailable(retry_after=None), fault("F11"), "equal", "once", no(503), DONE),
    "503, Retry-After": Row(
        fakes.Unavailable(retry_after=1), fault("F10"), "equal", "once", DONE, DONE
    ),
    "504": Row(refusal(504, "Timeout"), fault("F11"), "equal", "once", no(504), DONE),
    "429": Row(fakes.Throttle(1), fault("F10"), "equal", "once", DONE, DONE),
    "HTML with 200": Row(answer(200, b"<html>", HTML), fault("F11"), "equal", "once"),
    "Status with 200": Row(
        answer(200, STATUS % (500, b"InternalError")), fault("F12"), "equal", "once"
    ),
    "Status with 200, over and over": Row(
        answer(200, STATUS % (500, b"InternalError")), fault("F12", "F39"), None, "net", times=5
    ),
    "redirect": Row(fakes.Redirect(), fault("F13"), ApiError, ApiError, no(307), no(307)),
    "401": Row(fakes.ExpireToken(), fault("F05"), "equal", "once", no(401), no(401)),
    "403": Row(fakes.Forbid(), fault("F07"), "equal", "once", no(403), no(403)),
    "404": Row(refusal(404, "NotFound"), fault("F08"), "equal", "once", no(404), no(404)),
    "400": Row(
        refusal(400, "BadRequest"), fault("F09"), InvalidRequest, InvalidRequest, no(400), no(400)
    ),
    "422": Row(
        refusal(422, "Invalid"), fault("F09"), InvalidRequest, InvalidRequest, no(422), no(422)
    ),
    "etcd changes its leader": Row(
        fakes.EtcdLeaderChanged(), fault("F60"), "equal", "once", DONE, DONE
    ),
    "etcd is late": Row(fakes.EtcdTimeout(), fault("F60"), "equal", "once", Written(500), CONFLICT),
    # versions
    "410": Row(fakes.Gone("http"), fault("F38"), None, "net"),
    "410, event": Row(fakes.Gone("event"), fault("F38"), None, "net"),
    "410, page": Row(fakes.Gone("page"), fault("F56"), "equal"),
    "410, page, over and over": Row(fakes.Gone("page"), fault("F56"), "equal", times=3),
    "compacted": Row(fakes.Compact(), fault("F38", "F43"), "equal", "net"),
    "too large a version": Row(fakes.TooLargeVersion(), fault("F54"), "equal"),
    "error event": Row(fakes.ErrorEvent({"code": 500}, 2), fault("F39"), None, "once"),
    "error event of nothing": Row(fakes.ErrorEvent({}, 2), fault("F39"), None, "once"),
    "replica that lags": Row(fakes.LagReplica(3), fault("F53"), None, "once"),
    "page that names itself": Row(fakes.BadPage("token"), fault("F57"), "equal"),
    "page of another version": Row(fakes.BadPage("version"), fault("F57"), "equal"),
    "page with a key twice": Row(fakes.BadPage("key"), fault("F57"), "equal"),
}

NOT_HERE: Final = {
    fakes.LostEvents: "nothing on the wire tells: only an audit finds them",
    fakes.Restore: "it strikes the store: see the simulation, and the tests of probes",
}
"""The faults of watchkit.testing that are no row, and why."""


def cells(verb: str) -> list[Any]:
    """Give the rows that mean something for this verb, in the clear and over TLS.

    What waits for time to pass is tried once.
    """
    return [
        pytest.param(row, face, marks=row.marks, id=f"{name}, {face}")
        for name, row in ROWS.items()
        for face in (("http", "https") if row.idle == PATIENT else ("http",))
        if getattr(row, verb) is not None
    ]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run on asyncio: aiohttp has no trio."""
    return "asyncio"


@pytest.mark.parametrize(("row", "face"), cells("list"))
async def test_a_cache_is_what_the_server_has(row: Row, face: str, tmp_path: Path) -> None:
    """In the end; what time does not heal is raised."""
    cluster = populated()
    async with bounded(), client_of(cluster, tmp_path, face) as api:
        with raising(row.list):
            await list_through(api, cluster, row.strike, row.initial)


@pytest.mark.parametrize(("row", "face"), cells("watch"))
async def test_every_event_comes_once(row: Row, face: str, tmp_path: Path) -> None:
    """In order, or, where the server has forgotten some, what they amount to."""
    cluster = populated()
    async with bounded(), client_of(cluster, tmp_path, face) as api:
        with raising(row.watch):
            await watch_through(api, cluster, row.strike, net=row.watch == "net")


@pytest.mark.parametrize(("row", "face"), cells("create"))
async def test_an_object_is_created_once(row: Row, face: str, tmp_path: Path) -> None:
    """Nothing guards it: it is not sent again where it may have been done."""
    assert row.create is not None
    cluster = populated()
    async with bounded(), client_of(cluster, tmp_path, face, read_timeout=2 * row.idle) as api:
        await write_through(api, cluster, row.strike, "create", row.create)


@pytest.mark.parametrize(("row", "face"), cells("replace"))
async def test_an_object_is_replaced_once(row: Row, face: str, tmp_path: Path) -> None:
    """Its version guards it: sent again, it is refused where it was done."""
    assert row.replace is not None
    cluster = populated()
    async with bounded(), client_of(cluster, tmp_path, face, read_timeout=2 * row.idle) as api:
        await write_through(api, cluster, row.strike, "update", row.replace)


def test_every_fault_of_the_fakes_is_here() -> None:
    """Or the reason is said."""
    public = (getattr(fakes, name) for name in fakes.__all__)
    faults = {each for each in public if isinstance(each, type) and issubclass(each, fakes.Fault)}

    assert {type(row.fault) for row in ROWS.values()} | NOT_HERE.keys() == faults - {fakes.Fault}


def raising(ending: str | type[WatchkitError] | None) -> AbstractContextManager[object]:
    """Expect the error that a cell ends with, if it does."""
    return pytest.raises(ending) if isinstance(ending, type) else nullcontext()
