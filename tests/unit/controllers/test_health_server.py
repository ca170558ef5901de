"""HealthServer over real sockets, on asyncio and trio, asked as kubelet and Prometheus ask."""

import errno
import gc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from typing import Any

import anyio
import pytest
from anyio.abc import Listener, SocketStream, TaskGroup
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.registry import Collector
from structlog.testing import capture_logs

from tests.unit.controllers.reconciling import Reconciler
from tests.unit.informer.informing import raises_itself
from tests.unit.watching.scripted import Pause, ScriptedSource, reply
from watchkit import SharedInformer
from watchkit.controllers import Controller, HealthServer, Request, Result
from watchkit.metrics import Metrics
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio

LOOPBACK = "127.0.0.1"
FOR_EVER = 60.0
"""Seconds; reached only by a test that fails, however slow the machine is."""


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run on both backends in real time: there are sockets."""
    return str(request.param)


@dataclass(frozen=True)
class Page:
    """What was answered."""

    status: int
    headers: Message
    body: str

    @property
    def lines(self) -> list[str]:
        """What it says, line by line."""
        return self.body.splitlines()


async def get(health: HealthServer, path: str, *headers: str, method: str = "GET") -> Page:
    """Ask as kubelet does: a connection of its own, and its own name."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {LOOPBACK}:{health.port}",
        "User-Agent: kube-probe/1.34",
        "Connection: close",
        *(headers or ("Accept: */*",)),
    ]
    async with await anyio.connect_tcp(LOOPBACK, health.port) as stream:
        await stream.send("\r\n".join([*lines, "", ""]).encode())
        return page_of(await rest_of(stream))


async def rest_of(stream: SocketStream) -> bytes:
    """Read until the server has ended."""
    with anyio.fail_after(FOR_EVER):
        return b"".join([piece async for piece in stream])


def page_of(said: bytes) -> Page:
    """Read an answer."""
    head, _, body = said.partition(b"\r\n\r\n")
    line, _, fields = head.partition(b"\r\n")
    version, status, _ = line.split(b" ", 2)
    assert version == b"HTTP/1.1"
    headers = BytesParser().parsebytes(fields, headersonly=True)
    assert headers["Connection"] == "close"
    assert parsedate_to_datetime(headers["Date"]).tzinfo is not None
    return Page(int(status), headers, body.decode())


async def turns(health: HealthServer, path: str, status: int) -> Page:
    """Ask again and again until the answer has this status, and give that."""
    with anyio.fail_after(FOR_EVER):
        while (page := await get(health, path)).status != status:  # noqa: ASYNC110 - as probes do
            await anyio.sleep(0.01)
    return page


async def test_a_pod_that_is_well_says_so() -> None:
    """200 to both probes; where, it says itself."""
    async with HealthServer(LOOPBACK, 0) as health:
        assert health.port > 0
        assert repr(health) == f"<HealthServer 127.0.0.1:{health.port} serving open=0>"
        for path in ("/healthz", "/readyz", "/readyz?verbose"):
            page = await get(health, path)
            assert (page.status, page.body) == (200, "ok\n")
            assert page.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert page.headers["Content-Length"] == "3"
        head = await get(health, "/healthz", method="HEAD")
        assert (head.status, head.headers["Content-Length"], head.body) == (200, "3", "")
        assert (await get(health, "/metrics")).status == 404
        refused = await get(health, "/healthz", method="POST")
        assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")

    assert repr(health) == "<HealthServer 127.0.0.1:0 stopped open=0>"


async def test_a_wedged_informer_is_told_line_by_line() -> None:
    """The probe fails, whatever else is well."""
    silent = SharedInformer(ScriptedSource(last_list=reply(Pause())))
    pods = FakeCluster().source("v1", "pods", "shop")
    async with HealthServer(LOOPBACK, 0) as health, SharedInformer(pods) as informer, silent:
        health.add(informer)
        health.add(silent, max_age=0)
        health.live("db", lambda: "away")
        await informer.wait_for_sync()
        page = await turns(health, "/healthz", 503)

        assert len(page.lines) == 2
        assert page.lines[0].startswith("informer pods: syncing, nothing heard for ")
        assert page.lines[1] == "db: away"
        assert page.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert (await get(health, "/readyz")).lines == ["informer pods: not synced yet"]


