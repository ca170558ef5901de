"""On a real server: one replica works at a time, whatever becomes of the others; what it writes.

Replicas are processes of their own (tests/e2e/leading.py), which are killed, stopped and continued.
"""

import signal
import sys
import time
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from kubernetes_asyncio.client import ApiClient

from watchkit import ClientConfig, Conflict, LeadershipLost, ListWatch, NotFound, Object, connect
from watchkit.controllers import (
    EventRecorder,
    LeaderElector,
    ensure_finalizer,
    owner_reference,
    remove_finalizer,
    set_condition,
)

from .following import PATIENCE
from .harness import Cluster, JsonObject, RecordingProxy, client_for
from .leading import TERMS
from .replicas import LONG, Replica, started

pytestmark = pytest.mark.anyio


def replica(cluster: Cluster, namespace: str, name: str) -> AbstractAsyncContextManager[Replica]:
    """Run a replica; at the end of the block it is killed."""
    given = (str(cluster.kubeconfig), namespace, name)
    return started(name, [sys.executable, "-m", "tests.e2e.leading", *given])


def numbers_of(replica: Replica, event: str) -> list[int]:
    """Give the numbers of which a replica said that."""
    return [line["n"] for line in replica.said if line["event"] == event]


class Count:
    """The ConfigMap that replicas count in, and their Lease."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self.maps = f"/api/v1/namespaces/{namespace}/configmaps"
        self.lease = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/count"

    async def begin(self) -> None:
        """Create the ConfigMap."""
        data = {"metadata": {"name": "count"}, "data": {"n": "0"}}
        await self._cluster.call("POST", self.maps, data)

    async def value(self) -> int:
        """Read it."""
        return int((await self._cluster.call("GET", f"{self.maps}/count"))["data"]["n"])

    async def holder(self) -> str:
        """Read whom the Lease names."""
        return str((await self._cluster.call("GET", self.lease))["spec"]["holderIdentity"])

    async def delete_lease(self) -> None:
        """Delete the Lease, once it is there."""
        with anyio.fail_after(LONG):
            while (await self._cluster.request("DELETE", self.lease)).status == 404:
                await anyio.sleep(0.05)


@pytest.fixture
async def count(control_plane: Cluster, namespace: str) -> Count:
    """Give a count that has begun."""
    made = Count(control_plane, namespace)
    await made.begin()
    return made


def each_once(*replicas: Replica, ended: Replica | None = None) -> bool:
    """Whether no number was counted twice, and none left out.

    One that has ended may have written its last number without having said so.
    """
    numbers = sorted(number for each in replicas for number in numbers_of(each, "counted"))
    unsaid = set(range(1, numbers[-1] + 1)) - set(numbers)
    untold = set(numbers_of(ended, "read")[-1:]) if ended is not None else set[int]()
    return len(set(numbers)) == len(numbers) and unsaid <= untold


async def test_another_replica_takes_over_from_a_killed_one(
    control_plane: Cluster, namespace: str, count: Count
) -> None:
    """SIGKILL: the lease runs out, the other one goes on counting where it was."""
    async with (
        replica(control_plane, namespace, "a") as first,
        replica(control_plane, namespace, "b") as second,
    ):
        leads = [first, second]
        with anyio.fail_after(LONG):
            while not any(numbers_of(each, "counted") for each in leads):
                await anyio.sleep(0.02)
        leads.sort(key=lambda each: not numbers_of(each, "counted"))
        dead, alive = leads
        heard = len(alive.said)
        died = anyio.current_time()
        dead.process.kill()
        await alive.says("counted", after=heard)
        print(f"went on after {anyio.current_time() - died:.2f} s, terms of {TERMS}")

    terms = [line for line in alive.said if line["event"] == "leads"]
    assert terms[-1]["transitions"] >= 1
    assert each_once(dead, alive, ended=dead)


async def test_a_replica_that_was_stopped_begins_nothing_and_its_write_is_refused(
    control_plane: Cluster, namespace: str, count: Count
) -> None:
    """SIGSTOP in the middle of a count: continued, it meets 409, and counts no more."""
    async with replica(control_plane, namespace, "a") as old:
        await old.says("counted")
        number = await _stopped_before_its_write(old, count)
        async with replica(control_plane, namespace, "b") as new:
            await new.says("counted")
            heard = len(old.said)
            old.process.send_signal(signal.SIGCONT)
            await old.says("lost", after=heard)

    after = [line["event"] for line in old.said[heard:]]
    assert after[: after.index("lost") + 1] == ["refused", "lost"]
    assert old.said[heard] == {"event": "refused", "status": 409, "n": number}
    assert each_once(old, new)


async def _stopped_before_its_write(old: Replica, count: Count) -> int:
    """Stop it between a read and its write, and give the number that it would write."""
    while True:
        heard = len(old.said)
        read = await old.says("read", after=heard)
        number = int(read["n"])
        old.process.send_signal(signal.SIGSTOP)
        if time.monotonic() < read["until"]:
            assert await count.value() == number - 1
            return number
        old.process.send_signal(signal.SIGCONT)  # it was quicker


async def test_a_replica_told_to_stop_hands_over(
    control_plane: Cluster, namespace: str, count: Count
) -> None:
    """SIGINT: its work ends, then the lease is nobody's, and the other one has it at once."""
    async with replica(control_plane, namespace, "a") as first:
        await first.says("counted")
        async with replica(control_plane, namespace, "b") as second:
            first.process.send_signal(signal.SIGINT)
            with anyio.fail_after(LONG):
                await first.process.wait()
                await second.says("counted")

    assert each_once(first, second, ended=first)


