"""What the demo does to the server: troubles as values, and their order from a seed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final, TypeAlias

from watchkit.testing import (
    BadJson,
    BadPage,
    CloseAtOnce,
    Compact,
    Disconnect,
    ErrorEvent,
    EtcdLeaderChanged,
    ExpireToken,
    Fault,
    Forbid,
    Frames,
    Gone,
    GzipMembers,
    RepeatedEvents,
    Restore,
    Stall,
    Throttle,
    TooLargeVersion,
    TornLine,
    Unavailable,
)
from watchkit.testing.fault import On


@dataclass(frozen=True, slots=True)
class Blow:
    """A fault, what it strikes (None: as the fault has it), how often (None: until taken back)."""

    fault: Fault
    on: On | None = None
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class Outage:
    """Nobody listens for so many seconds."""

    seconds: float


Step: TypeAlias = Blow | Outage


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that goes wrong, as a person would name it, and the steps that bring it about.

    `still`: nobody writes until it is over, as nobody can while a backup is put back.
    """

    name: str
    steps: tuple[Step, ...]
    still: bool = False


_CUT: Final = Blow(Disconnect(), "open")
"""Cuts the watch that is open, so that the next step meets a new request."""
_EXPIRED: Final = Blow(Gone(), "open")
"""Makes the informer list again, so that the next step meets a list."""

FAMOUS: Final = (
    Trouble("connection reset", (_CUT,)),
    Trouble("event torn in half", (Blow(TornLine(), "open"),)),
    Trouble("frozen connection, not a byte", (Blow(Stall(), "open"),)),
    Trouble("410 Gone, as an event", (_EXPIRED,)),
    Trouble("410 Gone, as a status", (_CUT, Blow(Gone("http"), "watch"))),
    Trouble("410 Gone, between two pages", (_EXPIRED, Blow(Gone("page"), "list"))),
    Trouble(
        "history compacted away",
        (_CUT, Blow(Unavailable(retry_after=None)), Blow(Compact(), "watch")),
    ),
    Trouble("429 throttled", (_CUT, Blow(Throttle(), "watch"))),
    Trouble(
        "503 unavailable, three times", (_CUT, Blow(Unavailable(retry_after=None), "watch", 3))
    ),
    Trouble("500 etcd leader changed", (_CUT, Blow(EtcdLeaderChanged(), "watch"))),
    Trouble("401 token expired", (_CUT, Blow(ExpireToken(), "watch"))),
    Trouble("API server down", (Outage(1.0),)),
    Trouble("store restored from a backup", (Blow(Restore(-500), "open"),), still=True),
)
"""What takes down other watches, as their bug trackers tell."""

FINER: Final = (
    Trouble("connection closed inside a chunk", (Blow(Disconnect(how="eof"), "open"),)),
    Trouble("broken chunk framing", (Blow(Disconnect(how="garbage"), "open"),)),
    Trouble("watch ended early by a proxy", (Blow(CloseAtOnce(), "open"),)),
    Trouble("half an event, then silence", (Blow(TornLine("stall"), "open"),)),
    Trouble("line that is no JSON", (Blow(BadJson(), "open"),)),
    Trouble("event of an unknown type", (Blow(Frames((b'{"type":"WHAT"}',)), "open"),)),
    Trouble("no answer to a request", (_CUT, Blow(Stall(at="head"), "watch"))),
    Trouble("pages that contradict each other", (_EXPIRED, Blow(BadPage("version"), "list"))),
    Trouble("504 too large resource version", (_EXPIRED, Blow(TooLargeVersion(), "list"))),
    Trouble("500 inside the stream", (Blow(ErrorEvent({"code": 500}), "open"),)),
    Trouble("403 for a moment", (_CUT, Blow(Forbid(), "watch"))),
    Trouble("gzip that nobody asked for", (_CUT, Blow(GzipMembers(), "watch"))),
    Trouble("events sent twice", (Blow(RepeatedEvents(5, 5), "open"),)),
)
"""What it takes a proxy, or bad luck, to see."""

CATALOGUE: Final = (*FAMOUS, *FINER)
"""Everything once; each is over when what was written after it is in the cache."""


def script(seed: int) -> Iterator[Trouble]:
    """Give troubles without end: the famous ones, shuffled, the finer ones, and all over again."""
    luck = Random(seed)  # noqa: S311 - a schedule, no secret
    while True:
        yield from luck.sample(FAMOUS, len(FAMOUS))
        yield from luck.sample(FINER, len(FINER))
