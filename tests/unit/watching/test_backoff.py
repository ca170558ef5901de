"""How long a watcher waits before its next request: what makes the waits grow, what ends that."""

import pytest
from structlog.typing import EventDict

from tests.unit.watching.reading import drain, gaps, take
from tests.unit.watching.scripted import (
    Pause,
    Reply,
    ScriptedSource,
    added,
    bookmark,
    error,
    modified,
    page,
    refusal,
    reply,
    reset,
)
from watchkit import (
    Backoff,
    Forbidden,
    NotFound,
    RetryWatcher,
    ServerUnavailable,
    TransportError,
    WatchkitError,
)

pytestmark = pytest.mark.anyio

EXACT = Backoff(jitter="none")
GROWING = [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30]

ENDLESS: dict[str, Reply] = {
    "refused": refusal(TransportError("refused", reached=False)),
    "503": refusal(ServerUnavailable(503)),
    "HTTP 200, then a reset": reply(reset()),
    "HTTP 200, then an old bookmark and a reset": reply(bookmark(10), reset()),
    "HTTP 200, then a stale event and a reset": reply(modified("a", 9), reset()),
}


@pytest.mark.parametrize("case", ENDLESS)
async def test_waits_grow_to_the_cap(case: str) -> None:
    """0.8 s doubling to 30 s: neither a 200 nor a frame that moves nothing is progress."""
    source = ScriptedSource(last_watch=ENDLESS[case])
    async with RetryWatcher(source, {"resource_version": "10"}, backoff=EXACT) as watcher:
        await drain(watcher, sum(GROWING) + 1)

    assert gaps(source.times("watch")) == pytest.approx(GROWING)
    assert source.times("list") == []


@pytest.mark.parametrize(
    "progress",
    [reply(added("a", 11), reset()), reply(bookmark(11), reset()), reply(Pause(1.5))],
    ids=["event", "bookmark", "a life of 1.5 s"],
)
async def test_progress_begins_the_waits_anew(progress: Reply) -> None:
    """The version moved, or a watch that lived a second and ended well."""
    refused = refusal(TransportError("refused"))
    source = ScriptedSource(watches=[refused] * 4 + [progress], last_watch=refused)
    async with RetryWatcher(source, {"resource_version": "10"}, backoff=EXACT) as watcher:
        await drain(watcher, 25)

    waited = gaps(source.times("watch"))
    assert waited[:4] == pytest.approx([0.8, 1.6, 3.2, 6.4])
    if progress.acts[0] == Pause(1.5):
        assert 1.5 <= waited[4] <= 1.76
        waited.pop(4)
    assert waited[4:6] == pytest.approx([0.8, 1.6])


async def test_a_life_of_a_second_that_broke_off_is_no_progress() -> None:
    """Only a clean end proves that the server was well."""
    source = ScriptedSource(last_watch=reply(Pause(5), reset()))
    async with RetryWatcher(source, {"resource_version": "10"}, backoff=EXACT) as watcher:
        await drain(watcher, 40)

    assert gaps(source.times("watch")) == pytest.approx([5.8, 6.6, 8.2, 11.4])


async def test_a_short_life_with_an_event_waits_the_first_time_over(logs: list[EventDict]) -> None:
    """It made progress, so it is no failure and the wait does not grow; but there is one."""
    lives = [reply(added(f"p{version}", version)) for version in range(11, 31)]
    source = ScriptedSource(watches=lives)
    async with RetryWatcher(source, {"resource_version": "10"}, backoff=EXACT) as watcher:
        assert len(await take(watcher, 20)) == 20

    waited = gaps(source.times("watch"))
    assert min(waited) >= 0.8 - 1e-6
    assert max(waited) <= 1.001
    assert {each["event"] for each in logs} == {"watch.opened", "watch.resumed"}


async def test_a_clean_end_after_a_second_is_followed_at_once() -> None:
    """After a small jitter, lest many watches come back at one instant."""
    source = ScriptedSource(last_watch=reply(Pause(10)))
    async with RetryWatcher(source, {"resource_version": "10"}, backoff=EXACT) as watcher:
        await drain(watcher, 1000)

    waited = gaps(source.times("watch"))
    assert min(waited) >= 10
    assert max(waited) <= 10.26
    assert len({round(each, 3) for each in waited}) > 50


async def test_a_life_counts_from_the_request_on() -> None:
    """A head that took its time was life, too: such an end is no quick one."""
    source = ScriptedSource(last_watch=reply(head=1.5))
    async with RetryWatcher(source, {"resource_version": "10"}, backoff=EXACT) as watcher:
        await drain(watcher, 60)

    assert max(gaps(source.times("watch"))) <= 1.76
    assert source.times("list") == []


@pytest.mark.parametrize("refused", [Forbidden(403), NotFound(404)])
@pytest.mark.parametrize("where", ["status", "event"])
async def test_what_only_others_can_heal_waits_at_the_cap(
    refused: WatchkitError, where: str
) -> None:
    """RW-10: 403 and 404, however they are said, are tried again every 30 s."""
    code = 403 if isinstance(refused, Forbidden) else 404
    answer = refusal(refused) if where == "status" else reply(error(code))
    source = ScriptedSource(watches=[answer] * 3 + [reply(added("a", 11))])
    async with RetryWatcher(source, {"resource_version": "10"}, backoff=EXACT) as watcher:
        assert await take(watcher, 1) == ["+a"]

    assert gaps(source.times("watch")) == pytest.approx([30, 30, 30])
    assert source.times("list") == []


@pytest.mark.parametrize("code", [429, 500, 503, 504])
async def test_an_error_event_may_ask_for_time(code: int) -> None:
    """What a Status in the stream says in retryAfterSeconds counts as the header does."""
    busy = error(code, details={"retryAfterSeconds": 9})
    source = ScriptedSource(watches=[reply(busy), reply(added("a", 11))])
    async with RetryWatcher(source, {"resource_version": "10"}, backoff=EXACT) as watcher:
        assert await take(watcher, 1) == ["+a"]

    assert source.times("watch") == [0, 9]


async def test_jitter_spreads_the_waits() -> None:
    """Full jitter by default: two watchers that failed together do not come back together."""
    firsts: set[float] = set()
    for _ in range(30):
        source = ScriptedSource(last_watch=refusal(TransportError("refused")))
        async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
            await drain(watcher, 1)
        firsts.add(round(gaps(source.times("watch"))[0], 2))

    assert max(firsts) <= 0.8
    assert len(firsts) > 10


async def test_a_backoff_is_the_callers_to_choose() -> None:
    """Policy is a value."""
    chosen = Backoff(initial=5, factor=3, cap=40, jitter="none")
    source = ScriptedSource(last_list=refusal(ServerUnavailable(503)))
    async with RetryWatcher(source, backoff=chosen) as watcher:
        await drain(watcher, 110)

    assert gaps(source.times("list")) == pytest.approx([5, 15, 40, 40])


async def test_a_broken_stream_is_never_read_again() -> None:
    """What has failed is hung up before anything else is done; `ScriptedStream` insists on it."""
    bad = [reset(), error(500), b"{\n", error(410)]
    source = ScriptedSource(
        watches=[reply(added("a", 11 + number), each) for number, each in enumerate(bad)],
        last_list=reply(page(50)),
    )
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        await drain(watcher, 60)
        assert [stream.closed for stream in source.streams] == [True] * 4 + [False]
