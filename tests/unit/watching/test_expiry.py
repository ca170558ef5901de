"""Expiry: whatever form a 410 takes, the net effect of the gap comes, once and in order."""

from typing import Any

import pytest
from structlog.typing import EventDict

from tests.unit.watching.reading import drain, gaps, pod, started, take
from tests.unit.watching.scripted import (
    ScriptedSource,
    added,
    error,
    manifest,
    modified,
    page,
    refusal,
    reply,
    reset,
)
from watchkit import (
    Backoff,
    Deleted,
    ListerWatcher,
    Object,
    ResourceExpired,
    RetryWatcher,
    ServerUnavailable,
)
from watchkit.testing import Disconnect, FakeCluster, Gone

pytestmark = pytest.mark.anyio

EXACT = Backoff(jitter="none")

FORMS: dict[str, tuple[bool, bytes]] = {
    "code 410": (False, error(410)),
    "reason Expired": (False, error(410, "Expired")),
    "reason Gone": (False, error(410, "Gone")),
    "reason Expired under another code": (False, error(500, "Expired")),
    "reason Expired without a code": (False, error(None, "Expired")),
    "HTTP status": (True, b""),
}


def expired(form: str) -> list[Any]:
    """Script one watch that says so in this form."""
    is_status, line = FORMS[form]
    if is_status:
        return [refusal(ResourceExpired(410, "Expired", "too old resource version"))]
    return [reply(line)]


@pytest.mark.fault("F38")
@pytest.mark.parametrize("form", FORMS)
async def test_every_form_of_410_is_one_path(form: str) -> None:
    """S02: back-off, a list without a version, the gap's events, a watch after the list's."""
    source = ScriptedSource(
        watches=expired(form), last_list=reply(page(50, manifest("b", 40), manifest("a", 30)))
    )
    async with RetryWatcher(source, {"resource_version": "10"}, backoff=EXACT) as watcher:
        assert await drain(watcher, 60) == ["+b?", "+a?"]

    assert source.versions() == ["10", "50"]
    assert source.times("list") == [pytest.approx(0.8)]
    assert "resourceVersion" not in source.asked[1].query


@pytest.mark.parametrize("form", FORMS)
async def test_an_expiry_is_raised_where_that_is_asked_for(form: str) -> None:
    """RW-09: events before it come, then ResourceExpired, again and again without a request."""
    source = ScriptedSource(watches=[reply(added("a", 11)), *expired(form), reply(added("b", 12))])
    options = {"resource_version": "10"}
    async with RetryWatcher(source, options, on_expired="raise") as watcher:
        assert await take(watcher, 1) == ["+a"]
        for _ in range(3):
            with pytest.raises(ResourceExpired):
                await anext(watcher)

    assert source.versions() == ["10", "11"]
    assert source.times("list") == []
    assert source.open == 0


async def test_events_behind_an_expiry_are_never_seen() -> None:
    """RW-09: what follows an ERROR event in the same read is void."""
    source = ScriptedSource(watches=[reply(added("a", 11) + error(410) + added("b", 12))])
    options = {"resource_version": "10"}
    async with RetryWatcher(source, options, on_expired="raise") as watcher:
        assert await take(watcher, 1) == ["+a"]
        with pytest.raises(ResourceExpired):
            await anext(watcher)
        assert watcher.resource_version is None


@pytest.mark.fault("F38", "F43")
async def test_a_gap_has_its_exact_net_effect(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """S04, S05: Deleted first, then Added and Modified, each once; the unchanged stays unsaid."""
    for name in ("changed", "deleted", "recreated", "unchanged"):
        cluster.create(pod(name))
    async with RetryWatcher(pods, replay_existing=True) as watcher:
        markers = watcher.with_markers()
        assert (await take(markers, 5))[-1] == "synced 99"
        cluster.inject(Disconnect(), on="open")
        cluster.patch("v1", "pods", "shop/changed", {"spec": {"nodeName": "n1"}})
        cluster.patch("v1", "pods", "shop/changed", {"spec": {"nodeName": "n2"}})
        cluster.delete("v1", "pods", "shop/deleted")
        cluster.delete("v1", "pods", "shop/recreated")
        cluster.create(pod("recreated"))
        cluster.create(pod("created"))
        cluster.create(pod("passing"))
        cluster.delete("v1", "pods", "shop/passing")
        cluster.compact()

        words = await drain(markers, 60)

    assert words[0] == "relisted 107"
    assert words[1:3] == ["-deleted?", "-recreated?"]
    assert sorted(words[3:6]) == ["+created?", "+recreated?", "~changed?"]
    assert words[6:] == ["synced 107"]


async def test_an_inferred_deletion_names_what_was_last_seen() -> None:
    """Its object has the name, namespace, uid and last version seen, whatever the model is."""
    source = ScriptedSource(
        watches=[reply(added("a", 11, "u1"), modified("a", 12, "u1"), error(410))],
        last_list=reply(page(50)),
    )
    async with RetryWatcher(source, {"resource_version": "10"}, model=dict) as watcher:
        assert await take(watcher, 2) == ["+a", "~a"]
        gone = await anext(watcher)

    assert isinstance(gone, Deleted)
    assert isinstance(gone.object, Object)
    assert gone.object.to_dict() == {
        "metadata": {"namespace": "shop", "name": "a", "uid": "u1", "resourceVersion": "12"}
    }
    assert (gone.key, gone.uid, gone.resource_version) == ("shop/a", "u1", "12")


async def test_a_successor_under_the_same_name_comes_after_the_deletion() -> None:
    """C2, S05: another uid under a held key is Deleted(old) and Added(new), in a gap or live."""
    source = ScriptedSource(
        watches=[
            reply(added("a", 11, "u1"), added("a", 12, "u2"), error(410)),
        ],
        last_list=reply(page(50, manifest("a", 40, "u3"))),
    )
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        events = [await anext(watcher) for _ in range(5)]

    told = [(each.type, each.uid, each.inferred) for each in events]
    assert told == [
        ("ADDED", "u1", False),
        ("DELETED", "u1", True),
        ("ADDED", "u2", False),
        ("DELETED", "u2", True),
        ("ADDED", "u3", True),
    ]


async def test_compaction_at_the_very_version_loses_nothing(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """S06: history that ends exactly at the resume version, or at a deletion's, is enough."""
    cluster.create(pod("a"))
    cluster.create(pod("b"))
    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        cluster.delete("v1", "pods", "shop/a")
        assert await take(watcher, 1) == ["-a"]
        cluster.inject(Disconnect(), on="open")
        cluster.compact()
        cluster.create(pod("c"))

        assert await drain(watcher, 60) == ["+c"]

    assert sum(each.verb == "list" and "limit" not in each.query for each in cluster.requests) == 0


async def test_410_after_a_bookmark(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """S03: a version learnt from a bookmark may expire as any other."""
    async with RetryWatcher(pods, {"timeout_seconds": 130}) as watcher:
        await started(watcher)
        cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}})
        await pods.list({}, idle_timeout=10)  # another client's: the server hears of the version
        assert await drain(watcher, 125) == []
        assert watcher.resource_version == "96"
        cluster.inject(Gone())
        cluster.inject(Disconnect(), on="open")
        cluster.create(pod("a"))

        assert await drain(watcher, 60) == ["+a?"]


