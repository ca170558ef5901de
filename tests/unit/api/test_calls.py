"""Laws of the calls of a client of connect(): bounded in time and number, and safe."""

import logging
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from kubernetes_asyncio.client import ApiException, CoreV1Api, V1Namespace
from kubernetes_asyncio.watch import Watch

from tests.unit.api.test_client import kubeconfig, list_nodes
from tests.unit.api.wire import End, Push, Step, WireServer, chunk, head, open_watch, whole
from watchkit.api.calls import Timeouts
from watchkit.api.client import ClientConfig, connect
from watchkit.api.listwatch import ListWatch
from watchkit.core.errors import Redirected, WatchkitError

pytestmark = pytest.mark.anyio

LIST = b'{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[]}'
EVENT = b'{"type":"ADDED","object":{"kind":"Node","metadata":{"name":"n","resourceVersion":"8"}}}\n'


def config(path: Path, url: str, **settings: Any) -> ClientConfig:  # noqa: ANN401 - of any type
    """Make a configuration of a server, with a token."""
    return ClientConfig(kubeconfig=kubeconfig(path, url, {"token": "t"}).kubeconfig, **settings)


@pytest.mark.parametrize(
    ("given", "total", "connect_", "read"),
    [
        (None, 300, 10, 65),
        (5, 5, 10, None),
        (0.5, 0.5, 10, None),
        (0, None, 10, None),
        ((2, 3), None, 2, 3),
        (aiohttp.ClientTimeout(total=7), 7, None, None),
    ],
)
def test_what_the_caller_gave_counts(
    given: object, total: float | None, connect_: float | None, read: float | None
) -> None:
    """The rest is the configuration's; 0 is no bound, as kubernetes_asyncio has it."""
    made = ClientConfig().timeouts.of(given, is_long=False, is_streamed=False)

    assert (made.total, made.connect, made.sock_read) == (total, connect_, read)
    assert made.sock_connect == made.connect


def test_an_answer_without_end_is_bounded_at_its_beginning_only() -> None:
    """And one that the caller reads has no bound for the whole."""
    timeouts = Timeouts(connect=1, read=2, total=3)
    long = timeouts.of(None, is_long=True, is_streamed=True)
    streamed = timeouts.of(None, is_long=False, is_streamed=True)

    assert (long.total, long.connect, long.sock_read) == (None, 1, None)
    assert (streamed.total, streamed.connect, streamed.sock_read) == (None, 1, 2)


@pytest.mark.parametrize(
    ("steps", "settings"),
    [
        ([End.AGES], {"read_timeout": 60, "total_timeout": 1e6}),
        (
            [head(200, "Content-Length: 9"), b"1", End.AGES],
            {"read_timeout": 60, "total_timeout": 1e6},
        ),
        ([head(200, "Content-Length: 9"), *[b"1", Push(10), 0.01] * 9], {"total_timeout": 60}),
    ],
)
async def test_a_server_that_says_nothing_is_not_waited_for(
    tmp_path: Path, steps: list[Step], settings: dict[str, float]
) -> None:
    """Before its answer or within, or for ever in small pieces: it ends with a TimeoutError."""
    async with (
        WireServer([steps]) as server,
        connect(config(tmp_path, server.url, **settings)) as api,
    ):
        with pytest.raises(TimeoutError):
            await list_nodes(api)
        assert len(server.seen) == 1


async def test_a_watch_of_kubernetes_asyncio_outlives_the_timeouts(tmp_path: Path) -> None:
    """Its silence is no fault; a log that is followed has none either."""
    steps: list[Step] = [open_watch(), chunk(EVENT), 0.05, Push(99), 0.05]
    steps += [chunk(EVENT), chunk(b"")]
    async with WireServer([steps]) as server:
        short = config(tmp_path, server.url, read_timeout=60, total_timeout=60)
        async with connect(short) as api:
            v1 = CoreV1Api(api)
            async with Watch().stream(v1.list_node, timeout_seconds=1) as stream:
                events: list[object] = [event async for event in stream]
            log: Any = await v1.read_namespaced_pod_log(
                "p", "d", follow=True, _preload_content=False
            )
            await log.read()

    assert len(events) >= 2
    assert server.seen[-1].query == {"follow": "True"}


