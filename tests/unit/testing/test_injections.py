"""Injecting: a fault strikes what it is meant for, as often as it was told."""

from dataclasses import FrozenInstanceError, dataclass, fields

import anyio
import pytest
from kubernetes_asyncio.client import ApiException, CoreV1Api

from tests.unit.testing.manifests import config_map
from tests.unit.testing.watching import listing, short
from watchkit.core.errors import (
    ApiError,
    NotFound,
    ServerUnavailable,
    TooManyRequests,
    TransportError,
)
from watchkit.core.source import ListerWatcher
from watchkit.testing import (
    Answer,
    Case,
    CloseAtOnce,
    Disconnect,
    EtcdLeaderChanged,
    EtcdTimeout,
    ExpireToken,
    FakeCluster,
    Fault,
    Forbid,
    NoInitialEventsEnd,
    Stall,
    Throttle,
    Unavailable,
    run_virtual,
)
from watchkit.testing.wire import Act, Bend, Finish, Head, Send

pytestmark = pytest.mark.anyio

STATUS = {"kind": "Status", "code": 500, "message": "broken"}


async def test_counted_faults_strike_one_request_each(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """In the order of their injection, each as often as told, then no more."""
    first = cluster.inject(Unavailable(), times=2)
    second = cluster.inject(Throttle())
    statuses: list[int] = []

    for _ in range(4):
        try:
            statuses.append(await listing(source))
        except ApiError as error:
            statuses.append(error.status)

    assert statuses == [503, 503, 429, 3]
    assert (first.fired, second.fired) == (2, 1)


async def test_a_standing_fault_strikes_until_it_is_removed(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """With times=None every request is struck, besides those by counted faults."""
    standing = cluster.inject(NoInitialEventsEnd(), times=None)
    cluster.inject(CloseAtOnce(after_events=3))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
    query |= {"resourceVersion": "", "allowWatchBookmarks": "true"}

    struck = [await short(source, **query) for _ in range(2)]
    standing.remove()
    spared = await short(source, **query)

    assert [len(seen) for seen in struck] == [3, 3]
    assert ("BOOKMARK", "") in spared
    assert (standing.fired, len(spared)) == (2, 4)


async def test_a_healed_cluster_is_sound(cluster: FakeCluster, source: ListerWatcher) -> None:
    """Heal takes back whatever still waits."""
    cluster.inject(Unavailable(), times=None)
    cluster.inject(Throttle())

    cluster.heal()

    assert await listing(source) == 3


async def test_a_fault_strikes_what_it_is_meant_for(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """By verb, by any condition on the request, and never what it cannot harm."""
    cluster.inject(Unavailable(), on="watch")
    cluster.inject(Throttle(), when=lambda request: request.query.get("limit") == "1")
    cluster.inject(Disconnect())

    assert await listing(source) == 3
    with pytest.raises(TooManyRequests):
        await listing(source, limit="1")
    with pytest.raises(ServerUnavailable):
        await short(source)


async def test_an_open_watch_can_be_struck(cluster: FakeCluster, source: ListerWatcher) -> None:
    """on="open" strikes the watches that are open, now, after what they had to say before."""
    stream = await source.watch({"resourceVersion": "97"}, idle_timeout=10)
    spared = cluster.inject(Disconnect(), on="open", when=lambda request: not request.query)
    struck = cluster.inject(Disconnect(), on="open")
    late = await source.watch({"resourceVersion": "97"}, idle_timeout=10)

    frames = await stream.receive()
    assert frames is not None
    assert len(frames) == 1
    with pytest.raises(TransportError):
        await stream.receive()
    assert await late.receive() == frames
    assert (spared.fired, struck.fired, cluster.open_watches) == (0, 1, 1)
    late.close()


async def test_striking_wakes_a_waiting_watch(cluster: FakeCluster, source: ListerWatcher) -> None:
    """A receive that waits sees the harm when it is done."""
    stream = await source.watch({"resourceVersion": "98"}, idle_timeout=10)
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:

        async def strike() -> None:
            await anyio.sleep(3)
            cluster.inject(CloseAtOnce(), on="open")

        tasks.start_soon(strike)
        assert await stream.receive() is None

    assert anyio.current_time() - began == 3


async def test_a_restore_cuts_open_watches(cluster: FakeCluster, source: ListerWatcher) -> None:
    """The store goes back, the connections break, and a watch from before the future is silent."""
    stream = await source.watch({"resourceVersion": "98"}, idle_timeout=10)

    cluster.restore(96)

    with pytest.raises(TransportError):
        await stream.receive()
    assert await listing(source) == 1
    assert await short(source, resourceVersion="98") == []
    cluster.create(config_map("z"))
    assert await short(source, resourceVersion="96") == [("ADDED", "z")]


@dataclass(frozen=True, slots=True)
class Teapot(Fault):
    """A fault that a user wrote."""

    def bend(self, case: Case) -> Bend:
        """Answer with the name of what was asked for."""

        def bent(act: Act) -> list[Act]:
            said = Send(case.request.resource.encode())
            return [Head(418), said, Finish()] if isinstance(act, Head) else [act]

        return bent


async def test_a_fault_of_ones_own(cluster: FakeCluster, source: ListerWatcher) -> None:
    """A new fault is a class with one method."""
    cluster.inject(Teapot())

    with pytest.raises(ApiError) as raised:
        await listing(source)

    assert raised.value.status == 418


@pytest.mark.parametrize("fault", [Disconnect(), Throttle(), Stall(), Teapot()])
def test_faults_are_values(fault: Fault) -> None:
    """Equal to their like, frozen, and readable."""
    assert fault == type(fault)()
    assert repr(fault).startswith(type(fault).__name__)
    for field in fields(fault):
        with pytest.raises(FrozenInstanceError):
            setattr(fault, field.name, None)


async def test_an_unserved_resource_can_be_struck_too(cluster: FakeCluster) -> None:
    """Faults come before the server's own 404."""
    source = cluster.source("x.io/v1", "shops", "shop")
    cluster.inject(Throttle())

    with pytest.raises(TooManyRequests):
        await listing(source)
    with pytest.raises(NotFound):
        await listing(source)


FRONT = [Answer(500), Throttle(), Unavailable(), Forbid(), EtcdLeaderChanged(), ExpireToken()]
BEHIND = [EtcdTimeout(), Disconnect(at="head")]


@pytest.mark.parametrize("fault", [*FRONT, *BEHIND], ids=repr)
def test_a_write_that_is_refused_in_front_is_not_done(fault: Fault) -> None:
    """What stands before the store keeps a write from it; what befalls the answer does not."""

    async def main() -> None:
        cluster = FakeCluster()
        cluster.create(config_map("a"))
        cluster.inject(fault, on="write")
        async with cluster.connect() as api:
            with pytest.raises((ApiException, OSError)):
                await CoreV1Api(api).delete_namespaced_config_map("a", "shop")

        assert bool(cluster.list("v1", "configmaps")) == (fault in FRONT)

    run_virtual(main)
