"""On a real server: calls through RetryingTransport outlive etcd's and the API server's troubles.

Two loads of a hundred calls a second run side by side on one control plane, one through the
transport and one without it: what the second one's callers meet is what the first one's are
saved. With $WATCHKIT_E2E_FULL set, leadership moves fifty times instead of five.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
import pytest
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api
from kubernetes_asyncio.config import load_kube_config
from structlog.testing import capture_logs

from watchkit import Backoff, RetryingTransport, RetryPolicy

from .calling import GUARDED, KINDS, Ledger, Load, loading, reconcile
from .conftest import Launch
from .harness import Cluster, ControlPlane

pytestmark = pytest.mark.anyio

MOVES: Final = 50 if os.environ.get("WATCHKIT_E2E_FULL") else 5
PATIENT: Final = RetryPolicy(attempts=10_000, backoff=Backoff(initial=0.1, cap=1), deadline=400)
"""No trouble lasts as long, on a busy machine either."""

ENOUGH: Final = 100
"""Calls of each kind that are done, at least."""


@asynccontextmanager
async def caller(cluster: Cluster, *, retrying: bool) -> AsyncIterator[ApiClient]:
    """Lend a client with room for all its calls, through the transport or not."""
    configuration = Configuration()
    await load_kube_config(str(cluster.kubeconfig), client_configuration=configuration)
    configuration.connection_pool_maxsize = 1000
    async with ApiClient(configuration) as api:
        if retrying:
            api.rest_client = RetryingTransport(api.rest_client, PATIENT)
        yield api


async def kill_leader(plane: ControlPlane) -> None:
    """Kill etcd's leader, and start it again once the others have settled on another."""
    leader = await plane.etcd_leader()
    plane.kill(leader)
    await anyio.sleep(9)  # a write waits 7 s for a leader that does not answer
    await plane.restart(leader)


async def freeze_leader(plane: ControlPlane) -> None:
    """Stop etcd's leader for a while, its connections open, and let it go on."""
    leader = await plane.etcd_leader()
    plane.stop(leader)
    await anyio.sleep(9)
    plane.cont(leader)


async def move_leader(plane: ControlPlane) -> None:
    """Have leadership handed over, again and again."""
    for _ in range(MOVES):
        await plane.move_etcd_leader()
        await anyio.sleep(0.5)


async def restart_apiserver(plane: ControlPlane) -> None:
    """Kill the API server and start it again."""
    plane.kill("apiserver")
    await anyio.sleep(0.5)
    await plane.restart("apiserver")


TROUBLES: Final = {
    "leader killed": kill_leader,
    "leader frozen": freeze_leader,
    "leadership moved": move_leader,
    "apiserver killed": restart_apiserver,
}
SURE: Final = set(TROUBLES) if MOVES >= 50 else set(TROUBLES) - {"leadership moved"}
"""What no load comes through without errors; of a few moves of leadership some do.

Without errors nothing is proven: it is done again then.
"""


@pytest.mark.fault("F60", "F61")
async def test_calls_outlive_etcd_and_the_api_server(
    private_control_plane: Launch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What may be replayed reaches no caller, and nothing is done twice, told wrongly or lost."""
    async with (
        private_control_plane(etcd_members=3) as plane,
        caller(plane, retrying=True) as saved,
        caller(plane, retrying=False) as bare,
    ):
        spaces = [await plane.create_namespace() for _ in range(2)]
        seen: dict[str, Counter[str]] = {}
        load, other = Load(saved, spaces[0]), Load(bare, spaces[1])
        with capture_logs() as logs:
            async with loading(load), loading(other):
                await anyio.sleep(2)
                for name, trouble in TROUBLES.items():
                    before = Counter(other.ledger.retryable)
                    while not seen.get(name):  # where leadership had just moved, it hurt nobody
                        await trouble(plane)
                        await anyio.sleep(3)
                        seen[name] = _guarded(other.ledger.retryable - before)
                        if name not in SURE:
                            break
                while min(load.ledger.ok[kind] for kind in KINDS) <= ENOUGH:
                    await anyio.sleep(0.1)
        truths = [
            await reconcile(plane, space, each.ledger)
            for space, each in zip(spaces, (load, other), strict=True)
        ]

    retries = Counter(f"{log['method']}" for log in logs if log["event"] == "call.retrying")
    with capsys.disabled():
        print(f"\nwith the transport: {_told(load.ledger)}; retries {dict(retries)}; {truths[0]}")
        print(f"without it: {_told(other.ledger)}; {truths[1]}")
        for name, counts in seen.items():
            print(f"{name}: saved {counts.total()}; {dict(counts)}")

    assert not load.ledger.wrong
    assert not sum(load.ledger.retryable[kind] for kind in GUARDED)
    assert {kind for kind, _ in load.ledger.errors} <= {"create", "patch"}


async def test_fifty_tasks_call_while_the_api_server_restarts(
    private_control_plane: Launch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reads from fifty tasks: none sees an error, and each goes on afterwards."""
    errors: list[Exception] = []
    calls: Counter[int] = Counter()
    before: Counter[int] = Counter()

    async def task(v1: CoreV1Api, number: int, stopped: anyio.Event) -> None:
        while not stopped.is_set():
            try:
                await v1.read_namespace("default")
            except Exception as error:  # noqa: BLE001 - none is expected
                errors.append(error)
            calls[number] += 1
            await anyio.sleep(0.05)

    async with private_control_plane() as plane, caller(plane, retrying=True) as api:
        stopped = anyio.Event()
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(task, CoreV1Api(api), number, stopped)
            await anyio.sleep(1)
            await restart_apiserver(plane)
            before = Counter(calls)
            await anyio.sleep(3)
            stopped.set()
        transport = api.rest_client

    assert isinstance(transport, RetryingTransport)
    with capsys.disabled():
        print(f"\n{sum(calls.values())} calls, {transport.statistics['retried']} retries")
    assert not errors
    assert transport.statistics["retried"] >= 50
    assert len(calls - before) == 50


def _guarded(counts: Counter[str]) -> Counter[str]:
    return Counter({kind: counts[kind] for kind in GUARDED if counts[kind]})


def _told(ledger: Ledger) -> str:
    errors = {f"{kind}, {said}": count for (kind, said), count in ledger.errors.most_common()}
    return f"{sum(ledger.ok.values())} done {dict(ledger.ok)}, errors {errors}"
