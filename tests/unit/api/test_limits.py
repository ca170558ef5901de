"""Laws of the limits of a client of connect(): pools, turns, retries and breakers of its calls."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import anyio
import pytest
from kubernetes_asyncio.client import ApiException, CoreV1Api

from tests.unit.api.pushed import PATIENCE, flying, push
from tests.unit.api.test_calls import LIST, config
from tests.unit.api.test_client import kubeconfig, list_nodes
from tests.unit.api.wire import End, Step, WireServer, chunk, head, open_watch, whole
from watchkit.api.calls import BreakerPolicy
from watchkit.api.client import ClientConfig, connect
from watchkit.api.listwatch import ListWatch
from watchkit.core.backoff import Backoff
from watchkit.core.errors import CircuitOpen, WatchkitError
from watchkit.core.policy import RetryPolicy

pytestmark = pytest.mark.anyio

ENDLESS = {"connect_timeout": 1e6, "read_timeout": 1e6, "total_timeout": 1e6}
"""No bound of a call's is reached, however far the clock is pushed."""

Answers: TypeAlias = Sequence[Sequence[Step]]


@pytest.mark.fault("F34")
async def test_watches_keep_no_call_waiting(tmp_path: Path) -> None:
    """A thousand of them are open, and a pool for two calls serves ten."""
    answers: list[list[Step]] = [[open_watch(), chunk(b"{}\n"), End.HANG]] * 1000
    answers.append([whole(LIST)])
    async with (
        WireServer(answers) as server,
        connect(config(tmp_path, server.url, pool_size=2)) as api,
    ):
        nodes = ListWatch(CoreV1Api(api).list_node)
        watches: list[Any] = []

        async def begin() -> None:
            watches.append(await nodes.watch({}, idle_timeout=PATIENCE))

        async with anyio.create_task_group() as group:
            for _ in range(1000):
                group.start_soon(begin)
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as group:
                for _ in range(10):
                    group.start_soon(list_nodes, api)
        for watch in watches:
            watch.close()

    calls = {seen.connection for seen in server.seen[1000:]}
    assert len(server.seen) == 1010
    assert len(calls) <= 2
    assert min(calls) > 1000


async def test_what_others_watch_keeps_no_call_waiting(tmp_path: Path) -> None:
    """A watch of kubernetes_asyncio's and a log that is followed are no calls either."""
    endless: Sequence[Step] = [open_watch(), chunk(b"{}\n"), End.HANG]
    async with (
        WireServer([endless, endless, [whole(LIST)]]) as server,
        connect(config(tmp_path, server.url, pool_size=1, connect_timeout=PATIENCE)) as api,
    ):
        v1 = CoreV1Api(api)
        watch: Any = await v1.list_node(watch=True, _preload_content=False)
        log: Any = await v1.read_namespaced_pod_log("p", "d", follow=True, _preload_content=False)
        await list_nodes(api)
        watch.close()
        log.close()

    assert len(server.seen) == 3


async def test_a_401_gives_its_connection_back(tmp_path: Path) -> None:
    """Also where its body never ends: the second attempt finds a place in a pool for one."""
    (tmp_path / "token").write_text("one")
    answers: Answers = [[whole(LIST)], [head(401, "Content-Length: 9"), End.HANG], [whole(LIST)]]
    async with WireServer(answers) as server:
        file = kubeconfig(tmp_path, server.url, {"tokenFile": "token"}).kubeconfig
        narrow = ClientConfig(kubeconfig=file, pool_size=1, connect_timeout=PATIENCE)
        async with connect(narrow) as api:
            await list_nodes(api)
            (tmp_path / "token").write_text("two")
            await list_nodes(api)

    assert len(server.seen) == 3


async def test_calls_keep_to_the_pool(tmp_path: Path) -> None:
    """A call that finds no free connection in time says so."""
    async with WireServer([[End.HANG]]) as server:
        narrow = config(
            tmp_path, server.url, pool_size=1, **ENDLESS | {"connect_timeout": PATIENCE}
        )
        async with connect(narrow) as api, anyio.create_task_group() as group:
            group.start_soon(list_nodes, api)
            await server.until_seen(1)
            async with flying():
                with pytest.raises(aiohttp.ConnectionTimeoutError):
                    await list_nodes(api)
            group.cancel_scope.cancel()

    assert len(server.seen) == 1


async def test_qps_and_burst_bound_calls_and_lists(tmp_path: Path) -> None:
    """Every attempt and every list waits for its turn; watches do not."""
    answers: list[list[Step]] = [[whole(LIST)]] * 3
    answers += [[whole(b"{}", 503)], [whole(LIST)], [open_watch(), chunk(b"{}\n"), End.HANG]]
    async with WireServer(answers) as server:
        policy = RetryPolicy(backoff=Backoff(initial=0))
        limited = config(tmp_path, server.url, qps=1e-4, burst=2, retry=policy, **ENDLESS)
        async with connect(limited) as api:
            nodes = ListWatch(CoreV1Api(api).list_node)
            began = anyio.current_time()
            await list_nodes(api)
            await list_nodes(api)
            async with flying(2500):
                await nodes.list({}, idle_timeout=1e6)
                await list_nodes(api)
            took = anyio.current_time() - began
            for _ in range(3):
                (await nodes.watch({}, idle_timeout=60)).close()

    assert took >= 30_000
    assert len(server.seen) == 8


