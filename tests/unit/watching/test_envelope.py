"""Promise C7 as a property: whatever a server does next, in any order, the envelope holds."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.unit.watching.envelope import worst_excess
from tests.unit.watching.reading import drain
from tests.unit.watching.scripted import (
    Pause,
    Reply,
    ScriptedSource,
    added,
    bookmark,
    error,
    page,
    refusal,
    reply,
    reset,
)
from watchkit import (
    Backoff,
    RetryWatcher,
    ServerUnavailable,
    TransportError,
    Unauthorized,
    WatchkitError,
)
from watchkit.testing import run_virtual

Answer = Callable[[int], Reply]
"""An answer by the version that it may use: they rise."""

WATCHES: dict[str, Answer] = {
    "event, close": lambda at: reply(added("a", at)),
    "event, reset": lambda at: reply(added("a", at), reset()),
    "event, 410": lambda at: reply(added("a", at), error(410)),
    "event, 401": lambda at: reply(added("a", at), error(401)),
    "event, 500": lambda at: reply(added("a", at), error(500)),
    "event, garbage": lambda at: reply(added("a", at), b"{\n"),
    "bookmark, close": lambda at: reply(bookmark(at)),
    "close": lambda _: reply(),
    "reset": lambda _: reply(reset()),
    "410": lambda _: reply(error(410)),
    "500": lambda _: reply(error(500)),
    "403": lambda _: reply(error(403)),
    "garbage": lambda _: reply(b"{\n"),
    "refused": lambda _: refusal(TransportError("refused", reached=False)),
    "503": lambda _: refusal(ServerUnavailable(503)),
    "401": lambda _: refusal(Unauthorized(401)),
    "a second of life": lambda _: reply(Pause(1)),
    "a quiet minute": lambda _: reply(Pause(60)),
    "silence": lambda _: reply(Pause()),
}
LISTS: dict[str, Answer] = {
    "list": lambda at: reply(page(at)),
    "no list": lambda _: reply(b"<html>"),
    "list of 503": lambda _: refusal(ServerUnavailable(503)),
    "list of 410": lambda _: reply(error(410)[25:]),
    "older list": lambda _: reply(page(2)),
}
BACKOFFS = (Backoff(), Backoff(0.05, 3.0, 2.0), Backoff(0.3, 1.0, 0.3), Backoff(5, 2, 60))


def endlessly(row: list[str], answers: dict[str, Answer]) -> Iterator[Reply]:
    """Give the answers of a row over and over, each with a newer version."""
    for number in itertools.count(10):
        yield answers[row[number % len(row)]](number)


@settings(max_examples=60, deadline=None)
@given(
    watches=st.lists(st.sampled_from(sorted(WATCHES)), min_size=1, max_size=8),
    lists=st.lists(st.sampled_from(sorted(LISTS)), min_size=1, max_size=4),
    backoff=st.sampled_from(BACKOFFS),
)
def test_no_row_of_answers_makes_a_hot_loop(
    watches: list[str], lists: list[str], backoff: Backoff
) -> None:
    """Any row of good and bad answers, over and over: no window passes the envelope."""
    exact = replace(backoff, jitter="none")

    async def follow() -> ScriptedSource:
        source = ScriptedSource(
            lists=itertools.islice(endlessly(lists, LISTS), 300),
            watches=itertools.islice(endlessly(watches, WATCHES), 300),
        )
        with anyio.move_on_after(200), capture_logs():
            async with RetryWatcher(source, backoff=exact) as watcher:
                while True:
                    with suppress(WatchkitError):  # raised as it should be: go on
                        await drain(watcher, 200)
        return source

    source = run_virtual(follow)

    starts = sorted(source.times("list") + source.times("watch"))
    excess, where = worst_excess(starts, exact, luck=0)
    assert excess <= 0, f"{excess:.2f} too many: {where}"
    assert len(source.times("probe")) <= len(source.times("watch"))
