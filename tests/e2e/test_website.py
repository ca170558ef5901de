"""The controller of examples/website on a real server: killed, stopped, raced and cut off."""

import signal
from collections.abc import AsyncIterator, Callable
from functools import partial

import anyio
import pytest

from .conftest import Launch
from .harness import Cluster, ControlPlane, RecordedRequest
from .harness.wire import exchange
from .leading import TERMS
from .replicas import LONG
from .websites import ACCOUNT, Running, Shop, open_shop

pytestmark = pytest.mark.anyio

CALM = {"lease_duration": 120.0, "renew_deadline": 90.0, "retry_period": 2.0}
"""Terms for tests that are about something else than elections."""

UNCACHED = "deployments.apps#0,services#0"
"""As `watch_cache_sizes`: the server watches etcd itself, and a compaction shows at once."""


@pytest.fixture
async def shop(control_plane: Cluster, namespace: str) -> AsyncIterator[Shop]:
    """Lend a namespace for websites on the shared server."""
    async with open_shop(control_plane, namespace) as shop:
        yield shop


async def test_a_website_from_its_beginning_to_its_end(shop: Shop) -> None:
    """Made, told of, scaled, put right, left alone by the next replica, and taken away whole."""
    site, deployment = f"{shop.sites}/front", f"{shop.deployments}/front"
    service = f"{shop.services}/front"
    async with shop.replica("a", **CALM) as first:
        await _answers(first, "/readyz")
        await shop.create("front", replicas=2)
        await shop.until_reason("front", "RollingOut")
        await shop.roll_out("front")
        told = await shop.until_reason("front", "Available")
        assert told["metadata"]["finalizers"] == ["example.com/website-controller"]
        assert told["status"]["replicas"] == 2
        await _puts_right(shop)
        made = await shop.cluster.call("GET", deployment)
        assert "website-controller" in {
            each["manager"] for each in made["metadata"]["managedFields"]
        }
        await _answers(first, "/healthz")
        assert b'reconcile_total{controller="website-controller",result="success"}' in (
            await _answers(first, "/metrics")
        )
        await _ends(first)
    assert not (await shop.cluster.call("GET", shop.lease))["spec"].get("holderIdentity")
    before = await shop.versions()

    async with shop.replica("b", **CALM) as second:
        await second.replica.says("reconcile.done")
        assert second.writes() == []
        assert await shop.versions() == before
        await shop.patch(deployment, {"metadata": {"finalizers": ["example.org/hold"]}})
        await shop.cluster.call("DELETE", site)
        await shop.until_reason("front", "Terminating")
        assert await shop.get(service) is None
        await shop.patch(deployment, {"metadata": {"finalizers": None}})
        await shop.until(lambda: _is_gone(shop, site), "the website is gone")
        assert await shop.get(deployment) is None
        assert not [line for line in second.replica.said if line["event"] == "reconcile.failed"]
    events = f"/apis/events.k8s.io/v1/namespaces/{shop.namespace}/events"
    found = (await shop.cluster.call("GET", events))["items"]
    ours = [each for each in found if each["reportingController"] == ACCOUNT]
    assert {each["reason"] for each in ours} == {"Created", "Updated"}


async def _answers(running: Running, path: str) -> bytes:
    """Wait until it answers a probe with 200, and give what it says."""
    port = (await running.replica.says("website.serving"))["port"]
    with anyio.fail_after(LONG):
        while True:
            reply = await exchange("GET", f"http://127.0.0.1:{port}{path}")
            if reply.status == 200:
                return reply.body
            await anyio.sleep(0.05)


async def _puts_right(shop: Shop) -> None:
    """See that a website follows its scale, and that drift does not stay."""
    deployment, service = f"{shop.deployments}/front", f"{shop.services}/front"
    await shop.scale("front", 3)
    await shop.until_made(["front"], 3)
    before = (await shop.cluster.call("GET", service))["metadata"]["uid"]
    await shop.cluster.call("DELETE", service)
    after = await shop.until_there(service)
    assert after["metadata"]["uid"] != before
    await shop.patch(deployment, {"spec": {"replicas": 9, "minReadySeconds": 4}})
    await shop.until_made(["front"], 3)
    assert (await shop.cluster.call("GET", deployment))["spec"]["minReadySeconds"] == 4
    await shop.until_reason("front", "RollingOut")


