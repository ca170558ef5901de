"""Laws of an EventRecorder: what it sends, that it keeps nobody waiting, and how it ends."""

from datetime import datetime
from typing import Any

import anyio
import pytest
from structlog.typing import EventDict

from tests.unit.controllers.in_memory import Fault, InMemory, refused
from watchkit import Object
from watchkit.controllers import EventRecorder
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio

SHOP: dict[str, Any] = {
    "apiVersion": "x.io/v1",
    "kind": "Shop",
    "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "resourceVersion": "7"},
}


@pytest.fixture
def api(cluster: FakeCluster) -> InMemory:
    """Give a client of a cluster that serves events."""
    cluster.add_resource("events.k8s.io/v1", "events", "Event")
    return InMemory(cluster)


def stored(api: InMemory, namespace: str = "shop") -> list[dict[str, Any]]:
    """Give the events at the server, in the order of their making."""
    events = api.cluster.list("events.k8s.io/v1", "events", namespace)
    return sorted(events, key=lambda event: event["metadata"]["creationTimestamp"])


def told(api: InMemory) -> list[tuple[str, int]]:
    """Give the note and the count of each."""
    return [(each["note"], each.get("series", {}).get("count", 1)) for each in stored(api)]


async def test_an_event_is_written_as_the_api_wants_it(api: InMemory) -> None:
    """events.k8s.io/v1: about the object, by the component, with all that is required."""
    async with EventRecorder(api, "shops") as recorder:
        recorder.event(Object(SHOP), "Normal", "ScaledUp", "to 3 replicas")

    (event,) = stored(api)
    assert event["regarding"] == {
        "apiVersion": "x.io/v1",
        "kind": "Shop",
        "name": "web",
        "namespace": "shop",
        "uid": "u-1",
        "resourceVersion": "7",
    }
    said = {name: event[name] for name in ("type", "reason", "action", "note")}
    assert said == {
        "type": "Normal",
        "reason": "ScaledUp",
        "action": "ScaledUp",
        "note": "to 3 replicas",
    }
    assert event["reportingController"] == "shops"
    assert event["reportingInstance"].startswith("shops-")
    assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
    assert event["metadata"]["name"].startswith("web.")
    assert "series" not in event


async def test_recording_waits_for_nothing(api: InMemory) -> None:
    """It is sent when its caller waits for something else."""
    async with EventRecorder(api, "shops") as recorder:
        recorder.event(SHOP, "Normal", "A", "one")
        assert not api.asked
        await anyio.sleep(0.1)
        assert told(api) == [("one", 1)]
        recorder.event(SHOP, "Warning", "B", "two", action="Try")
        await anyio.sleep(0.1)
        assert [each["action"] for each in stored(api)] == ["A", "Try"]


async def test_what_happens_again_is_a_series(api: InMemory) -> None:
    """EV-01: one event, its count and its last time patched."""
    async with EventRecorder(api, "shops") as recorder:
        for _ in range(5):
            recorder.event(SHOP, "Normal", "A", "again")
            await anyio.sleep(1)
        assert told(api) == [("again", 5)]
        assert [asked.method for asked in api.asked] == ["POST"] + ["PATCH"] * 4

    (event,) = stored(api)
    assert set(event["series"]) == {"count", "lastObservedTime"}


async def test_a_series_that_is_gone_is_written_anew(api: InMemory) -> None:
    """EV-01: its update meets a 404."""
    async with EventRecorder(api, "shops") as recorder:
        recorder.event(SHOP, "Normal", "A", "again")
        await anyio.sleep(1)
        name = stored(api)[0]["metadata"]["name"]
        api.cluster.delete("events.k8s.io/v1", "events", f"shop/{name}")
        recorder.event(SHOP, "Normal", "A", "again")

    assert [asked.method for asked in api.asked] == ["POST", "PATCH", "POST"]
    assert told(api) == [("again", 1)]