async def test_metrics_come_in_the_format_that_is_accepted() -> None:
    """As Prometheus asks for it, and as a browser does."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    Counter("of_ones_own", "Another one of the program.", registry=registry).inc()
    controller = Controller(Reconciler(), name="shop")
    metrics.register(controller)
    async with HealthServer(LOOPBACK, 0, metrics=metrics) as health:
        plain = await get(health, "/metrics", "Accept: text/html,*/*;q=0.8")
        openmetrics = await get(
            health,
            "/metrics",
            "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2",
        )
        odd = await get(health, "/metrics", "Accept: text/plain;version=x")

    assert plain.status == openmetrics.status == odd.status == 200
    assert plain.headers.get_content_type() == odd.headers.get_content_type() == "text/plain"
    assert plain.headers.get_param("version") == "0.0.4"
    assert openmetrics.headers.get_content_type() == "application/openmetrics-text"
    assert openmetrics.body.endswith("# EOF\n")
    for page in (plain, openmetrics, odd):
        assert 'reconcile_total{controller="shop",result="success"} 0.0' in page.lines
        assert "of_ones_own_total 1.0" in page.lines


async def test_a_collector_that_fails_is_not_the_end() -> None:
    """Whose ever it is: 500 to Prometheus, and the probes go on."""

    class Broken(Collector):
        def collect(self) -> list[object]:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            raise ConnectionError("postgres://shop:s3cr3t@db")

        def describe(self) -> list[object]:
            return []

    registry = CollectorRegistry()
    metrics = Metrics(registry)
    registry.register(Broken())
    async with HealthServer(LOOPBACK, 0, metrics=metrics) as health:
        page = await get(health, "/metrics")
        assert (page.status, page.body) == (500, "metrics: raised ConnectionError\n")
        assert (await get(health, "/healthz")).status == 200


async def test_a_large_answer_comes_whole() -> None:
    """More than any buffer on the way holds."""
    registry = CollectorRegistry()
    counter = Counter("many", "A lot of series.", ["name"], registry=registry)
    for number in range(500):
        counter.labels("x" * 4000 + str(number)).inc()
    async with HealthServer(LOOPBACK, 0, metrics=Metrics(registry)) as health:
        page = await get(health, "/metrics")

    assert len(page.body) == int(page.headers["Content-Length"]) > 2_000_000
    assert page.lines[-1].startswith("many_created")


class Held:
    """A reconcile that goes on until it may end."""

    def __init__(self) -> None:
        self.at_work = anyio.Event()
        self.over = anyio.Event()

    async def reconcile(self, request: Request) -> Result | None:
        """Wait for that."""
        self.at_work.set()
        await self.over.wait()
        return None


async def test_it_answers_until_what_is_in_its_block_has_ended() -> None:
    """Also where that was cancelled from outside: not ready any more, but live."""
    held = Held()
    controller = Controller(held.reconcile, name="shop", grace=FOR_EVER)
    health = HealthServer(LOOPBACK, 0)

    async def work() -> None:
        async with health:
            health.add(controller)
            controller.queue.add(Request("shop", "a"))
            await controller.run()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        await held.at_work.wait()
        assert (await get(health, "/readyz")).status == 200
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            page = await turns(health, "/readyz", 503)
            assert page.lines == ["server: ending", "controller shop: draining"]
            assert (await get(health, "/healthz")).status == 200
            held.over.set()

    assert controller.statistics().results == {"success": 1}


async def test_many_clients_are_answered_at_once() -> None:
    """One that says nothing holds up nobody."""
    pages: list[Page] = []
    health = HealthServer(LOOPBACK, 0)

    async def ask() -> None:
        pages.append(await get(health, "/healthz"))

    async with (
        health,
        await anyio.connect_tcp(LOOPBACK, health.port),
        anyio.create_task_group() as tasks,
    ):
        for _ in range(20):
            tasks.start_soon(ask)

    assert [page.status for page in pages] == [200] * 20


async def test_what_cannot_be_taken_does_not_end_it() -> None:
    """Too many open files: what comes then is lost, what comes later is not."""

    class Full(Listener[SocketStream]):
        """Fails, and from the third time on waits for clients that never come."""

        tries = 0
        third = anyio.Event()

        async def serve(
            self, handler: Callable[[SocketStream], Any], task_group: TaskGroup | None = None
        ) -> None:
            """Fail, or wait."""
            self.tries += 1
            if self.tries < 3:
                raise OSError(errno.EMFILE, "Too many open files")
            self.third.set()
            await anyio.sleep_forever()

        async def aclose(self) -> None:
            """Nothing was opened."""

    health, full = HealthServer(LOOPBACK, 0), Full()
    with capture_logs() as logs:
        async with anyio.create_task_group() as tasks:
            accept = health._accept  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            tasks.start_soon(accept, full, tasks)
            await full.third.wait()
            tasks.cancel_scope.cancel()

    cause = "OSError: Too many open files"
    said = {"event": "probe.unheard", "log_level": "warning", "cause": cause}
    assert logs == [said, said]


async def test_an_error_leaves_the_block_as_itself() -> None:
    """Never inside a group."""
    with raises_itself(LookupError):
        async with HealthServer(LOOPBACK, 0):
            raise LookupError


async def test_it_can_be_entered_again() -> None:
    """Ready anew."""
    health = HealthServer(LOOPBACK, 0)
    for _ in range(2):
        async with health:
            assert (await get(health, "/readyz")).status == 200


async def test_a_port_that_is_taken_is_an_error_at_once() -> None:
    """Of the operating system, as it came."""
    async with HealthServer(LOOPBACK, 0) as health:
        with pytest.raises(OSError, match=r".*") as caught:
            async with HealthServer(LOOPBACK, health.port):
                pass
    assert caught.value.errno == errno.EADDRINUSE


async def test_nothing_is_left_open() -> None:
    """No socket, with clients in whatever state: what is not closed is a warning, so an error."""
    async with HealthServer(LOOPBACK, 0) as health:
        await get(health, "/healthz")
        silent = await anyio.connect_tcp(LOOPBACK, health.port)
        asking = await anyio.connect_tcp(LOOPBACK, health.port)
        await asking.send(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert await asking.receive()
    for stream in (silent, asking):
        with suppress(anyio.BrokenResourceError):  # it had not been taken yet
            assert await rest_of(stream) == b""
        await stream.aclose()
    gc.collect()


async def test_it_listens_where_it_is_told() -> None:
    """One port, whatever addresses the name has."""
    async with HealthServer("localhost", 0) as health:
        assert (await get(health, "/healthz")).status == 200