@pytest.mark.fault("F13")
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_refused(tmp_path: Path, code: int) -> None:
    """By generated calls as by ListWatch; nobody else is asked, and only his host is named."""
    async with WireServer([[whole(LIST)]]) as other:
        to = other.url.replace("127.0.0.1", "localhost") + "/canary?canary=1"
        answers = [[whole(b"", code, f"Location: {to}")]]
        async with WireServer(answers) as server, connect(config(tmp_path, server.url)) as api:
            v1 = CoreV1Api(api)
            for call in (v1.list_node, lambda: v1.create_namespace(V1Namespace())):
                with pytest.raises(ApiException, match="localhost was refused") as caught:
                    await call()
                assert caught.value.status == code
                assert "canary" not in str(caught.value) + repr(caught.value)
            with pytest.raises(ApiException, match="refused"):
                await v1.list_node(watch=True, _preload_content=False)
            with pytest.raises(Redirected, match="localhost"):
                await ListWatch(v1.list_node).list({}, idle_timeout=60)

    assert not other.seen
    assert len(server.seen) == 4


@pytest.mark.parametrize("location", ["", "http://[", "/elsewhere"])
async def test_a_redirect_to_nowhere_is_refused(tmp_path: Path, location: str) -> None:
    """Whatever its Location holds."""
    async with (
        WireServer([[whole(b"", 307, f"Location: {location}")]]) as server,
        connect(config(tmp_path, server.url)) as api,
    ):
        with pytest.raises(ApiException, match="a redirect was refused"):
            await list_nodes(api)


async def test_a_proxy_is_used_when_asked_for(tmp_path: Path) -> None:
    """By calls and lists; what the configuration says comes before the kubeconfig's own."""
    async with WireServer([[whole(LIST)]]) as proxy:
        own: dict[str, Any] = {"proxy-url": "http://x.invalid:1"}
        file = kubeconfig(tmp_path, "http://api.invalid", **own)
        async with connect(ClientConfig(kubeconfig=file.kubeconfig, proxy=proxy.url)) as api:
            await list_nodes(api)
            await ListWatch(CoreV1Api(api).list_node).list({}, idle_timeout=60)

    assert [seen.headers["host"] for seen in proxy.seen] == ["api.invalid"] * 2


@pytest.mark.fault("F14")
async def test_no_token_passes_a_proxy_in_the_clear(tmp_path: Path) -> None:
    """Over plain http a proxy reads what passes; even on the way to this machine."""
    with pytest.raises(WatchkitError, match="not sent over plain http"):
        async with connect(config(tmp_path, "http://127.0.0.1:1", proxy="http://p:1")):
            pass
    async with connect(config(tmp_path, "http://127.0.0.1:1", trust_env=True)) as api:
        assert not api.rest_client.pool_manager.trust_env


@pytest.mark.parametrize("proxy", ["", "canary", "ftp://canary", "http://[canary"])
async def test_a_proxy_must_be_a_url(tmp_path: Path, proxy: str) -> None:
    """Said where it is found, without the password that it may hold."""
    with pytest.raises(ValueError, match="proxy must be") as caught:
        ClientConfig(proxy=proxy)
    assert "canary" not in repr(caught.value)
    own: dict[str, Any] = {"proxy-url": proxy or "x"}
    with pytest.raises(WatchkitError, match=r"its proxy is no http\(s\) URL$"):
        async with connect(kubeconfig(tmp_path, "http://x", **own)):
            pass


async def test_a_page_of_a_proxy_is_read_up_to_a_cap(tmp_path: Path) -> None:
    """64 KiB count, whatever its length and encoding; it is raised as an answer."""
    page = b"\xff" * (1 << 20)
    async with (
        WireServer([[whole(page, 502)]]) as server,
        connect(config(tmp_path, server.url)) as api,
    ):
        with pytest.raises(ApiException) as caught:
            await list_nodes(api)

    assert caught.value.status == 502
    assert len(caught.value.body or b"") == 64 * 1024


async def test_bodies_are_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """kubernetes_asyncio would, at DEBUG; what it would say of an answer is all in the answer."""
    caplog.set_level(logging.DEBUG)
    secret = b'{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s"},"data":{"a":"Y2FuYXJ5"}}'
    async with (
        WireServer([[whole(secret)]]) as server,
        connect(config(tmp_path, server.url)) as api,
    ):
        made = await CoreV1Api(api).read_namespaced_secret("s", "d")

    assert made.data == {"a": "Y2FuYXJ5"}
    assert "Y2FuYXJ5" not in caplog.text