@pytest.mark.parametrize("trouble", [refused(429), refused(503), refused(401), Fault.NEVER_SENT])
async def test_what_passes_is_waited_out(
    api: InMemory, trouble: Fault | Exception, logs: list[EventDict]
) -> None:
    """EV-01: 429, 5xx and faults are tried again, and nothing is sent meanwhile."""
    api.trouble = lambda asked: trouble if asked.at < 20 else None
    async with EventRecorder(api, "shops") as recorder:
        recorder.event(SHOP, "Normal", "A", "one")
        recorder.event(SHOP, "Normal", "B", "two")
        await anyio.sleep(120)
        assert sorted(told(api)) == [("one", 1), ("two", 1)]
        assert recorder.statistics()["sent"] == 2

    assert 3 < recorder.statistics()["retried"] < 24
    assert "record.retrying" in {entry["event"] for entry in logs}


async def test_retry_after_is_heeded(api: InMemory) -> None:
    """As long as the server asks for, up to a minute."""
    headers = {"Retry-After": "40"}
    api.trouble = lambda asked: refused(429, **headers) if asked.at < 39 else None
    async with EventRecorder(api, "shops") as recorder:
        recorder.event(SHOP, "Normal", "A", "one")
        await anyio.sleep(60)

    assert [asked.at for asked in api.asked] == pytest.approx([0, 40], abs=0.1)


async def test_an_event_whose_answer_was_lost_is_there_once(api: InMemory) -> None:
    """Its name is chosen here: the second try meets it, and counts go on from there."""
    lost = iter([Fault.RESET])
    api.trouble = lambda _: next(lost, None)
    async with EventRecorder(api, "shops") as recorder:
        recorder.event(SHOP, "Normal", "A", "one")
        await anyio.sleep(0.001)
        recorder.event(SHOP, "Normal", "A", "one")
        await anyio.sleep(10)

    assert told(api) == [("one", 2)]


@pytest.mark.parametrize("trouble", [refused(403, "Forbidden"), refused(422), refused(404)])
async def test_what_the_server_refuses_is_logged_and_left(
    api: InMemory, trouble: Exception, logs: list[EventDict]
) -> None:
    """Others are sent all the same; no text of the event is in the log."""
    api.trouble = lambda asked: trouble if "secret" in str(asked.body) else None
    async with EventRecorder(api, "shops") as recorder:
        recorder.event(SHOP, "Normal", "A", "secret")
        recorder.event(SHOP, "Normal", "B", "two")

    assert told(api) == [("two", 1)]
    (entry,) = logs
    assert (entry["event"], entry["key"], entry["reason"]) == ("record.refused", "shop/web", "A")
    assert "secret" not in str(entry)
    assert recorder.statistics()["refused"] == 1


async def test_it_gives_up_after_a_while(api: InMemory) -> None:
    """EV-01: 12 tries, as in client-go."""
    api.trouble = lambda _: refused(500)
    async with EventRecorder(api, "shops") as recorder:
        recorder.event(SHOP, "Normal", "A", "one")
        await anyio.sleep(1000)
        assert recorder.statistics()["refused"] == 1

    assert len(api.asked) == 12


@pytest.mark.parametrize(
    "given",
    [
        ({}, "Normal", "A"),
        (None, "Normal", "A"),
        ({"metadata": 7}, "Normal", "A"),
        (SHOP, "Fatal", "A"),
        (SHOP, "Normal", ""),
        (SHOP, "Normal", "A" * 129),
        (SHOP, "Normal", None),
    ],
)
async def test_it_never_raises(
    api: InMemory, given: tuple[Any, Any, Any], logs: list[EventDict]
) -> None:
    """Whatever it is given; it says so in the log."""
    async with EventRecorder(api, "shops") as recorder:
        recorder.event(*given, "x")

    assert not api.asked
    assert [entry["event"] for entry in logs] == ["record.failed"]


async def test_the_buffer_is_bounded(api: InMemory, logs: list[EventDict]) -> None:
    """What comes when it is full is dropped, counted and logged."""
    async with EventRecorder(api, "shops", buffer=3) as recorder:
        for number in range(5):
            recorder.event(SHOP, "Normal", f"R{number}", "x")

    assert recorder.statistics()["dropped"] == 2
    assert len(stored(api)) == 3
    assert [(entry["event"], entry["why"]) for entry in logs] == [("record.dropped", "full")] * 2


