"""The script that informers are driven through: trouble after trouble, under churn.

After each trouble the writers stop, the server is listed, and each informer has to become that
list, its cache and its handler both.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import anyio

from .harness import ControlPlane, RecordedRequest
from .pods import Churn, listed
from .sides import Side
from .told import Held, View, digest
from .troubles import Trouble

PATIENCE: Final = 120.0  # seconds to converge; client-go backs off for up to 60 s
STILL: Final = 0.5  # seconds without a call of the handler: what the trouble caused is over


@dataclass(frozen=True)
class Toll:
    """What one trouble cost one informer, until it was still again.

    `seconds` is the time from the last write of all until the handler had been told the server's
    list, `counts` what `View.counts` grew by, `lists` how many requests `begins_a_list` counts.
    """

    seconds: float
    counts: Counter[str]
    lists: int
    requests: int


@dataclass(frozen=True)
class Outcome:
    """What one trouble came to: the objects left, and each informer's toll, in their order."""

    trouble: str
    objects: int
    tolls: tuple[Toll, ...]


@dataclass(frozen=True)
class _Reading:
    """What a side's counters and its proxy's said at one moment."""

    counts: Counter[str]
    requests: int


async def play(
    plane: ControlPlane,
    sides: Sequence[Side],
    churn: Churn,
    troubles: Sequence[Trouble],
    *,
    writes: int,
    calm: float = 0.0,
) -> list[Outcome]:
    """Wait for the first list, then bring each trouble in turn, under writes as long as it lasts.

    There are that many `writes` at least, and one more when all is over, from which on
    `Toll.seconds` count. Between that and the next trouble, nothing happens for `calm` seconds.

    Raises:
        AssertionError: an informer did not become the list, or its handler was told what
            contradicts itself.
    """
    nothing = [_Reading(Counter(), 0)] * len(sides)
    outcomes = [await _judged("first list", plane, sides, nothing, time.monotonic())]
    for number, trouble in enumerate(troubles):
        before = [_reading(side, await side.ask("counters")) for side in sides]
        await anyio.sleep(calm)
        over = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(churn.write, writes, over)
            await trouble.act(plane, [side.proxy for side in sides])
            over.set()
        await churn.end(number)
        outcomes.append(await _judged(trouble.name, plane, sides, before, time.monotonic()))
    return outcomes


async def _judged(
    name: str,
    plane: ControlPlane,
    sides: Sequence[Side],
    before: Sequence[_Reading],
    ended: float,
) -> Outcome:
    """Nobody writes: see each informer become what the server lists, and add up what it cost."""
    expected = await listed(plane)
    views = [await _converged(side, expected) for side in sides]
    tolls: list[Toll] = []
    for side, (view, at), was in zip(sides, views, before, strict=True):
        assert not view.wrong, f"{side.name} after {name}: {view.wrong[:5]}"
        assert view.cache == expected, f"{side.name} after {name}: the cache is not the list"
        assert view.held == expected, f"{side.name} after {name}: the handler has not the list"
        tolls.append(_toll(side, was, await _still(side), max(0.0, at - ended)))
    return Outcome(name, len(expected), tuple(tolls))


async def _converged(side: Side, expected: Held) -> tuple[View, float]:
    """Wait until the handler has what is expected; the last view, and when that came about."""
    wanted = digest(expected)
    with anyio.move_on_after(PATIENCE):
        while (await side.ask("counters")).digest != wanted:
            await anyio.sleep(0.1)
    view = await side.ask("snapshot")
    return view, time.monotonic() - view.idle


async def _still(side: Side) -> View:
    """Wait until the handler is not called any more: replays of unchanged objects go on later."""
    view = await side.ask("counters")
    while True:
        await anyio.sleep(STILL)
        before, view = view, await side.ask("counters")
        if view.counts == before.counts:
            return view


def _reading(side: Side, view: View) -> _Reading:
    return _Reading(view.counts, len(side.proxy.requests))


def _toll(side: Side, was: _Reading, view: View, seconds: float) -> Toll:
    sent = side.proxy.requests[was.requests :]
    return Toll(
        seconds=seconds,
        counts=view.counts - was.counts,
        lists=sum(map(begins_a_list, sent)),
        requests=len(sent),
    )


def begins_a_list(request: RecordedRequest) -> bool:
    """Whether the server answered it with all that there is, or the first page of that.

    A probe (limit=1) is none, and a watch is one that asks for the present objects first.
    """
    if request.status != 200:
        return False
    if request.is_watch:
        return request.query.get("sendInitialEvents") == "true"
    pages = request.query.get("limit") != "1" and "continue" not in request.query
    return request.is_list and pages