async def _is_gone(shop: Shop, path: str) -> bool:
    return await shop.get(path) is None


async def test_a_write_that_somebody_overtook_is_refused_and_made_again(shop: Shop) -> None:
    """409 by the version that was read; afterwards both have what they wanted."""
    async with shop.replica("a", **CALM) as running:
        await shop.create("front", replicas=1)
        await shop.until_reason("front", "RollingOut")
        held: list[RecordedRequest] = []

        def hold(request: RecordedRequest) -> None:
            if not held and _is_work(request):
                held.append(request)
                running.proxy.freeze_open()

        running.proxy.on_request(hold)
        await shop.scale("front", 4)
        await _until(lambda: bool(held))
        note = {"metadata": {"annotations": {"other": "was here"}}}
        await shop.patch(f"{shop.deployments}/front", note)
        running.proxy.thaw()
        await shop.until_made(["front"], 4)

    assert held[0].status == 409
    found = await shop.cluster.call("GET", f"{shop.deployments}/front")
    assert found["metadata"]["annotations"]["other"] == "was here"


async def test_a_server_that_is_killed_and_forgets(private_control_plane: Launch) -> None:
    """SIGKILL in the middle of the work, thrice; then a gap that the server has compacted away."""
    names = [f"front-{number}" for number in range(6)]
    async with (
        private_control_plane(watch_cache_sizes=UNCACHED) as plane,
        open_shop(plane, await plane.create_namespace()) as shop,
    ):
        # A server that has just begun refuses others for a moment: it has not read the roles yet.
        shop.user = plane.admin
        async with shop.replica("a") as first, shop.replica("b") as second:
            for number, name in enumerate(names):
                await shop.create(name, replicas=1)
                if number in {2, 5}:
                    await plane.restart("apiserver")
            await shop.until_made(names, 1)
            for name in names:
                await shop.scale(name, 2)
            await plane.restart("apiserver")
            await shop.until_made(names, 2)
            for name in names:
                await shop.until_reason(name, "RollingOut")
            await _ends(first)
            await _ends(second)
        before = await shop.versions()
        async with shop.replica("c", **CALM) as third:
            await _until(lambda: _done(third) == {f"{shop.namespace}/{name}" for name in names})
            assert third.writes() == []
            await _forgets(shop, plane, third)
            await shop.until_made(names, 2)
        after = await shop.versions()

    expired = [line for line in third.replica.said if line["event"] == "watch.expired"]
    assert {line["resource"] for line in expired} >= {"deployments.apps", "services"}
    touched = {f"{shop.deployments}/front-0", f"{shop.services}/front-1"}
    assert {path for path in before if after.get(path) != before[path]} == touched
    assert after.keys() == before.keys()


async def _forgets(shop: Shop, plane: ControlPlane, running: Running) -> None:
    """Cut a replica off, do something behind its back, and have the server forget that."""
    running.proxy.refuse()
    running.proxy.cut()
    await shop.cluster.call("DELETE", f"{shop.services}/front-1")
    await shop.patch(f"{shop.deployments}/front-0", {"spec": {"replicas": 7}})
    await plane.compact()
    running.proxy.accept()


async def test_another_replica_goes_on_where_a_killed_one_was(shop: Shop) -> None:
    """SIGKILL in the middle of the work: once the lease has run out it goes on, and not before."""
    names = [f"front-{number}" for number in range(5)]
    killed: list[Running] = []
    async with shop.replica("a") as one, shop.replica("b") as other:

        def kill(running: Running, request: RecordedRequest) -> None:
            made = [each for each in running.writes() if each.method == "POST"]
            if len(made) == len(names) and not killed:  # of twice as many, so one comes to that
                killed.append(running)
                running.replica.process.kill()

        for running in (one, other):
            await running.replica.says("list.done")
            running.proxy.on_request(partial(kill, running))
        for name in names:
            await shop.create(name, replicas=2)
        await _until(lambda: bool(killed))
        dead, alive = killed[0], other if killed[0] is one else one
        await shop.until_made(names, 2)
        for name in names:
            await shop.until_reason(name, "RollingOut")
        lease = (await shop.cluster.call("GET", shop.lease))["spec"]

    last = dead.renewals()[-1].at
    waited = next(each.at for each in alive.writes() if each.at > last) - last
    print(f"work went on {waited:.2f} s after the last renewal, terms of {TERMS}")
    assert waited >= TERMS["lease_duration"]
    assert lease["holderIdentity"] == alive.replica.name
    assert lease["leaseTransitions"] >= 1