async def test_deletions_of_an_unknown_past_are_warned_of(logs: list[EventDict]) -> None:
    """A caller's version that expired at once: who was deleted is not known, and that is said."""
    source = ScriptedSource(
        watches=[reply(error(410)), reply(error(410))],
        last_list=reply(page(50, manifest("a", 40))),
    )
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await drain(watcher, 60) == ["+a?"]

    told = [each for each in logs if each["event"] == "watch.expired"]
    assert [(each["log_level"], each["known"]) for each in told] == [
        ("warning", False),
        ("info", True),
    ]
    assert told[0]["resource_version"] == "10"


async def test_410_without_end_backs_off_further_each_time() -> None:
    """A list that succeeds between two 410s is no progress: the waits grow to the cap."""
    source = ScriptedSource(last_watch=reply(error(410)), last_list=reply(page(50)))
    async with RetryWatcher(source, backoff=EXACT) as watcher:
        await drain(watcher, 60)

    assert gaps(source.times("list")) == pytest.approx([0.8, 1.6, 3.2, 6.4, 12.8, 25.6], abs=0.5)


async def test_three_clean_ends_at_once_count_as_expiry() -> None:
    """S10: a server that closes instead of saying 410 is asked three times, then listed."""
    source = ScriptedSource(
        watches=[reply(), reply(), reply()], last_list=reply(page(50, manifest("a", 40)))
    )
    async with RetryWatcher(source, {"resource_version": "10"}, backoff=EXACT) as watcher:
        assert await drain(watcher, 60) == ["+a?"]

    assert source.versions() == ["10", "10", "10", "50"]
    assert source.times("watch")[:3] == [0, pytest.approx(0.8), pytest.approx(2.4)]
    assert source.times("list") == [pytest.approx(5.6)]


async def test_five_errors_at_one_version_count_as_expiry() -> None:
    """A stream that is sick at one version is not asked for ever: the sixth try is a list."""
    source = ScriptedSource(
        watches=[reply(error(500))] * 5, last_list=reply(page(50, manifest("a", 40)))
    )
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await drain(watcher, 120) == ["+a?"]

    assert source.versions() == ["10"] * 5 + ["50"]


async def test_refusals_are_never_counted_as_expiry() -> None:
    """A server that is down for an hour is never listed for that: the version is kept."""
    source = ScriptedSource(
        watches=[
            *[refusal(ServerUnavailable(503))] * 60,
            *[reply(reset())] * 60,
            reply(added("a", 11)),
        ]
    )
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await take(watcher, 1, within=7200) == ["+a"]

    assert source.times("list") == []
    assert set(source.versions()) == {"10"}


@pytest.mark.parametrize(
    "said",
    [
        {"details": {"causes": [{"reason": "ResourceVersionTooLarge"}]}},
        {"details": {"causes": [{"message": "Too large resource version"}]}},
        {"message": "Too large resource version: 99, current: 50"},
    ],
    ids=["cause", "cause message", "text"],
)
async def test_a_version_ahead_of_the_server_is_given_up_at_the_second_time(
    said: dict[str, Any],
) -> None:
    """S08, S12: 504 "Too large resource version": Retry-After is honoured once, then a list."""
    said = {**said, "details": {**said.get("details", {}), "retryAfterSeconds": 7}}
    behind = reply(error(504, "Timeout", **said))
    source = ScriptedSource(watches=[behind, behind], last_list=reply(page(99, manifest("a", 98))))
    async with RetryWatcher(source, {"resource_version": "99"}, backoff=EXACT) as watcher:
        assert await drain(watcher, 60) == ["+a?"]

    assert source.times("watch")[:2] == [0, 7]
    assert "resourceVersion" not in source.asked[2].query
    assert source.versions() == ["99", "99", "99"]