async def test_a_deleted_lease_is_made_again(
    control_plane: Cluster, namespace: str, count: Count
) -> None:
    """Two replicas and somebody who deletes it: still nothing is counted twice."""
    async with (
        replica(control_plane, namespace, "a") as first,
        replica(control_plane, namespace, "b") as second,
    ):
        for _ in range(2):
            before = await count.value()
            with anyio.fail_after(LONG):
                while await count.value() < before + 2:
                    await anyio.sleep(0.05)
            await count.delete_lease()
        before = await count.value()
        with anyio.fail_after(LONG):
            while await count.value() < before + 2:
                await anyio.sleep(0.05)

    assert each_once(first, second)


async def test_a_holder_whose_server_falls_silent_stops(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy
) -> None:
    """A connection that hangs does not outlive the deadline; healed, it may lead again."""
    async with connect(ClientConfig(kubeconfig=proxy.kubeconfig)) as api:
        elector = LeaderElector(api, "silent", namespace=namespace, identity="a", **TERMS)
        begun: list[float] = []

        async def work() -> None:
            begun.append(anyio.current_time())
            proxy.freeze()
            await anyio.sleep_forever()

        with anyio.fail_after(LONG):
            while not begun:  # a term may be over before it begins, where the machine is busy
                with pytest.raises(LeadershipLost, match=r"it was not renewed for 2\.5 s"):
                    await elector.run(work)
            proxy.thaw()
            while True:
                with suppress(LeadershipLost):
                    assert await elector.run(_done) == "done"
                    break


async def test_a_connection_that_hangs_costs_no_lease(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy
) -> None:
    """After a silent request the next one takes a new connection, in time."""
    async with connect(ClientConfig(kubeconfig=proxy.kubeconfig)) as api:
        elector = LeaderElector(
            api, "hangs", namespace=namespace, lease_duration=90, renew_deadline=30, retry_period=1
        )

        async def work() -> str:
            proxy.freeze_open()
            with anyio.fail_after(LONG):
                while elector.statistics()["failures"] == 0 or elector.statistics()["renewals"] < 2:
                    await anyio.sleep(0.1)
            return "still"

        assert await elector.run(work) == "still"
        assert elector.statistics()["lost"] == 0


async def _done() -> str:
    return "done"