async def test_too_many_of_one_object_are_dropped(api: InMemory) -> None:
    """EV-01: 25 at once."""
    async with EventRecorder(api, "shops") as recorder:
        for number in range(30):
            recorder.event(SHOP, "Normal", f"R{number}", "x")

    assert len(stored(api)) == 25
    assert recorder.statistics()["dropped"] == 5


async def test_what_is_recorded_before_the_block_is_sent_in_it(api: InMemory) -> None:
    """A reconciler may be made before."""
    recorder = EventRecorder(api, "shops")
    recorder.event(SHOP, "Normal", "A", "one")

    async with recorder:
        pass

    assert told(api) == [("one", 1)]


async def test_after_the_block_nothing_is_recorded(api: InMemory, logs: list[EventDict]) -> None:
    """It is counted and logged."""
    async with EventRecorder(api, "shops") as recorder:
        pass
    recorder.event(SHOP, "Normal", "A", "one")

    assert recorder.statistics()["dropped"] == 1
    assert [(entry["event"], entry["why"]) for entry in logs] == [("record.dropped", "closed")]
    with pytest.raises(RuntimeError, match="make a new one"):
        async with recorder:
            pass


async def test_leaving_the_block_takes_a_second_at_most(
    api: InMemory, logs: list[EventDict]
) -> None:
    """C8: what could not be sent by then is dropped, counted and logged."""
    api.trouble = lambda _: Fault.LOST
    async with EventRecorder(api, "shops") as recorder:
        recorder.event(SHOP, "Normal", "A", "one")
        recorder.event(SHOP, "Normal", "B", "two")

    assert anyio.current_time() <= 1
    assert recorder.statistics()["dropped"] == 2
    assert [entry["reason"] for entry in logs] == ["2 events"]


async def test_a_cancelled_block_is_flushed_too(api: InMemory) -> None:
    """What led to its end is what one wants to read."""
    with anyio.move_on_after(1):
        async with EventRecorder(api, "shops") as recorder:
            await anyio.sleep(0.5)
            try:
                await anyio.sleep_forever()
            finally:
                recorder.event(SHOP, "Normal", "A", "cancelled")

    assert told(api) == [("cancelled", 1)]


async def test_what_the_block_raises_leaves_it_as_it_is(api: InMemory) -> None:
    """Never in an ExceptionGroup."""

    async def block() -> None:
        async with EventRecorder(api, "shops") as recorder:
            recorder.event(SHOP, "Normal", "A", "one")
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await block()

    assert told(api) == [("one", 1)]


async def test_objects_without_a_namespace_and_with_strange_names(api: InMemory) -> None:
    """Events about them are in namespace default, under a name that the API allows."""
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "system:Node/x" + "y" * 300, "uid": "u"},
    }
    async with EventRecorder(api, "shops") as recorder:
        recorder.event(role, "Warning", "A", "ä" * 2000)

    (event,) = stored(api, "default")
    assert event["metadata"]["name"].startswith("system-node-xyyy")
    assert len(event["metadata"]["name"]) <= 253
    assert event["note"] == "ä" * 510 + "…"  # 1024 bytes at most


async def test_its_repr_says_how_things_are(api: InMemory) -> None:
    """One line."""
    recorder = EventRecorder(api, "shops")
    assert repr(recorder) == "<EventRecorder shops new recorded=0 waiting=0 dropped=0>"
    async with recorder:
        recorder.event(SHOP, "Normal", "A", "one")
        assert repr(recorder) == "<EventRecorder shops open recorded=1 waiting=1 dropped=0>"
    assert repr(recorder) == "<EventRecorder shops closed recorded=1 waiting=0 dropped=0>"


@pytest.mark.parametrize(
    "settings", [{"component": ""}, {"component": "x" * 129}, {"buffer": 0}, {"flush": -1}]
)
def test_what_makes_no_sense_is_refused(api: InMemory, settings: dict[str, Any]) -> None:
    """When it is made."""
    with pytest.raises(ValueError, match=r"is (a|in) "):
        EventRecorder(api, **{"component": "shops", **settings})


def test_it_needs_a_client() -> None:
    """Not one of another library."""
    api: Any = object()
    with pytest.raises(TypeError, match="an ApiClient is needed"):
        EventRecorder(api, "shops")
