"""The cells of the matrix of faults: what a client does while one strikes, and how it must end."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import anyio
import pytest
from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api

from watchkit import (
    AmbiguousWrite,
    Backoff,
    ClientConfig,
    Deleted,
    ListOptions,
    ListWatch,
    ObjectEvent,
    RetryPolicy,
    RetryWatcher,
    SharedInformer,
    WatchkitError,
    connect,
)
from watchkit.testing import FakeApiServer, FakeCluster, Fault, Injection
from watchkit.testing.fault import On
from watchkit.testing.requests import Verb

HANG: Final = 200.0
"""Seconds after which a cell counts as hanging: far more than the slowest machine needs."""

PATIENT: Final = 150.0
"""The idle timeout of watchkit itself: nothing that a cell does may have to wait for it."""

QUICK: Final = 2.0
"""An idle timeout for what is silent: a request that a slow machine loses to it is sent again."""

FAST: Final = Backoff(initial=0.01, cap=0.05)
MAX_FRAME: Final = 64 * 1024
BEFORE: Final = ("a", "b", "c", "x", "y")
HISTORY: Final = ("ADDED d", "MODIFIED a", "DELETED b", "ADDED e", "MODIFIED d", "DELETED e")
First: TypeAlias = Literal["list", "stream"]
Manifest: TypeAlias = dict[str, Any]
State: TypeAlias = Mapping[str, Manifest]


@dataclass(frozen=True)
class Strike:
    """A fault, how often it strikes, and how long the client takes silence for none of it."""

    fault: Fault
    times: int = 1
    idle: float = PATIENT


@dataclass(frozen=True)
class Written:
    """How a write ends: `raised` is what its caller gets, `applied` how often it was done.

    `raised`: None for an answer, a number for the answer of that status, or AmbiguousWrite.
    """

    raised: int | type[AmbiguousWrite] | None = None
    applied: int = 1


@asynccontextmanager
async def client_of(
    cluster: FakeCluster, folder: Path, face: str, *, read_timeout: float = PATIENT
) -> AsyncIterator[ApiClient]:
    """Open a client as users do, over TLS or in the clear, on a server for this cluster."""
    async with FakeApiServer(cluster) as server:
        said = json.loads(await anyio.Path(server.kubeconfig).read_text())
        if face == "http":
            said["clusters"][0]["cluster"] = {"server": server.url}
        file = folder / "kubeconfig"
        await anyio.Path(file).write_text(json.dumps(said))
        policy = RetryPolicy(attempts=20, backoff=FAST)
        config = ClientConfig(kubeconfig=file, retry=policy, read_timeout=read_timeout)
        async with connect(config) as api:
            yield api


def config_map(name: str, value: str = "0", namespace: str = "shop") -> Manifest:
    """Give a ConfigMap that is longer than a few reads of a slow drip."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": value}}


def populated() -> FakeCluster:
    """Give a cluster with a few objects."""
    cluster = FakeCluster()
    for name in BEFORE:
        cluster.create(config_map(name))
    return cluster


def sources(api: ApiClient) -> ListWatch:
    """Give the source that all cells read."""
    return ListWatch.for_resource(api, "v1", "configmaps", namespace="shop", max_frame=MAX_FRAME)


def state(cluster: FakeCluster) -> State:
    """Give what the server has, by key."""
    found = cluster.list("v1", "configmaps", "shop")
    return {f"shop/{each['metadata']['name']}": each for each in found}


def happen(cluster: FakeCluster) -> None:
    """Let HISTORY happen, and something elsewhere."""
    for step in HISTORY:
        change(cluster, *step.split(" "))
    later(cluster)


def change(cluster: FakeCluster, kind: str, name: str) -> None:
    """Let one thing happen."""
    match kind:
        case "ADDED":
            cluster.create(config_map(name))
        case "MODIFIED":
            cluster.update(config_map(name, "1"))
        case _:
            cluster.delete("v1", "configmaps", f"shop/{name}")


def later(cluster: FakeCluster) -> None:
    """Let versions pass that are of nobody's interest: a replica that lags gets over them."""
    for _ in range(3):
        cluster.create(
            {
                **config_map("", namespace="elsewhere"),
                "metadata": {"generateName": "other-", "namespace": "elsewhere"},
            }
        )


