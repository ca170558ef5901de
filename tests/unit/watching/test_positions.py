"""Where a consumer goes on: `event.resume_version`, `watcher.resource_version`, bookmarks."""

import anyio
import pytest

from tests.unit.watching.reading import drain, pod, started, take
from tests.unit.watching.scripted import (
    ScriptedSource,
    added,
    bookmark,
    deleted,
    modified,
    page,
    reply,
)
from watchkit import Added, ListerWatcher, ResourceExpired, RetryWatcher
from watchkit.testing import FakeCluster, Gone

pytestmark = pytest.mark.anyio


async def test_an_event_is_finished_when_the_consumer_comes_back(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """RW-24: the version moves when the next event is asked for, not when one is handed out."""
    cluster.create(pod("a"))
    cluster.create(pod("b"))
    async with RetryWatcher(pods, {"resource_version": "95"}) as watcher:
        assert watcher.resource_version == "95"

        first = await anext(watcher)
        assert (first.resume_version, watcher.resource_version) == ("96", "95")

        second = await anext(watcher)
        assert (second.resume_version, watcher.resource_version) == ("97", "96")

        assert await drain(watcher, 1) == []
        assert watcher.resource_version == "97"


async def test_nothing_is_known_before_the_first_list(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Without a version of the caller's it is None, then that of the first list."""
    cluster.create(pod("a"))
    async with RetryWatcher(pods) as watcher:
        assert watcher.resource_version is None

        await started(watcher)

        assert watcher.resource_version == str(cluster.version)


async def test_a_bookmark_moves_the_version_and_is_not_delivered() -> None:
    """RW-23: a bookmark is no event; the next watch asks after it."""
    source = ScriptedSource(watches=[reply(added("a", 11), bookmark(50)), reply()])
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await drain(watcher, 0.5) == ["+a"]
        assert watcher.resource_version == "50"

        await drain(watcher, 5)

    assert source.versions()[:2] == ["10", "50"]


async def test_a_bookmark_does_not_finish_the_event_before_it() -> None:
    """The event that the consumer still works on is not skipped by a bookmark that came with it."""
    source = ScriptedSource(watches=[reply(added("a", 11) + bookmark(50))])
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        await anext(watcher)

        assert watcher.resource_version == "10"


async def test_a_bookmark_never_turns_the_version_back() -> None:
    """A bookmark older than what was seen changes nothing."""
    source = ScriptedSource(watches=[reply(added("a", 60), bookmark(50)), reply()])
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        await drain(watcher, 5)
        assert watcher.resource_version == "60"

    assert source.versions()[:2] == ["10", "60"]


@pytest.mark.parametrize("version", ["", "0"])
async def test_a_bookmark_without_a_version_teaches_none(version: str) -> None:
    """No version, "" or "0" in a bookmark is a bad frame, never a place to resume from."""
    source = ScriptedSource(watches=[reply(bookmark(version)), reply(added("a", 11))])
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await take(watcher, 1) == ["+a"]

    assert source.versions() == ["10", "10"]


async def test_the_initial_replay_has_one_version_at_its_end(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Initial events carry no version but the last one, which carries the list's."""
    for name in ("a", "b", "c"):
        cluster.create(pod(name))

    async with RetryWatcher(pods, replay_existing=True) as watcher:
        events = [await anext(watcher) for _ in range(3)]
        assert watcher.resource_version is None

    assert [each.resume_version for each in events] == [None, None, "98"]
    assert all(isinstance(each, Added) and each.initial for each in events)
    assert [each.resource_version for each in events] == ["96", "97", "98"]


async def test_a_gap_has_one_version_at_its_end(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Inside a gap there is no version to save; the last event carries the list's."""
    cluster.create(pod("a"))
    async with RetryWatcher(pods, replay_existing=True) as watcher:
        assert await take(watcher, 1) == ["+a!"]
        cluster.inject(Gone(), times=1)
        cluster.inject(Gone(), on="open")
        cluster.delete("v1", "pods", "shop/a")
        cluster.create(pod("b"))
        cluster.create(pod("c"))
        events = [await anext(watcher) for _ in range(3)]
        assert [each.resume_version for each in events] == [None, None, "99"]
        assert watcher.resource_version == "96"

        await drain(watcher, 0.1)
        assert watcher.resource_version == "99"


async def test_a_gap_in_which_nothing_happened_moves_the_version() -> None:
    """An expired version is replaced by that of the list, though there is no event to say so."""
    expired = b'{"type":"ERROR","object":{"kind":"Status","code":410}}\n'
    source = ScriptedSource(watches=[reply(added("a", 11), expired)], last_list=reply(page(70)))
    source_of_nothing = ScriptedSource(watches=[reply(expired)], last_list=reply(page(70)))

    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await drain(watcher, 5) == ["+a", "-a?"]
        assert watcher.resource_version == "70"
    async with RetryWatcher(source_of_nothing, {"resource_version": "10"}) as watcher:
        assert await drain(watcher, 5) == []
        assert watcher.resource_version == "70"


async def test_after_an_expiry_that_is_raised_there_is_no_version(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """None: the version is worth nothing any more."""
    cluster.inject(Gone())
    async with RetryWatcher(pods, {"resource_version": "95"}, on_expired="raise") as watcher:
        with pytest.raises(ResourceExpired):
            await anext(watcher)

        assert watcher.resource_version is None


async def test_a_process_goes_on_where_another_stopped(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Saving `resume_version` after each event and starting from it again misses nothing."""
    saved = str(cluster.version)
    seen: list[str] = []
    for number in range(20):
        cluster.create(pod(f"p{number}"))

    while len(seen) < 20:
        async with RetryWatcher(pods, {"resource_version": saved}) as watcher:
            for _ in range(3 if len(seen) < 18 else 2):
                event = await anext(watcher)
                seen.append(event.name)
                saved = event.resume_version or saved

    assert seen == [f"p{number}" for number in range(20)]


async def test_a_deletion_carries_the_version_of_the_deletion() -> None:
    """A DELETED event's version is that of the deletion, and the one to resume from."""
    source = ScriptedSource(watches=[reply(added("a", 11), deleted("a", 12))])
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        await anext(watcher)
        event = await anext(watcher)

    assert (event.type, event.resume_version, event.resource_version) == ("DELETED", "12", "12")


async def test_opaque_versions_are_followed_as_they_come() -> None:
    """Versions that are no numbers are never compared: each one is the newest."""
    source = ScriptedSource(
        watches=[reply(added("a", "zz"), modified("a", "aa"), bookmark("mm")), reply()]
    )
    async with RetryWatcher(source, {"resource_version": "start"}) as watcher:
        assert await drain(watcher, 5) == ["+a", "~a"]
        assert watcher.resource_version == "mm"

    assert source.versions()[:2] == ["start", "mm"]


async def test_a_slow_consumer_is_resumed_after_what_it_took(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """A reconnect asks after the last version *taken*, which may be ahead of the finished one."""
    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        for number in range(5):
            cluster.create(pod(f"p{number}"))
        seen = await take(watcher, 1)
        await anyio.sleep(400)
        seen += await drain(watcher, 60)

    assert seen == [f"+p{number}" for number in range(5)]
    assert cluster.requests[-1].query["resourceVersion"] == "100"
