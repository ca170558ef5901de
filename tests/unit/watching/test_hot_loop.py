"""No hot loop: whatever the server does, the requests stay inside promise C7's envelope."""

import itertools

import anyio
import pytest

from tests.unit.watching.envelope import is_probe, starts, worst_excess
from tests.unit.watching.reading import drain, pod
from watchkit import Backoff, RetryWatcher
from watchkit.testing import (
    Answer,
    BadJson,
    CloseAtOnce,
    Disconnect,
    ErrorEvent,
    FakeCluster,
    Fault,
    Forbid,
    Gone,
    Refuse,
    Throttle,
    TornLine,
    Unavailable,
)
from watchkit.testing.fault import On

pytestmark = pytest.mark.anyio

HOUR = 3600.0
TEN_MINUTES = 600.0
THREE_MINUTES = 180.0

UNAUTHORIZED = Answer(401, body=b'{"kind":"Status","code":401,"reason":"Unauthorized"}')
EXPIRED_PAGE = Answer(410, body=b'{"kind":"Status","code":410,"reason":"Expired"}')
BLANK_LINES = Answer(200, body=b"\n\r\n\n")

FAULTS: dict[str, tuple[Fault, On]] = {
    "clean close at once": (CloseAtOnce(), "watch"),
    "nothing but blank lines": (BLANK_LINES, "watch"),
    "410 ping-pong, as an event": (Gone(via="event"), "watch"),
    "410 ping-pong, as a status": (Gone(via="http"), "watch"),
    "410 on every list": (EXPIRED_PAGE, "list"),
    "failing list": (Unavailable(), "list"),
    "list that is no JSON": (BadJson(), "list"),
    "HTML instead of a list": (Answer(200, body=b"<html>"), "list"),
    "503": (Unavailable(), "watch"),
    "503 to everything": (Unavailable(), "any"),
    "429": (Throttle(retry_after=1), "any"),
    "refused connection": (Refuse(), "any"),
    "reset at once": (Disconnect(), "watch"),
    "ERROR events": (ErrorEvent({"kind": "Status", "code": 500}), "watch"),
    "ERROR events without fields": (ErrorEvent({}), "watch"),
    "a Status instead of a stream": (Answer(200, body=b'{"kind":"Status","code":500}\n'), "watch"),
    "401": (UNAUTHORIZED, "watch"),
    "401 to everything": (UNAUTHORIZED, "any"),
    "403": (Forbid(), "watch"),
    "404": (Answer(404, body=b"404 page not found\n"), "any"),
}
BACKOFFS = {
    "no jitter": (Backoff(jitter="none"), 0.0),
    "equal jitter": (Backoff(jitter="equal"), 0.0),  # with no luck it waits least
    "quick": (Backoff(0.05, 3.0, 2.0, jitter="none"), 0.0),
}
each_backoff = pytest.mark.parametrize(  # on one backend: it is reckoned with, whoever sleeps
    ("clock", "backoff"),
    [("asyncio", "no jitter"), ("trio", "equal jitter"), ("asyncio", "quick")],
    indirect=["clock"],
)


def check(cluster: FakeCluster, backoff: Backoff, luck: float) -> None:
    """Hold every window of the requests that came to the envelope."""
    times = starts(cluster.requests)
    excess, where = worst_excess(times, backoff, luck)
    probes = sum(is_probe(each) for each in cluster.requests)
    watches = sum(each.verb == "watch" for each in cluster.requests)
    assert excess <= 0, f"{excess:.2f} too many: {where}"
    assert probes <= watches
    assert len(times) > 5, "the watcher does try again"


@pytest.mark.fault("F01", "F24", "F59")
@each_backoff
@pytest.mark.parametrize("fault", FAULTS)
async def test_an_endless_fault_makes_no_hot_loop(
    cluster: FakeCluster, fault: str, backoff: str
) -> None:
    """One hour of one fault: no window of it holds more requests than C7 allows."""
    cluster.create(pod("a"))
    cluster.inject(FAULTS[fault][0], on=FAULTS[fault][1], times=None)
    policy, luck = BACKOFFS[backoff]
    hour = HOUR if policy.cap > 10 else TEN_MINUTES

    async with RetryWatcher(cluster.source("v1", "pods", "shop"), backoff=policy) as watcher:
        await drain(watcher, hour)

    check(cluster, policy, luck)


PROGRESS: dict[str, tuple[Fault, int]] = {
    "an event and a clean close": (CloseAtOnce(after_events=1), 1),
    "an event and a reset": (Disconnect(after_events=1), 1),
    "an event and half of the next": (TornLine(after_events=1), 2),
    "an event and bad JSON": (BadJson(after_events=1), 1),
    "an event and an ERROR": (ErrorEvent({"code": 500}, after_events=1), 1),
    "an event and a 410": (ErrorEvent({"code": 410}, after_events=1), 1),
    "an event and a 401": (ErrorEvent({"code": 401}, after_events=1), 1),
    "an event and a 429": (ErrorEvent({"code": 429}, after_events=1), 1),
}


@each_backoff
@pytest.mark.parametrize("case", PROGRESS)
async def test_a_little_progress_each_time_makes_no_hot_loop(
    cluster: FakeCluster, case: str, backoff: str
) -> None:
    """A watch that gives an event, which clears the attempts, and fails at once: C7 holds."""
    fault, events = PROGRESS[case]
    cluster.create(pod("a"))
    cluster.inject(fault, times=None)
    policy, luck = BACKOFFS[backoff]

    async def write() -> None:
        for number in itertools.count():
            cluster.patch("v1", "pods", "shop/a", {"spec": {"nodeName": f"n{number}"}})
            if number % events == 0:
                cluster.compact(cluster.version - 20)
                await anyio.sleep(0.2)

    watcher = RetryWatcher(cluster.source("v1", "pods", "shop"), backoff=policy)
    async with watcher, anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        await drain(watcher, THREE_MINUTES)
        tasks.cancel_scope.cancel()

    check(cluster, policy, luck)