async def test_a_stopped_replica_begins_nothing_and_its_write_is_refused(shop: Shop) -> None:
    """SIGSTOP with a write under way: 409 for that, and no reconcile after the thaw."""
    names = [f"front-{number}" for number in range(4)]
    async with shop.replica("a") as one, shop.replica("b") as other:
        for name in names:
            await shop.create(name, replicas=1)
        for name in names:
            await shop.until_reason(name, "RollingOut")
        old, held = await _stopped_with_a_write(shop, [one, other], names)
        new = other if old is one else one
        await shop.until_made(names, 5)  # by the other one
        old.proxy.thaw()
        await _until(lambda: held.status is not None)
        assert held.status == 409
        heard, asked = len(old.replica.said), len(old.proxy.requests)
        old.replica.process.send_signal(signal.SIGCONT)
        await old.replica.says("lease.waiting", after=heard)
        for name in names:
            await shop.scale(name, 6)
        await shop.until_made(names, 6)
        for name in names:
            await shop.until_reason(name, "RollingOut")
        await _ends(new)
        again = await old.replica.says("lease.acquired", after=heard)
        await shop.scale("front-0", 0)
        await _until_replicas(shop, "front-0", 0)

    thawed = [line["event"] for line in old.replica.said[heard : old.replica.said.index(again)]]
    assert "lease.lost" in thawed
    assert "reconcile.started" not in thawed
    leads = next(n for n, each in enumerate(old.proxy.requests) if n >= asked and _renews(each))
    assert old.writes(asked, leads) == []


async def _stopped_with_a_write(
    shop: Shop, replicas: list[Running], names: list[str]
) -> tuple[Running, RecordedRequest]:
    """Stop the replica that works, with a write of it on its way and more to do; give both."""
    held: list[tuple[Running, RecordedRequest]] = []

    def stop(running: Running, request: RecordedRequest) -> None:
        if not held and _is_work(request):
            held.append((running, request))
            running.proxy.freeze_open()
            running.replica.process.send_signal(signal.SIGSTOP)

    for running in replicas:
        running.proxy.on_request(partial(stop, running))
    for name in names:
        await shop.scale(name, 5)
    await _until(lambda: bool(held))
    return held[0]


def _renews(request: RecordedRequest) -> bool:
    """Whether a replica took the lease, or kept it."""
    return request.method == "PUT" and "/leases/" in request.path and request.status == 200


async def _until_replicas(shop: Shop, name: str, replicas: int) -> None:
    async def are_wanted() -> bool:
        found = await shop.cluster.call("GET", f"{shop.deployments}/{name}")
        return bool(found["spec"]["replicas"] == replicas)

    await shop.until(are_wanted, f"{name} is to have {replicas} replicas")


def _is_work(request: RecordedRequest) -> bool:
    """Whether a Deployment is written over."""
    return request.method == "PUT" and "/deployments/" in request.path


def _done(running: Running) -> set[str]:
    """Give the keys whose reconcile has succeeded."""
    return {line["key"] for line in running.replica.said if line["event"] == "reconcile.done"}


async def _ends(running: Running) -> None:
    """Tell a replica to end, and see that it does, in peace."""
    running.replica.process.send_signal(signal.SIGTERM)
    with anyio.fail_after(LONG):
        assert await running.replica.process.wait() == 0


async def _until(holds: Callable[[], bool]) -> None:
    with anyio.fail_after(LONG):
        while not holds():
            await anyio.sleep(0.02)
