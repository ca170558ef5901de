"""What a health server says of informers, controllers, electors and checks, in virtual time."""

import math
from http import HTTPStatus
from typing import Any, cast

import anyio
import pytest
from structlog.typing import EventDict

from tests.docs.world import pod
from tests.unit.controllers.in_memory import Fault, InMemory
from tests.unit.controllers.reconciling import Reconciler, running, sleeps
from tests.unit.controllers.test_liveness import stubborn
from tests.unit.informer.informing import synced
from tests.unit.watching.scripted import Pause, ScriptedSource, refusal, reply
from watchkit import LeadershipLost, ListerWatcher, ServerUnavailable, SharedInformer
from watchkit.controllers import Controller, HealthServer, LeaderElector, Request
from watchkit.controllers.probes import Check
from watchkit.core.http1 import Answer, Asked
from watchkit.testing import FakeCluster, Stall

pytestmark = pytest.mark.anyio

A = Request("shop", "a")
UNHEALTHY = HTTPStatus.SERVICE_UNAVAILABLE


@pytest.fixture
def health() -> HealthServer:
    """Give a server that is asked here without a socket."""
    return HealthServer("127.0.0.1", 0)


def answered(health: HealthServer, path: str, method: str = "GET") -> Answer:
    """Ask, as a request that has been read does."""
    return health._probes.answer(Asked(method, path))  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


def faults(health: HealthServer, path: str) -> list[str]:
    """Give the lines of what fails; none where all is well."""
    answer = answered(health, path)
    if answer.status is HTTPStatus.OK:
        assert answer.body == b"ok\n"
        return []
    assert answer.status is UNHEALTHY
    return answer.body.decode().splitlines()


async def test_an_informer_is_live_from_its_start_and_ready_once_synced(
    health: HealthServer, pods: ListerWatcher
) -> None:
    """It stays ready, whatever becomes of the server: a controller goes on with what it knows."""
    silent = SharedInformer(ScriptedSource(last_list=reply(Pause())))
    async with SharedInformer(pods) as informer, silent:
        health.add(informer)
        health.add(silent)
        assert faults(health, "/readyz")[0] == "informer pods: not synced yet"
        await synced(informer)

        assert faults(health, "/healthz") == []
        assert faults(health, "/readyz") == ["informer pods: not synced yet"]
        health.remove(silent)
        assert faults(health, "/readyz") == []
    assert faults(health, "/readyz") == []
    assert faults(health, "/healthz") == ["informer pods: stopped"]
    health.remove(informer)
    assert faults(health, "/healthz") == []


async def test_a_wedged_informer_is_not_live(
    cluster: FakeCluster, health: HealthServer, pods: ListerWatcher
) -> None:
    """Nothing was heard for longer than `max_age`, and that is all that is said."""
    async with SharedInformer(pods, idle_timeout=10_000) as informer:
        health.add(informer, max_age=400)
        await synced(informer)
        cluster.inject(Stall(420), on="open")
        await anyio.sleep(399)
        assert faults(health, "/healthz") == []
        await anyio.sleep(2)
        assert faults(health, "/healthz") == ["informer pods: watching, nothing heard for 401 s"]
        assert faults(health, "/readyz") == []
        cluster.create(pod("shop", "a"))
        await anyio.sleep(60)
        assert faults(health, "/healthz") == []


async def test_a_server_that_refuses_everything_is_waited_for_as_long_as_said(
    health: HealthServer,
) -> None:
    """No text of an error is shown: who asks is nobody in particular."""
    trouble = refusal(ServerUnavailable(503, message="s3cr3t"))
    async with SharedInformer(ScriptedSource(last_list=trouble)) as informer:
        health.add(informer, max_age=300)
        health.add(informer, max_age=math.inf)
        await anyio.sleep(299)
        assert faults(health, "/healthz") == []
        await anyio.sleep(60)
        (line,) = faults(health, "/healthz")

    assert line.startswith("informer pods: ")
    assert "s3cr3t" not in line