async def test_waiting_for_a_turn_is_none_of_a_calls_time(tmp_path: Path) -> None:
    """Its timeouts begin when it is sent."""
    async with WireServer([[whole(LIST)]]) as server:
        limited = config(tmp_path, server.url, qps=1e-3, burst=1, total_timeout=PATIENCE)
        async with connect(limited) as api:
            await list_nodes(api)
            async with anyio.create_task_group() as group:
                group.start_soon(list_nodes, api)
                await anyio.sleep(0.1)  # it waits: its turn is far away
                push(1000)

    assert len(server.seen) == 2


async def test_a_retry_policy_is_installed(tmp_path: Path) -> None:
    """Generated calls are tried again by it; lists of ListWatch are not."""
    answers = [[whole(b"{}", 503)], [whole(LIST)], [whole(b"{}", 503)], [whole(LIST)]]
    async with WireServer(answers) as server:
        policy = RetryPolicy(attempts=2, backoff=Backoff(initial=0))
        async with connect(config(tmp_path, server.url, retry=policy)) as api:
            await list_nodes(api)
            with pytest.raises(WatchkitError):
                await ListWatch(CoreV1Api(api).list_node).list({}, idle_timeout=60)
            assert not hasattr(api.rest_client.pool_manager, "x")

    assert len(server.seen) == 3


@pytest.mark.fault("F83")
async def test_one_breaker_per_resource_for_answers(tmp_path: Path) -> None:
    """5xx of one resource keep nobody from another; returned ones count as raised ones do."""
    answers = [[whole(b"{}", 500)]] * 2 + [[whole(LIST)]]
    async with WireServer(answers) as server:
        policy = BreakerPolicy(failure_rate=1, window=2, open_for=60)
        async with connect(config(tmp_path, server.url, breaker=policy)) as api:
            v1 = CoreV1Api(api)
            with pytest.raises(ApiException, match="500"):
                await v1.list_node()
            answer: Any = await v1.list_node(_preload_content=False)
            assert answer.status == 500
            answer.release()
            with pytest.raises(CircuitOpen, match="nodes"):
                await v1.list_node()
            await v1.list_namespace()
            (await ListWatch(v1.list_node).list({}, idle_timeout=60)).count(b"")

    assert len(server.seen) == 4


@pytest.mark.fault("F83")
async def test_one_breaker_per_host_for_connections(tmp_path: Path) -> None:
    """What breaks connections stops the calls of all resources, and an answer closes it."""
    answers: Answers = [*[[End.RESET]] * 2, [whole(LIST)]]
    async with WireServer(answers) as server:
        policy = BreakerPolicy(window=2, open_for=PATIENCE)
        async with connect(config(tmp_path, server.url, breaker=policy)) as api:
            v1 = CoreV1Api(api)
            for call in (v1.list_node, v1.list_namespace):
                with pytest.raises(aiohttp.ClientError):
                    await call()
            with pytest.raises(CircuitOpen, match=r"127\.0"):
                await v1.list_persistent_volume()
            push(PATIENCE)
            await v1.list_persistent_volume()
            await v1.list_node()

    assert len(server.seen) == 4


async def test_an_open_circuit_is_no_outcome(tmp_path: Path) -> None:
    """A resource that may be tried is not closed by the host's refusal to be asked."""
    ill: Answers = [[whole(b"{}", 500)]] * 2
    answers: Answers = [*ill, *[[End.RESET]] * 2, *ill]
    async with WireServer(answers) as server:
        policy = BreakerPolicy(failure_rate=1, window=2, open_for=PATIENCE)
        async with connect(config(tmp_path, server.url, breaker=policy)) as api:
            v1 = CoreV1Api(api)
            for _ in range(2):
                with pytest.raises(ApiException):
                    await v1.list_node()
            push(PATIENCE)
            for call in (v1.list_namespace, v1.list_persistent_volume):
                with pytest.raises(aiohttp.ClientError):
                    await call()
            with pytest.raises(CircuitOpen, match=r"127\.0"):
                await v1.list_node()  # its one try, which was none
            push(PATIENCE)
            with pytest.raises(ApiException):
                await v1.list_node()
            with pytest.raises(CircuitOpen, match="nodes"):
                await v1.list_node()

    assert len(server.seen) == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"read_timeout": 0},
        {"total_timeout": -1},
        {"connect_timeout": float("inf")},
        {"exec_timeout": 0},
        {"pool_size": -1},
        {"qps": 0},
        {"qps": 1, "burst": 0},
    ],
)
def test_a_limit_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    """Said where it is made, by its name."""
    with pytest.raises(ValueError, match=list(wrong)[-1]):
        ClientConfig(**wrong)


def test_a_breaker_that_is_none_is_refused() -> None:
    """With the words of CircuitBreaker."""
    with pytest.raises(ValueError, match="failure_rate"):
        BreakerPolicy(failure_rate=0)
