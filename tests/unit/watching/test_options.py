"""Promise C6: the caller's options reach every request that they apply to, unchanged."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.unit.watching.reading import drain, pod, take
from tests.unit.watching.scripted import (
    Asked,
    Pause,
    ScriptedSource,
    added,
    error,
    page,
    reply,
    reset,
)
from watchkit import Backoff, ListerWatcher, ListOptions, RetryWatcher
from watchkit.testing import CloseAtOnce, FakeCluster, Gone, run_virtual

pytestmark = pytest.mark.anyio


async def everything_that_is_asked(options: ListOptions) -> list[Asked]:
    """Give the requests of a watcher that lists, resumes, is probed, expires and relists."""
    source = ScriptedSource(
        lists=[
            reply(page(10, token="t")),
            reply(page(10)),
            reply(page(20, token="u")),
            reply(page(20)),
        ],
        watches=[
            reply(added("a", 11)),
            reply(reset()),
            reply(Pause(1), added("b", 12), error(410)),
        ],
    )
    async with RetryWatcher(source, options) as watcher:
        await drain(watcher, 100)
    return source.asked


async def test_every_request_carries_the_options(cluster: FakeCluster) -> None:
    """RW-25: first, resumed, probing, relisting, every page; and timeoutSeconds every watch."""
    asked = await everything_that_is_asked(
        ListOptions(
            label_selector={"app": "web", "tier": "front"},
            field_selector="spec.nodeName=n1",
            shard_selector="shard-1",
            timeout_seconds=77,
            limit=33,
            extra={"newParam": "x", "pretty": True, "depth": 3},
        )
    )

    everywhere = {
        "labelSelector": "app=web,tier=front",
        "fieldSelector": "spec.nodeName=n1",
        "shardSelector": "shard-1",
        "newParam": "x",
        "pretty": "true",
        "depth": "3",
    }
    verbs = [each.verb for each in asked]
    assert {"list", "watch", "probe"} == set(verbs)
    assert verbs.count("list") == 4
    for each in asked:
        assert everywhere.items() <= each.query.items()
        assert each.query.get("timeoutSeconds") == ("77" if each.verb == "watch" else None)
        limit = {"list": "33", "probe": "1", "watch": None}[each.verb]
        assert each.query.get("limit") == limit
        bookmarks = "true" if each.verb == "watch" else None
        assert each.query.get("allowWatchBookmarks") == bookmarks
        assert ("resourceVersion" in each.query) == (each.verb == "watch")
        assert "resourceVersionMatch" not in each.query
        assert "sendInitialEvents" not in each.query


@pytest.mark.parametrize(
    ("chosen", "sent"),
    [
        ({}, "true"),
        ({"allow_watch_bookmarks": True}, "true"),
        ({"allow_watch_bookmarks": False}, "false"),
    ],
)
async def test_bookmarks_are_asked_for_unless_refused(chosen: dict[str, bool], sent: str) -> None:
    """Unset means true; False is sent as false, on every watch."""
    source = ScriptedSource(watches=[reply(added("a", 11)), reply(added("b", 12))])
    options = {"resource_version": "10", **chosen}
    async with RetryWatcher(source, options) as watcher:
        await take(watcher, 2)

    assert {each.query["allowWatchBookmarks"] for each in source.asked} == {sent}


async def test_the_version_is_for_the_first_watch_only() -> None:
    """Later watches ask after what was taken, whatever the caller began with."""
    source = ScriptedSource(watches=[reply(added("a", 11)), reply(added("b", 12))])
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        await take(watcher, 2)

    assert source.versions() == ["10", "11"]


async def test_a_callers_timeout_does_not_end_the_iterator(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """timeout_seconds bounds each watch, never the iteration."""
    async with RetryWatcher(pods, {"timeout_seconds": 5}) as watcher:
        await drain(watcher, 60)
        cluster.create(pod("a"))
        assert await take(watcher, 1) == ["+a"]

    watches = [each.query["timeoutSeconds"] for each in cluster.requests if each.verb == "watch"]
    assert len(watches) >= 11
    assert set(watches) == {"5"}


@pytest.mark.parametrize("seconds", [1, 2])
async def test_the_shortest_timeouts_are_no_short_ends(
    cluster: FakeCluster, pods: ListerWatcher, seconds: int
) -> None:
    """A watch that ends when it was asked to is a healthy one, however short."""
    async with RetryWatcher(pods, {"timeout_seconds": seconds}) as watcher:
        await drain(watcher, 60)
        assert watcher.health.failures == 0

    assert sum(each.verb == "list" for each in cluster.requests) == 1


async def test_a_selector_keeps_its_meaning_over_a_reconnect(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """S30: what leaves the watched set meanwhile is Deleted, what enters it is Added."""
    cluster.create(pod("a", app="web"))
    cluster.create(pod("b", app="db"))
    options = ListOptions(label_selector="app=web")
    async with RetryWatcher(pods, options, replay_existing=True) as watcher:
        assert await take(watcher, 1) == ["+a!"]
        cluster.inject(CloseAtOnce(), on="open")
        cluster.patch("v1", "pods", "shop/a", {"metadata": {"labels": {"app": "db"}}})
        cluster.patch("v1", "pods", "shop/b", {"metadata": {"labels": {"app": "web"}}})
        assert await drain(watcher, 60) == ["-a", "+b"]

        cluster.inject(Gone())
        cluster.inject(CloseAtOnce(), on="open")
        cluster.patch("v1", "pods", "shop/a", {"metadata": {"labels": {"app": "web"}}})
        cluster.patch("v1", "pods", "shop/b", {"metadata": {"labels": {"app": "db"}}})
        assert await drain(watcher, 60) == ["-b?", "+a?"]


REFUSED = {
    "replaying before a version": (
        {"resource_version": "7"},
        {"replay_existing": True},
        "exclude each other",
    ),
    "initial events before a version": (
        {
            "resource_version": "7",
            "send_initial_events": True,
            "resource_version_match": "NotOlderThan",
        },
        {},
        "exclude each other",
    ),
    "a version match on a watch": (
        {"resource_version": "7", "resource_version_match": "Exact"},
        {},
        "only with send_initial_events",
    ),
    "no initial events, said aloud": (
        {"send_initial_events": False, "resource_version_match": "NotOlderThan"},
        {},
        "leave it out",
    ),
    "initial events without bookmarks": (
        {
            "send_initial_events": True,
            "resource_version_match": "NotOlderThan",
            "allow_watch_bookmarks": False,
        },
        {},
        "must not be False",
    ),
    "another policy": ({}, {"on_expired": "ignore"}, "'relist' or 'raise'"),
    "no idle time": ({}, {"idle_timeout": 0}, "more than 0"),
    "a negative idle time": ({}, {"idle_timeout": -1}, "more than 0"),
    "an idle time that is no number": ({}, {"idle_timeout": float("nan")}, "more than 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_options_that_cannot_be_watched_with_are_refused(case: str) -> None:
    """At construction, with the reason."""
    options, keywords, why = REFUSED[case]

    with pytest.raises(ValueError, match=why):
        RetryWatcher(ScriptedSource(), options, **keywords)  # type: ignore[call-overload]


def test_a_mapping_of_other_names_is_refused() -> None:
    """A misspelled option is never ignored."""
    with pytest.raises(TypeError, match="lable_selector"):
        RetryWatcher(ScriptedSource(), {"lable_selector": "app=web"})


words = st.text("abcdefgh-.", min_size=1, max_size=12)


@pytest.mark.fault("F82")
@settings(max_examples=40, deadline=None)
@given(
    labels=st.none() | st.dictionaries(words, words, min_size=1, max_size=3),
    fields=st.none() | words,
    extra=st.dictionaries(words, words | st.booleans() | st.integers(0, 9), max_size=3),
    limit=st.none() | st.integers(2, 1000),
    timeout=st.none() | st.integers(5, 100),
)
def test_no_option_is_lost_on_the_way(
    labels: dict[str, str] | None,
    fields: str | None,
    extra: dict[str, str | bool | int],
    limit: int | None,
    timeout: int | None,
) -> None:
    """Whatever the options: requests of one kind differ in version and token only."""
    options = ListOptions(
        label_selector=labels,
        field_selector=fields,
        extra=extra,
        limit=limit,
        timeout_seconds=timeout,
    )
    with capture_logs():
        asked = run_virtual(everything_that_is_asked, options)

    moving = {"resourceVersion", "continue", "timeoutSeconds"}
    for verb in ("list", "watch", "probe"):
        queries = [dict(each.query) for each in asked if each.verb == verb]
        still = [{name: q[name] for name in q.keys() - moving} for q in queries]
        assert all(each == still[0] for each in still)
        assert still[0].keys() >= extra.keys()
        assert ("labelSelector" in still[0]) == bool(labels)
        assert still[0].get("fieldSelector") == fields


def test_the_default_back_off_is_the_documented_one() -> None:
    """0.8 s doubling to 30 s, full jitter."""
    assert Backoff() == Backoff(initial=0.8, factor=2.0, cap=30.0, jitter="full")