async def test_the_lease_is_as_client_go_writes_it(control_plane: Cluster, namespace: str) -> None:
    """Held, and released."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/web"
    held: list[JsonObject] = []
    async with client_for(control_plane.kubeconfig) as api:
        elector = LeaderElector(api, "web", namespace=namespace, identity="a")

        async def work() -> None:
            held.append((await control_plane.call("GET", path))["spec"])

        await elector.run(work)
    released = (await control_plane.call("GET", path))["spec"]

    assert {name: held[0].get(name) for name in ("holderIdentity", "leaseDurationSeconds")} == {
        "holderIdentity": "a",
        "leaseDurationSeconds": 15,
    }
    assert held[0]["acquireTime"] <= held[0]["renewTime"]
    assert released["leaseDurationSeconds"] == 1
    assert not released.get("holderIdentity")


async def test_finalizers_hold_an_object(control_plane: Cluster, namespace: str) -> None:
    """Added, they keep it from going; removed, it goes; an old version is a conflict."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    made = await control_plane.call("POST", path, {"metadata": {"name": "held"}})
    async with client_for(control_plane.kubeconfig) as api:
        source = ListWatch.for_resource(api, "v1", "configmaps")
        old = Object(made)
        held = await ensure_finalizer(source, old, "example.com/cleanup")
        assert held.finalizers == ["example.com/cleanup"]
        assert await ensure_finalizer(source, held, "example.com/cleanup") is held
        with pytest.raises(Conflict):
            await ensure_finalizer(source, old, "example.com/other")
        await control_plane.call("DELETE", f"{path}/held")
        going = Object(await control_plane.call("GET", f"{path}/held"))
        assert going.deletion_timestamp is not None
        assert (await remove_finalizer(source, going, "example.com/cleanup")).finalizers == []
        assert (await control_plane.request("GET", f"{path}/held")).status == 404
        assert await remove_finalizer(source, going, "example.com/cleanup") is going
        with pytest.raises(NotFound):
            await ensure_finalizer(source, old, "example.com/other")


async def test_owners_and_conditions_are_accepted(control_plane: Cluster, namespace: str) -> None:
    """By the server's own validation."""
    path = f"/api/v1/namespaces/{namespace}"
    owner = await control_plane.call("POST", f"{path}/configmaps", {"metadata": {"name": "owner"}})
    metadata = {"name": "owned", "ownerReferences": [owner_reference(owner)]}
    owned = await control_plane.call("POST", f"{path}/configmaps", {"metadata": metadata})
    service = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    await control_plane.call("POST", f"{path}/services", service)
    conditions: list[dict[str, Any]] = []
    set_condition(
        conditions, "Ready", "True", reason="Up", observed_generation=1, now=datetime.now(UTC)
    )
    changed = await control_plane.call(
        "PATCH",
        f"{path}/services/web/status",
        {"status": {"conditions": conditions}},
        content_type="application/merge-patch+json",
    )

    assert owned["metadata"]["ownerReferences"] == [owner_reference(owner)]
    assert changed["status"]["conditions"] == conditions


async def test_events_are_really_there(control_plane: Cluster, namespace: str) -> None:
    """As kubectl finds them: new, counted, about cluster-scoped objects, and by both APIs."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    made = await control_plane.call("POST", path, {"metadata": {"name": "web"}})
    space = await control_plane.call("GET", f"/api/v1/namespaces/{namespace}")
    async with client_for(control_plane.kubeconfig) as api:
        await _record(api, made, space)
    events = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
    found = (await control_plane.call("GET", events))["items"]
    by_reason = {each["reason"]: each for each in found}

    assert set(by_reason) == {"Once", "Again", "Twice", "Long"}
    assert "series" not in by_reason["Once"]
    assert by_reason["Again"]["series"]["count"] == 5
    assert by_reason["Twice"]["series"]["count"] == 2
    assert by_reason["Long"]["note"] == "ö" * 510 + "…"
    core = await control_plane.call(
        "GET",
        f"/api/v1/namespaces/{namespace}/events",
        query={"fieldSelector": f"involvedObject.uid={made['metadata']['uid']}"},
    )
    assert len(core["items"]) == 4
    default = await control_plane.call("GET", "/apis/events.k8s.io/v1/namespaces/default/events")
    assert any(each["regarding"]["name"] == namespace for each in default["items"])


async def _record(api: ApiClient, made: JsonObject, space: JsonObject) -> None:
    async with EventRecorder(api, "e2e.watchkit/tests", flush=PATIENCE) as recorder:
        recorder.event(made, "Normal", "Once", "it happened")
        recorder.event(made, "Warning", "Twice", "at once")
        recorder.event(made, "Warning", "Twice", "at once")
        recorder.event(made, "Normal", "Long", "ö" * 5000)
        recorder.event(space, "Normal", "Once", "of a cluster-scoped object")
        for number in range(5):
            recorder.event(made, "Normal", "Again", "and again")
            with anyio.fail_after(PATIENCE):
                while recorder.statistics()["sent"] < 4 + number + 1:
                    await anyio.sleep(0.02)
        assert recorder.statistics()["refused"] == recorder.statistics()["dropped"] == 0