async def test_a_controller_is_ready_when_it_works_and_when_it_stands_by(
    health: HealthServer, cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Not while it waits for what it watches, and not while it drains."""
    cluster.create(pod("shop", "a"))
    reconciler = Reconciler()
    reconciler.when("shop/a", sleeps(20))
    controller = Controller(reconciler, name="shop")
    health.add(controller)
    said: list[list[str]] = [faults(health, "/readyz")]
    cluster.inject(Stall(3, at="head"), on="list")
    async with SharedInformer(pods, initial_list="list") as informer:
        controller.watches(informer)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(controller.run)
            await anyio.sleep(1)
            said.append(faults(health, "/readyz"))
            await anyio.sleep(9)
            said.append(faults(health, "/readyz"))
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.sleep(5)
                said.append(faults(health, "/readyz"))
    said.append(faults(health, "/readyz"))

    assert said == [[], ["controller shop: waiting"], [], ["controller shop: draining"], []]
    assert faults(health, "/healthz") == []


async def test_a_reconcile_that_does_not_end_makes_a_controller_not_live(
    health: HealthServer,
) -> None:
    """Only where it had to end."""
    controller = Controller(stubborn, name="shop", timeout=100)
    health.add(controller, max_age=50)
    async with running(controller):
        controller.queue.add(A)
        await anyio.sleep(149)
        assert faults(health, "/healthz") == []
        await anyio.sleep(2)
        line = "controller shop: a reconcile does not heed its cancellation"
        assert faults(health, "/healthz") == [line]
    assert faults(health, "/healthz") == []


async def test_a_leader_and_a_standby_are_ready(health: HealthServer, api: InMemory) -> None:
    """Both are what they should be; and live, as long as work ends with its term."""
    electors = [LeaderElector(api, "shop", namespace="default", identity=name) for name in "ab"]
    async with anyio.create_task_group() as tasks:
        for elector in electors:
            health.add(elector)
            tasks.start_soon(elector.run, anyio.sleep_forever)
            await anyio.sleep(30)
        assert [each.is_leader for each in electors] == [True, False]
        assert (faults(health, "/readyz"), faults(health, "/healthz")) == ([], [])
        tasks.cancel_scope.cancel()


async def test_work_that_outlives_its_term_is_not_live(health: HealthServer, api: InMemory) -> None:
    """A restart ends it."""

    async def main() -> None:
        api.trouble = lambda _: Fault.NEVER_SENT
        await stubborn(A)

    elector = LeaderElector(api, "shop", namespace="default")
    health.add(elector)
    said: list[list[str]] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch, health, said)
        with pytest.raises(LeadershipLost):
            await elector.run(main)
        tasks.cancel_scope.cancel()

    assert said[0] == []
    assert said[-2] == ["leader election: work goes on after its term"]


async def watch(health: HealthServer, said: list[list[str]]) -> None:
    """Ask every ten seconds."""
    while True:
        said.append(faults(health, "/healthz"))
        await anyio.sleep(10)


async def test_checks_of_ones_own_are_asked_too(health: HealthServer) -> None:
    """In order, one line each; of what one raises only the class is told."""
    state: dict[str, Any] = {"up": True}

    def broken() -> bool:
        raise ConnectionError("postgres://shop:s3cr3t@db")

    health.live("loop", lambda: state["up"])
    health.ready("cache", lambda: state["up"] or "cold")
    assert (faults(health, "/healthz"), faults(health, "/readyz")) == ([], [])

    state["up"] = False
    health.ready("db", broken)
    health.ready("odd", cast("Check", lambda: None))
    health.ready("empty", lambda: "")
    assert faults(health, "/healthz") == ["loop: failed"]
    lines = ["cache: cold", "db: raised ConnectionError", "odd: failed", "empty: failed"]
    assert faults(health, "/readyz") == lines


async def test_a_change_is_logged_once(health: HealthServer, logs: list[EventDict]) -> None:
    """Not each probe: there are some every ten seconds."""
    state: dict[str, bool | str] = {"a": True, "b": True}
    health.live("a", lambda: state["a"])
    health.live("b", lambda: state["b"])
    for a, b in [(True, True), (False, True), (False, True), (False, "old"), (True, True)]:
        state.update(a=a, b=b)
        answered(health, "/healthz")
        answered(health, "/healthz", "HEAD")
        answered(health, "/readyz")

    assert logs == [
        {"event": "probe.failing", "log_level": "warning", "path": "/healthz", "failing": said}
        for said in (["a: failed"], ["a: failed", "b: old"])
    ] + [{"event": "probe.passing", "log_level": "info", "path": "/healthz"}]


@pytest.mark.parametrize("path", ["/", "/healthz/", "/healthz/ping", "/metrics", "//readyz", "/*"])
async def test_there_is_nothing_else(health: HealthServer, path: str) -> None:
    """No metrics either, where none were given."""
    assert answered(health, path).status is HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT"])
async def test_nothing_can_be_done_here(health: HealthServer, method: str) -> None:
    """It only answers."""
    answer = answered(health, "/healthz", method)

    assert answer.status is HTTPStatus.METHOD_NOT_ALLOWED
    assert answer.allow == "GET, HEAD"
