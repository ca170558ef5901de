"""SharedInformer: the cache, its waits, its end; every sentence of the contract that is short."""

from typing import Any

import anyio
import msgspec
import pytest
from structlog.typing import EventDict

from tests.unit.informer.informing import (
    Recorder,
    cached,
    listed,
    queries,
    raises_itself,
    settle,
    synced,
    touch,
)
from tests.unit.watching.reading import pod
from watchkit import Forbidden, HealthState, InvalidRequest, ListerWatcher, ListOptions, Object
from watchkit.core.errors import SyncTimeout, WatchkitError
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing import Answer, FakeCluster, Forbid, Gone, Refuse

pytestmark = pytest.mark.anyio

BAD = Answer(
    400, body=b'{"kind":"Status","code":400,"reason":"BadRequest","message":"unable to parse"}'
)


async def test_the_cache_is_what_the_server_has(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """After the first list, and after every change."""
    for name in "abc":
        cluster.create(pod(name))
    async with SharedInformer(pods) as informer:
        await synced(informer)
        assert cached(informer) == listed(cluster)
        cluster.create(pod("d"))
        touch(cluster, "a", 1)
        cluster.delete("v1", "pods", "shop/b")
        await settle()
        assert cached(informer) == listed(cluster)
        assert informer.store.resource_version == str(cluster.version)
        assert isinstance(informer.store.get("shop/a"), Object)


@pytest.mark.parametrize("options", [{"resource_version": "5"}, ListOptions(resource_version="0")])
def test_a_version_to_begin_at_is_refused(
    pods: ListerWatcher, options: ListOptions | dict[str, object]
) -> None:
    """A cache begins with all there is."""
    with pytest.raises(ValueError, match="resource_version"):
        SharedInformer(pods, options)


@pytest.mark.parametrize(
    "wrong",
    [
        {"initial_list": "pages"},
        {"stream_deadline": 0},
        {"idle_timeout": 0},
        {"resync_period": 0},
        {"audit_period": -1},
    ],
)
def test_settings_that_make_no_sense_are_refused(
    pods: ListerWatcher, wrong: dict[str, Any]
) -> None:
    """At construction, naming the setting."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SharedInformer(pods, **wrong)


async def test_it_is_entered_once(pods: ListerWatcher) -> None:
    """A second life would begin with a cache of the first."""
    informer = SharedInformer(pods)
    async with informer:
        await synced(informer)
    with pytest.raises(RuntimeError, match="once"):
        async with informer:
            pass


async def test_the_store_is_updated_before_handlers_are_called(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """A handler finds in the store what it is told of, or something later."""
    seen: list[bool] = []
    async with SharedInformer(pods) as informer:

        def look(new: Object) -> None:
            seen.append(informer.store[new.key].resource_version >= new.resource_version)

        informer.add_event_handler(on_add=look, on_update=lambda _, new: look(new))
        await synced(informer)
        cluster.create(pod("a"))
        await settle()
        touch(cluster, "a", 1)
        await settle()
    assert seen == [True, True]


@pytest.mark.fault("F82")
async def test_options_reach_every_request(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """F82, W2: the first list, watches and relists are of the caller's selection."""
    cluster.create(pod("a", app="web"))
    cluster.create(pod("b", app="db"))
    options = {"label_selector": "app=web", "extra": {"new": "x"}}
    async with SharedInformer(pods, options) as informer:
        await synced(informer)
        assert [*informer.store] == ["shop/a"]
        cluster.inject(Gone("http"), on="watch")
        cluster.inject(Gone("event"), on="open")
        await anyio.sleep(10)
        cluster.patch("v1", "pods", "shop/b", {"metadata": {"labels": {"app": "web"}}})
        await settle()
        assert cached(informer) == listed(cluster)
    assert len(cluster.requests) > 2
    for request in cluster.requests:
        assert request.query["labelSelector"] == "app=web"
        assert request.query["new"] == "x"


@pytest.mark.fault("F45")
async def test_what_leaves_the_selection_is_deleted(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """A watched object's DELETED means "left the watched set", and it may come back."""
    cluster.create(pod("a", app="web"))
    seen = Recorder()
    async with SharedInformer(pods, {"label_selector": "app=web"}) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        for app in ("db", "web"):
            cluster.patch("v1", "pods", "shop/a", {"metadata": {"labels": {"app": app}}})
            await settle()
    assert seen.words == ["+a!", "-a", "+a"]


# Waits.


async def test_a_wait_for_sync_names_the_last_error(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """W5: SyncTimeout, a TimeoutError, with the cause in the text, in `cause` and `__cause__`."""
    cluster.inject(Forbid(), times=None)
    async with SharedInformer(pods) as informer:
        with pytest.raises(SyncTimeout, match="403") as raised:
            await informer.wait_for_sync(timeout=5)
        assert informer.health.state is HealthState.FORBIDDEN
    assert isinstance(raised.value, TimeoutError)
    assert isinstance(raised.value.cause, Forbidden)
    assert raised.value.__cause__ is raised.value.cause


@pytest.mark.fault("F76")
async def test_a_fatal_error_leaves_the_block_as_itself(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """It cancels what the block does, and is no group."""
    cluster.inject(BAD, times=None)
    with raises_itself(InvalidRequest, "unable to parse"):
        async with SharedInformer(pods):
            await anyio.sleep_forever()
    assert cluster.open_watches == 0


async def test_a_fatal_error_ends_every_wait_as_itself(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """`wait_for_sync` and `run_forever`, in the block."""
    cluster.inject(BAD, times=None)
    informer = SharedInformer(pods)
    with raises_itself(InvalidRequest):
        async with informer:
            with raises_itself(InvalidRequest):
                await informer.wait_for_sync()
            await informer.run_forever()
    assert informer.health.state is HealthState.STOPPED
    with raises_itself(InvalidRequest):
        await informer.wait_for_sync()


@pytest.mark.fault("F76")
async def test_a_fatal_error_ends_waits_of_other_tasks(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Tasks outside the block are not cancelled: they get the error."""
    cluster.inject(BAD, times=None)
    informer = SharedInformer(pods)
    ends: list[BaseException] = []

    async def wait() -> None:
        try:
            await informer.wait_for_sync()
        except InvalidRequest as error:
            ends.append(error)

    async with anyio.create_task_group() as others:
        others.start_soon(wait)
        with raises_itself(InvalidRequest):
            async with informer:
                await anyio.sleep_forever()
    assert len(ends) == 1


async def test_what_the_block_raises_leaves_it_as_itself(pods: ListerWatcher) -> None:
    """Not in a group either."""
    with raises_itself(KeyError):
        async with SharedInformer(pods):
            raise KeyError("mine")


async def test_waits_of_an_informer_that_was_left_raise(pods: ListerWatcher) -> None:
    """Nothing will come any more, and nothing hangs."""
    async with SharedInformer(pods) as informer:
        await synced(informer)
    with pytest.raises(WatchkitError, match="ended"):
        await informer.run_forever()
    with pytest.raises(WatchkitError, match="ended"):
        informer.add_event_handler(on_add=print)
    with pytest.raises(WatchkitError, match="ended"):
        await informer.wait_for_version("999999", timeout=1)
    assert informer.health.state is HealthState.STOPPED
    assert not informer.is_live(1e9)
    assert len(informer.store) == 0


async def test_it_runs_until_cancelled(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """`run_forever` ends by cancellation, and leaves nothing behind."""
    with anyio.move_on_after(1000) as scope:
        async with SharedInformer(pods) as informer:
            await informer.run_forever()
    assert scope.cancelled_caught
    assert cluster.open_watches == 0


# Models and transforms.


class Labelled(msgspec.Struct):
    """A model of the spec alone."""

    spec: dict[str, int]


@pytest.mark.fault("F37")
async def test_an_object_that_does_not_fit_the_model_breaks_nothing(
    cluster: FakeCluster, pods: ListerWatcher, logs: list[EventDict]
) -> None:
    """W14: absent for readers and handlers, kept aside, reported once; the others flow on."""
    cluster.create({**pod("a"), "spec": {"n": 1}})
    cluster.create({**pod("bad"), "spec": {"n": "one"}})
    seen = Recorder()
    async with SharedInformer(pods, model=Labelled) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        assert [*informer.store] == ["shop/a"]
        assert [*informer.store.undecodable] == ["shop/bad"]
        cluster.patch("v1", "pods", "shop/a", {"spec": {"n": "one"}})
        await settle()
        cluster.patch("v1", "pods", "shop/bad", {"spec": {"n": 2}})
        await settle()
        assert informer.store["shop/bad"].spec == {"n": 2}
    assert seen.words == ["+a!", "-a?", "+bad"]
    assert [each["key"] for each in logs if each["event"] == "object.undecodable"] == [
        "shop/bad",
        "shop/a",
    ]


async def test_a_transform_decides_what_is_kept(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """None is not cached; the rest is what the transform makes of it, also in handlers."""
    cluster.create(pod("a", keep="yes"))
    cluster.create(pod("b"))
    seen: list[Object] = []

    def transform(subject: Object) -> Object | None:
        return subject.without("spec") if "keep" in subject.labels else None

    async with SharedInformer(pods, transform=transform) as informer:
        informer.add_event_handler(on_add=seen.append)
        await synced(informer)
        assert [*informer.store] == ["shop/a"]
    assert ["spec" in each for each in seen] == [False]


async def test_a_failing_index_function_stops_nobody(
    cluster: FakeCluster, pods: ListerWatcher, logs: list[EventDict]
) -> None:
    """It is reported with its name; the object is cached and told of."""
    cluster.create(pod("a"))
    seen = Recorder()
    async with SharedInformer(pods, indexers={"node": lambda it: [it["nothing"]]}) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        informer.add_indexers({"name": lambda it: [it.name]})
        assert [each.name for each in informer.store.by_index("name", "a")] == ["a"]
        informer.remove_indexer("name")
        with pytest.raises(ValueError, match="name"):
            informer.store.by_index("name", "a")
    assert seen.words == ["+a!"]
    assert [each["index"] for each in logs if each["event"] == "index.failed"] == ["node"]


# C8.


async def test_leaving_hangs_up(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """No watch stays open, whatever the informer was at."""
    async with SharedInformer(pods) as informer:
        await synced(informer)
        assert cluster.open_watches == 1
    assert cluster.open_watches == 0


@pytest.mark.fault("F80")
async def test_leaving_takes_no_time_while_it_backs_off(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """F80: within a second, and with no request after it."""
    cluster.inject(Refuse(), times=None)
    async with SharedInformer(pods):
        await anyio.sleep(100)
        before = anyio.current_time()
    assert anyio.current_time() == before
    count = len(cluster.requests)
    await anyio.sleep(100)
    assert len(cluster.requests) == count
    assert queries(cluster, "watch")


async def test_its_repr_is_one_line(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """What it watches, how it is, and how much it holds."""
    cluster.create(pod("a"))
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(on_add=str)
        await synced(informer)
        assert repr(informer) == "<SharedInformer pods watching at=96 objects=1 handlers=1>"