class Follower:
    """What somebody knows who believes every event."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.inferred = False
        self.state: dict[str, Manifest] = {}

    def take(self, event: ObjectEvent) -> None:
        """Believe one event, which must fit to those before it."""
        known = self.state.get(event.key)
        if isinstance(event, Deleted):
            assert known is not None, f"{event!r}: of nothing"
            del self.state[event.key]
        else:
            new = event.object.to_dict()
            assert new != known, f"{event!r}: of nothing new"
            self.state[event.key] = new
        self.inferred |= event.inferred
        if not event.initial:
            self.told.append(f"{event.type} {event.name}")

    async def until(self, watcher: AsyncIterator[ObjectEvent], name: str) -> None:
        """Take events until one is about an object of that name."""
        async for event in watcher:
            self.take(event)
            if event.name == name:
                return


async def watch_through(api: ApiClient, cluster: FakeCluster, strike: Strike, *, net: bool) -> None:
    """Watch while it strikes: every event once, or, with `net`, what they amount to."""
    injected = cluster.inject(strike.fault, on="watch", times=strike.times)
    following = Follower()
    options = ListOptions(limit=2)
    async with RetryWatcher(
        sources(api), options, replay_existing=True, backoff=FAST, idle_timeout=strike.idle
    ) as watcher:
        events = aiter(watcher)
        await following.until(events, BEFORE[-1])
        happen(cluster)
        for name in ("last", "live"):  # what the fault has to do with, and what comes after it
            change(cluster, "ADDED", name)
            later(cluster)
            await following.until(events, name)

    assert following.state == state(cluster)
    if not net:
        assert following.told == [*HISTORY, "ADDED last", "ADDED live"], following.told
        assert not following.inferred
    struck(injected, strike)


async def list_through(
    api: ApiClient, cluster: FakeCluster, strike: Strike, initial: First
) -> None:
    """Fill a cache while it strikes: it is what the server has, then and after some changes."""
    first: On = "watch" if initial == "stream" else "list"
    injected = cluster.inject(strike.fault, on=first, times=strike.times)
    informer = SharedInformer(
        sources(api),
        ListOptions(limit=2),
        backoff=FAST,
        idle_timeout=strike.idle,
        initial_list="auto" if initial == "stream" else "list",
        stream_deadline=QUICK,
    )
    async with informer:
        await informer.wait_for_sync()
        assert {key: each.to_dict() for key, each in informer.store.items()} == state(cluster)
        happen(cluster)
        change(cluster, "ADDED", "last")
        await informer.wait_for_version(state(cluster)["shop/last"])
        assert {key: each.to_dict() for key, each in informer.store.items()} == state(cluster)
    struck(injected, strike)


async def write_through(
    api: ApiClient, cluster: FakeCluster, strike: Strike, verb: Verb, expected: Written
) -> None:
    """Write while it strikes: done once, or the right error says how it stands."""
    version = cluster.version
    injected = cluster.inject(strike.fault, on=verb, times=strike.times)
    raised = await outcome(api, cluster, verb)
    found = Written(raised, cluster.version - version)  # type: ignore[arg-type]
    assert found == expected, found
    changed = state(cluster).get("shop/new" if verb == "create" else "shop/a", {})
    assert (changed.get("data") == {"k": "mine"}) is (expected.applied == 1)
    struck(injected, strike)


async def outcome(api: ApiClient, cluster: FakeCluster, verb: Verb) -> object:
    """Write, and give what Written.raised says."""
    v1: Any = CoreV1Api(api)  # it takes dicts as well as models
    try:
        if verb == "create":
            await v1.create_namespaced_config_map("shop", config_map("new", "mine"))
        else:
            mine = {**state(cluster)["shop/a"], "data": {"k": "mine"}}
            await v1.replace_namespaced_config_map("a", "shop", mine)
    except ApiException as error:
        return error.status
    except WatchkitError as error:
        return type(error)
    return None


def struck(injected: Injection, strike: Strike) -> None:
    """See to it that the fault was there: a cell that met none shows nothing."""
    assert injected.fired == strike.times, f"it struck {injected.fired} times"


@asynccontextmanager
async def bounded() -> AsyncIterator[None]:
    """End a cell that hangs, and say so."""
    with anyio.move_on_after(HANG) as scope:
        yield
    if scope.cancelled_caught:
        pytest.fail(f"it hangs: not over within {HANG} s")
