"""Events, markers and positions, as a consumer sees them."""

import asyncio

import pytest

from tests.unit.api.pushed import PATIENCE
from tests.unit.contracts.server import (
    added,
    bookmark,
    expired,
    following,
    line,
    listing,
    pod,
    refusal,
    stream,
    take,
    told,
)
from watchkit import Added, Deleted, Modified, Object, ResourceExpired

pytestmark = pytest.mark.anyio


async def test_markers_stand_around_a_replay_and_a_gap() -> None:
    """Synced after the replay, Relisted and Synced around the gap, Deleted before the rest."""
    lists = [listing(pod("x", 3)), listing(pod("c", 14), version=30)]
    watches = [
        stream(bookmark(12), added("c", 13) + expired(), then="end"),
        stream(added("d", 31)),
    ]
    options = {"allow_watch_bookmarks": True}
    async with following(lists, watches, options, replay_existing=True) as (_, pods):
        events = await take(pods.with_markers(), 9)

    assert [told(each) for each in events] == [
        *("ADDED x", "Synced 10", "Bookmark 12", "ADDED c"),
        *("Relisted 30", "DELETED x", "MODIFIED c", "Synced 30", "ADDED d"),
    ]
    about_objects = [each for each in events if isinstance(each, Added | Modified | Deleted)]
    resumes = [each.resume_version for each in about_objects]
    assert resumes == ["10", "13", None, "30", "31"]
    gone = events[5]
    assert isinstance(gone, Deleted)
    assert isinstance(gone.object, Object)
    seen = {"name": "x", "namespace": "shop", "uid": "u-x", "resourceVersion": "3"}
    assert gone.object.to_dict()["metadata"] == seen


async def test_the_position_is_that_of_the_last_finished_event() -> None:
    """An event counts when the consumer has come back; a bookmark behind it counts no sooner."""
    replay = [listing(pod("x", 3), pod("y", 4))]
    async with following(replay, [stream(added("c", 11) + bookmark(20))], replay_existing=True) as (
        server,
        pods,
    ):
        positions = [(await take(pods, 1), pods.resource_version)[1] for _ in range(3)]
        assert positions == [None, None, "10"]
        waiting = asyncio.ensure_future(take(pods, 1))  # noqa: TID251 - looked at meanwhile
        await server.until(lambda: pods.resource_version == "20")
        waiting.cancel()
        await asyncio.wait([waiting])


@pytest.mark.fault("F44")
async def test_another_uid_under_a_held_key_is_a_deletion_first() -> None:
    """C2: Deleted(held, inferred), then Added; nothing to store between them."""
    async with following([listing(pod("a", 9))], [stream(added("a", 12, "new"))]) as (_, pods):
        gone, come = await take(pods, 2)

    assert [told(gone), told(come)] == ["DELETED a", "ADDED a"]
    assert (gone.uid, gone.inferred, gone.resume_version) == ("u-a", True, None)  # type: ignore[union-attr]
    assert (come.uid, come.inferred, come.resume_version) == ("new", False, "12")  # type: ignore[union-attr]


@pytest.mark.fault("F41", "F42")
async def test_stale_events_are_dropped() -> None:
    """C4: at or before the version held, or the one asked for; deletions only before it."""
    sent = [
        *(added("a", 9), added("b", 10), line("DELETED", pod("a", 8))),
        *(line("DELETED", pod("q", 10)), line("MODIFIED", pod("a", 11))),
        *(line("MODIFIED", pod("a", 11)), line("DELETED", pod("a", 11)), added("e", 12)),
    ]
    async with following([listing(pod("a", 9))], [stream(*sent)]) as (_, pods):
        assert [told(each) for each in await take(pods, 3)] == [
            *("MODIFIED a", "DELETED a", "ADDED e"),
        ]


async def test_raise_gives_the_events_before_and_then_raises_for_ever() -> None:
    """`on_expired="raise"`: no event lost, no request more, the error says what was done."""
    watches = [stream(added("a", 11) + expired(), then="end")]
    async with following([listing()], watches, on_expired="raise") as (server, pods):
        assert [told(each) for each in await take(pods, 1)] == ["ADDED a"]
        for events in (pods, pods, pods.with_markers()):
            with pytest.raises(ResourceExpired, match=r"^watch pods in shop: 410 Expired"):
                await take(events, 1)
        assert pods.resource_version is None

    assert len(server.all) == 2


@pytest.mark.fault("F38")
@pytest.mark.parametrize("how", ["http", "event", "reason", "page"])
async def test_expiry_is_one_path_however_it_arrives(how: str) -> None:
    """The net effect of the gap, inferred; the expired version is not sent again."""
    gone = {"http": refusal(410), "page": stream(expired(), then="end")}
    gone["event"] = stream(line("ERROR", status_without_code()), then="end")
    gone["reason"] = gone["event"]
    lists = [listing(), listing(pod("b", 20), version=30)]
    if how == "page":
        lists[1:1] = [listing(pod("b", 12), version=15, token="t"), refusal(410)]
    watches = [stream(added("a", 11), then="reset"), gone[how], stream(added("z", 31))]
    async with following(lists, watches) as (server, pods):
        events = await take(pods, 4)

    assert [told(each) for each in events] == ["ADDED a", "DELETED a", "ADDED b", "ADDED z"]
    assert [each.inferred for each in events] == [False, True, True, False]  # type: ignore[union-attr]
    assert server.versions() == ["10", "11", "30"]


def status_without_code() -> object:
    """Say that it is gone by the reason alone."""
    return {"kind": "Status", "reason": "Gone", "message": "x"}


@pytest.mark.fault("F75")
async def test_cancelled_over_and_over_nothing_is_lost() -> None:
    """Every event once, whatever wait of the consumer's is cut short."""
    parts = [added(f"p{number}", 11 + number) for number in range(30)]
    names: list[str] = []
    async with following([listing()], [stream(*parts, gap=0.005)]) as (server, pods):
        names += [event.name for event in await take(pods, 1)]  # type: ignore[union-attr]
        async with asyncio.timeout(PATIENCE):
            while len(names) < 30:
                try:
                    async with asyncio.timeout(0.003):
                        async for event in pods:
                            names.append(event.name)
                except TimeoutError:
                    continue

    assert names == [f"p{number}" for number in range(30)]
    assert len(server.watched) == 1
