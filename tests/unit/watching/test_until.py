"""until(): list and watch until a condition holds, and conditions to ask with."""

from collections.abc import Iterator

import anyio
import pytest

from tests.unit.watching.reading import Manifest, pod
from tests.unit.watching.scripted import (
    Pause,
    ScriptedSource,
    added,
    error,
    manifest,
    modified,
    page,
    refusal,
    reply,
)
from watchkit import (
    ConditionTimeout,
    Forbidden,
    InvalidRequest,
    ListerWatcher,
    ListOptions,
    Object,
    ServerUnavailable,
    until,
)
from watchkit.conditions import all_of, is_deleted, is_ready
from watchkit.testing import Disconnect, FakeCluster, Gone

pytestmark = pytest.mark.anyio

READY = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}


def exists(obj: Object | None) -> bool:
    """Whether there is such an object."""
    return obj is not None


async def later(cluster: FakeCluster, seconds: float, patch: Manifest | None) -> None:
    """Patch pod a after so many seconds, or delete it."""
    await anyio.sleep(seconds)
    if patch is None:
        cluster.delete("v1", "pods", "shop/a")
    else:
        cluster.patch("v1", "pods", "shop/a", patch)


async def test_what_holds_already_is_returned_at_once(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """UN-06: the listed objects are judged first, and no watch is opened."""
    cluster.create(pod("a"))

    found = await until(pods, exists, name="a")

    assert found is not None
    assert found.key == "shop/a"
    assert [each.verb for each in cluster.requests] == ["list"]
    assert anyio.current_time() == 0


async def test_it_returns_at_the_first_event_that_fulfils(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """UN-01: the object of that event, not a later state."""
    cluster.create(pod("a"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(later, cluster, 5, {"metadata": {"labels": {"x": "y"}}})
        tasks.start_soon(later, cluster, 10, READY)
        tasks.start_soon(later, cluster, 15, {"metadata": {"labels": {"x": "z"}}})
        found = await until(pods, is_ready, name="a")
        assert found is not None
        assert found.labels == {"x": "y"}
        assert anyio.current_time() == 10

    assert cluster.open_watches == 0


async def test_several_steps_are_several_waits_or_one_condition(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """UN-02: one event may fulfil all of several conditions; order among them is the caller's."""
    cluster.create(pod("a"))
    seen = iter((exists, is_ready))

    def in_sequence(steps: Iterator[object]) -> object:
        wanted = [next(steps)]

        def condition(obj: Object | None) -> bool:
            while wanted[0](obj):  # type: ignore[operator]
                following = next(steps, None)
                if following is None:
                    return True
                wanted[0] = following
            return False

        return condition

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(later, cluster, 5, READY)
        await until(pods, in_sequence(seen), name="a")  # type: ignore[arg-type]
        assert anyio.current_time() == 5
        await until(pods, all_of(exists, is_ready), name="a")
        assert anyio.current_time() == 5


async def test_it_survives_what_a_watcher_survives(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """UN-03: a stream that closes, an expiry, a refusal: it goes on waiting."""
    cluster.create(pod("a"))
    cluster.inject(Disconnect(), times=3)
    cluster.inject(Gone(via="http"), times=2)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(later, cluster, 300, READY)
        assert await until(pods, is_ready, name="a")


@pytest.mark.parametrize("exists_first", ["yes", "no"])
async def test_a_timeout_has_the_last_state(
    cluster: FakeCluster, pods: ListerWatcher, exists_first: str
) -> None:
    """UN-04: ConditionTimeout, a TimeoutError, with `.last`: the object as it was, or None."""
    if exists_first == "yes":
        cluster.create(pod("a", x="y"))

    with pytest.raises(ConditionTimeout, match=r"pods a.*30 s") as caught:
        await until(pods, is_ready, name="a", timeout=30)

    assert isinstance(caught.value, TimeoutError)
    last = caught.value.last
    assert (last.labels if last is not None else None) == (
        {"x": "y"} if exists_first == "yes" else None
    )
    assert anyio.current_time() == 30
    assert cluster.open_watches == 0


async def test_a_timeout_while_nothing_could_be_listed() -> None:
    """UN-06: a server that is down all the while is a timeout too."""
    source = ScriptedSource(last_list=refusal(ServerUnavailable(503)))

    with pytest.raises(ConditionTimeout) as caught:
        await until(source, exists, name="a", timeout=30)

    assert caught.value.last is None


async def test_the_timeout_of_a_caller_stays_his(pods: ListerWatcher) -> None:
    """A scope around it that ends first is that scope's business."""
    with anyio.move_on_after(5) as scope:
        await until(pods, exists, name="a", timeout=30)

    assert scope.cancelled_caught


async def test_an_error_of_the_condition_is_raised_as_it_is(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """UN-05: from the list or from the watch, and the connection is free."""

    def broken(obj: Object | None) -> bool:
        if obj is not None:
            raise ZeroDivisionError(obj.name)
        return False

    async with anyio.create_task_group() as tasks:

        async def create() -> None:
            await anyio.sleep(5)
            cluster.create(pod("a"))

        tasks.start_soon(create)
        with pytest.raises(ZeroDivisionError, match="a"):
            await until(pods, broken, name="a")
    with pytest.raises(ZeroDivisionError, match="a"):
        await until(pods, broken, name="a")

    assert cluster.open_watches == 0


async def test_deletion_is_waited_for(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """The condition gets None where the object is not, or no longer."""
    cluster.create(pod("a"))
    cluster.create(pod("b"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(later, cluster, 5, None)
        assert await until(pods, is_deleted, name="a") is None
        assert anyio.current_time() == 5
    assert await until(pods, is_deleted, name="a") is None
    assert await until(pods, is_deleted, name="never-was") is None


async def test_a_deletion_that_nobody_saw_counts(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Deleted inside a gap: the relist shows it."""
    cluster.create(pod("a"))
    cluster.inject(Gone(), when=lambda each: each.time > 1)

    async def delete() -> None:
        await anyio.sleep(5)
        cluster.inject(Disconnect(), on="open")
        cluster.delete("v1", "pods", "shop/a")
        cluster.compact()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(delete)
        assert await until(pods, is_deleted, name="a", timeout=60) is None


async def test_without_a_name_each_object_is_judged(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Any object of the watched set; None while the set is empty."""
    assert await until(pods, is_deleted) is None
    cluster.create(pod("a"))
    cluster.create(pod("b"))
    cluster.patch("v1", "pods", "shop/b", READY)

    found = await until(pods, is_ready)
    assert found is not None
    assert found.name == "b"

    with pytest.raises(ConditionTimeout, match="pods: the condition did not hold"):
        await until(pods, is_deleted, timeout=5)
    cluster.delete("v1", "pods", "shop/a")
    async with anyio.create_task_group() as tasks:

        async def delete() -> None:
            await anyio.sleep(5)
            cluster.delete("v1", "pods", "shop/b")

        tasks.start_soon(delete)
        assert await until(pods, is_deleted, timeout=60) is None


async def test_the_server_narrows_the_watched_set(cluster: FakeCluster) -> None:
    """A name and a namespace are field selectors beside the caller's own, on every request."""
    everywhere = cluster.source("v1", "pods")
    cluster.create(pod("a"))
    options = ListOptions(label_selector="app=web", field_selector="spec.nodeName=n1")

    with pytest.raises(ConditionTimeout):
        await until(everywhere, exists, name="a", namespace="shop", options=options, timeout=5)

    fields = "spec.nodeName=n1,metadata.name=a,metadata.namespace=shop"
    assert {each.query["fieldSelector"] for each in cluster.requests} == {fields}
    assert {each.query["labelSelector"] for each in cluster.requests} == {"app=web"}


async def test_options_may_be_a_mapping(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """As wherever options are taken."""
    cluster.create(pod("a", app="web"))

    assert await until(pods, exists, name="a", options={"label_selector": {"app": "web"}})

    assert cluster.requests[0].query["labelSelector"] == "app=web"


async def test_the_namespace_may_be_said_twice_but_not_in_two_ways(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """A source of one namespace needs none; another one is a mistake."""
    cluster.create(pod("a"))

    assert await until(pods, exists, name="a", namespace="shop")
    assert cluster.requests[0].query["fieldSelector"] == "metadata.name=a"
    with pytest.raises(ValueError, match="watches namespace shop, not other"):
        await until(pods, exists, name="a", namespace="other")


async def test_what_stays_wrong_is_raised() -> None:
    """A selector that the server refuses ends the wait; a right that is missing does not."""
    wrong = refusal(InvalidRequest(400, "BadRequest", "unable to parse requirement"))
    with pytest.raises(InvalidRequest, match="unable to parse"):
        await until(ScriptedSource(last_list=wrong), exists)
    forbidden = ScriptedSource(last_list=refusal(Forbidden(403)))
    with pytest.raises(ConditionTimeout):
        await until(forbidden, exists, timeout=100)


async def test_conditions_see_listed_and_watched_objects_in_order() -> None:
    """UN-06: each state once: listed first, then as events come, through a gap."""
    source = ScriptedSource(
        lists=[reply(page(10, manifest("a", 1))), reply(page(30, manifest("a", 20)))],
        watches=[
            reply(Pause(1), modified("a", 11), error(410)),
            reply(Pause(1), modified("a", 31), added("b", 32)),
        ],
    )
    seen: list[str] = []

    def note(obj: Object | None) -> bool:
        seen.append("none" if obj is None else f"{obj.name}{obj.resource_version}")
        return len(seen) == 5

    await until(source, note)

    assert seen == ["a1", "a11", "a20", "a31", "b32"]
    assert source.open == 0
