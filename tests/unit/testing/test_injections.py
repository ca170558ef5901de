"""Injecting: a fault strikes what it is meant for, as often as it was told."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, fields
from typing import cast, get_args

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
    BadPage,
    Case,
    CloseAtOnce,
    Compact,
    Disconnect,
    ErrorEvent,
    EtcdLeaderChanged,
    EtcdTimeout,
    ExpireToken,
    FakeCluster,
    Fault,
    Forbid,
    Frames,
    Gone,
    LagReplica,
    LostEvents,
    NoBookmarks,
    NoInitialEventsEnd,
    RepeatedEvents,
    Stall,
    Throttle,
    TornLine,
    Unavailable,
    nth,
    run_virtual,
)
from watchkit.testing.fault import REQUESTS, On
from watchkit.testing.requests import Verb
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


async def test_a_server_is_unavailable_so_many_times(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """`Unavailable(3)`: 503 to three requests, and well again; as often over as injected."""
    for fault, times in ((Unavailable(3), 1), (Unavailable(times=2), 2)):
        injection = cluster.inject(fault, times=times)
        for _ in range(fault.times * times):
            with pytest.raises(ServerUnavailable):
                await listing(source)
        assert await listing(source) == 3
        assert injection.fired == fault.times * times


LATER = [Disconnect(1), CloseAtOnce(1), Stall(1, "body", 1), TornLine(), Frames((b"",))]


@pytest.mark.parametrize(
    ("fault", "on"),
    [
        *((fault, on) for fault in LATER for on in ("list", "get", "write", "create")),
        *((fault, "open") for fault in (LagReplica(1), NoInitialEventsEnd(), BadPage())),
        *((fault, "list") for fault in (ErrorEvent({}), NoBookmarks(), LostEvents())),
        *((fault, "write") for fault in (LagReplica(1), RepeatedEvents(), Gone(), Gone("http"))),
        *((fault, "watch") for fault in (Gone("page"), BadPage())),
        (Gone("event"), "list"),
        (Gone("http"), "get"),
        (Gone("page"), "open"),
    ],
    ids=repr,
)
def test_a_fault_is_refused_where_it_can_do_nothing(
    cluster: FakeCluster, fault: Fault, on: On
) -> None:
    """It says where it could; elsewhere it would wait for ever, or count and harm nothing."""
    with pytest.raises(ValueError, match=r"can do nothing on=.*, only ") as raised:
        cluster.inject(fault, on=on)

    assert repr(fault) in str(raised.value)
    for place in fault.places():
        assert f'"{place}"' in str(raised.value)
        cluster.inject(fault, on=place)


def test_what_nothing_is_called_is_refused(cluster: FakeCluster) -> None:
    """A misspelt `on`, or no time at all, would never strike."""
    with pytest.raises(ValueError, match=r'on=.writes. is none of "any", .*"write"'):
        cluster.inject(Throttle(), on=cast("On", "writes"))
    for times in (0, -1):
        with pytest.raises(ValueError, match=f"times={times} would never strike"):
            cluster.inject(Throttle(), times=times)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Unavailable(0),
        lambda: RepeatedEvents(after_events=0),
        lambda: Compact(-1),
        lambda: LagReplica(-1),
        lambda: nth(0),
    ],
)
def test_a_fault_that_makes_no_sense_is_none(make: Callable[[], object]) -> None:
    """It is not made in the first place."""
    with pytest.raises(ValueError, match=r"would never strike|has not happened yet"):
        make()


async def test_a_fault_on_any_waits_for_what_it_can_harm(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """Silence after an event is nothing to a list."""
    stall = cluster.inject(Stall(after_events=1), on="any")

    assert await listing(source) == 3
    assert stall.fired == 0
    (await source.watch({"resourceVersion": "95"}, idle_timeout=10)).close()
    assert stall.fired == 1


def test_verbs_are_all_there() -> None:
    """Every verb of the API is a place for faults."""
    assert set(get_args(Verb)) == REQUESTS


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
