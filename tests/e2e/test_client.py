"""On a real server: what a client of connect() lives through, while it watches and calls."""

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from kubernetes_asyncio.client import ApiClient, CoreV1Api

from watchkit import Backoff, ClientConfig, RetryPolicy, RetryWatcher, TransportError, connect

from .conftest import Launch
from .following import PATIENCE, QUICK, Following, Population, configmaps, following
from .harness import Cluster, TokenWebhook, grant
from .harness.cluster import User

pytestmark = pytest.mark.anyio

PATIENT = RetryPolicy(attempts=100_000, backoff=Backoff(initial=0.05, cap=0.2), deadline=400)
PLUGIN_TIME = 10  # seconds; a plugin that does not hang has them to start in
LATE = f"took longer than {PLUGIN_TIME} s"
PLUGIN = """
import json, pathlib, sys, time
if pathlib.Path(sys.argv[2]).exists():
    time.sleep(600)
token = pathlib.Path(sys.argv[1]).read_text()
print(json.dumps({"apiVersion": "v1", "kind": "ExecCredential", "status": {"token": token}}))
"""


def written(path: Path, cluster: Cluster, user: dict[str, object], authority: Path) -> Path:
    """Write a kubeconfig that names files, which may change."""
    content = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [
            {
                "name": "c",
                "cluster": {"server": cluster.url, "certificate-authority": str(authority)},
            }
        ],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(json.dumps(content))
    return path


def authority_of(cluster: Cluster, path: Path) -> Path:
    """Copy the authority of a cluster to a file of the test's."""
    assert cluster.ca_file is not None
    return put(path, cluster.ca_file.read_text())


def put(path: Path, text: str) -> Path:
    """Replace a file in one step, as kubelets do: nobody reads half of it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    return fresh.replace(path)


class Calls:
    """Reads made one after the other, and what became of them."""

    def __init__(self) -> None:
        self.done = 0
        self.failures: list[Exception] = []

    async def run(self, call: Callable[[], Awaitable[object]]) -> None:
        """Call until cancelled."""
        while True:
            try:
                await call()
                self.done += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, the test says it
                self.failures.append(error)
            await anyio.sleep(0.02)

    async def more(self, count: int = 10) -> None:
        """Wait for so many more that succeed."""
        target = self.done + count
        with anyio.fail_after(PATIENCE):
            while self.done < target:
                await anyio.sleep(0.02)


@asynccontextmanager
async def busy(api: ApiClient) -> AsyncIterator[tuple[Following, Calls]]:
    """Watch and call with one client while the block runs."""
    watcher = RetryWatcher(configmaps(api, "default"), backoff=QUICK)
    calls = Calls()
    async with following(watcher) as followed, anyio.create_task_group() as group:
        await followed.until(lambda self: self.watcher.resource_version is not None)
        group.start_soon(calls.run, lambda: CoreV1Api(api).list_namespaced_config_map("default"))
        await calls.more()
        yield followed, calls
        group.cancel_scope.cancel()


@pytest.mark.fault("F05")
async def test_a_token_is_rotated_under_calls_and_a_watch(
    private_control_plane: Launch, tmp_path: Path
) -> None:
    """The file changes, the old token ends: no call fails, the watch never ends."""
    async with TokenWebhook() as webhook, private_control_plane(token_webhook=webhook.url) as plane:
        population = Population(plane, "default")
        webhook.accept("first-token", "robot")
        await grant(plane, User("robot", plane.kubeconfig, "first-token"), "default")
        token = tmp_path / "token"
        token.write_text("first-token\n")
        authority = authority_of(plane, tmp_path / "ca.crt")
        user: dict[str, object] = {"tokenFile": str(token)}
        config = ClientConfig(kubeconfig=written(tmp_path / "config", plane, user, authority))
        async with connect(config) as api, busy(api) as (followed, calls):
            await population.create("one-0")
            await followed.has_seen("one-0")
            webhook.accept("second-token", "robot")
            put(token, "second-token\n")
            webhook.reject("first-token")
            await plane.forgets("first-token")
            await calls.more()
            await population.create("one-1")
            await followed.has_seen("one-1")
            print(f"{calls.done} calls, {len(calls.failures)} failed")

    assert calls.failures == []
    assert followed.told() == [("ADDED", "one-0"), ("ADDED", "one-1")]


@pytest.mark.fault("F04")
async def test_the_authority_is_replaced_under_calls_and_a_watch(
    private_control_plane: Launch, tmp_path: Path
) -> None:
    """The server comes back with a certificate of another authority, then the file changes."""
    async with private_control_plane() as plane:
        population = Population(plane, "default")
        authority = authority_of(plane, tmp_path / "ca.crt")
        user: dict[str, object] = {"token": plane.admin.token}
        file = written(tmp_path / "config", plane, user, authority)
        config = ClientConfig(kubeconfig=file, retry=PATIENT)
        async with connect(config) as api, busy(api) as (followed, calls):
            await population.create("one-0")
            await followed.has_seen("one-0")
            await plane.replace_authority()
            stranger = calls.done
            await population.create("one-1")
            await followed.until(lambda it: "not trusted" in str(it.watcher.health.cause))
            assert calls.done == stranger  # not trusted, and not given the token
            authority_of(plane, authority)
            await calls.more()
            await followed.has_seen("one-1")
            print(f"{calls.done} calls, {len(calls.failures)} failed")

    assert calls.failures == []
    assert followed.told() == [("ADDED", "one-0"), ("ADDED", "one-1")]


async def test_the_authority_is_renewed_in_time(
    private_control_plane: Launch, tmp_path: Path
) -> None:
    """With both in the file before the server restarts, nobody waits longer than for that."""
    async with private_control_plane() as plane:
        authority = authority_of(plane, tmp_path / "ca.crt")
        user: dict[str, object] = {"token": plane.admin.token}
        file = written(tmp_path / "config", plane, user, authority)
        config = ClientConfig(kubeconfig=file, retry=PATIENT)
        async with connect(config) as api, busy(api) as (followed, calls):
            old = authority.read_text()
            async with anyio.create_task_group() as group:
                group.start_soon(plane.replace_authority)
                await anyio.sleep(0.1)
                assert plane.ca_file is not None
                put(authority, old + plane.ca_file.read_text())
            await calls.more()
            await Population(plane, "default").create("one-0")
            await followed.has_seen("one-0")

    assert calls.failures == []


@pytest.mark.fault("F06")
async def test_a_plugin_that_hangs_is_one_clear_error(
    private_control_plane: Launch, tmp_path: Path
) -> None:
    """Who needs new credentials is told within the plugin's time; who has some goes on."""
    async with TokenWebhook() as webhook, private_control_plane(token_webhook=webhook.url) as plane:
        population = Population(plane, "default")
        for name in ("first-token", "second-token"):
            webhook.accept(name, "robot")
        await grant(plane, User("robot", plane.kubeconfig, "first-token"), "default")
        token, hang = tmp_path / "token", tmp_path / "hang"
        token.write_text("first-token")
        plugin = {
            "apiVersion": "v1",
            "command": sys.executable,
            "args": ["-S", "-c", PLUGIN, str(token), str(hang)],
        }
        authority = authority_of(plane, tmp_path / "ca.crt")
        file = written(tmp_path / "config", plane, {"exec": plugin}, authority)
        config = ClientConfig(kubeconfig=file, exec_timeout=PLUGIN_TIME)
        async with connect(config) as api, connect(config) as other, busy(api) as (followed, calls):
            hang.touch()
            with anyio.fail_after(PATIENCE), pytest.raises(TransportError, match=LATE):
                async with connect(config):
                    pass
            await calls.more()  # their token is still good
            assert calls.failures == []

            put(token, "second-token")
            webhook.reject("first-token")
            await plane.forgets("first-token")
            with anyio.fail_after(PATIENCE):  # one after the other, they would take longer
                async with anyio.create_task_group() as group:
                    for _ in range(20):
                        group.start_soon(rejected, other)
            await population.create("one-0")
            await followed.has_seen("one-0")  # the watch was let in before

            hang.unlink()
            await calls.more()
            told = {str(error).split(": ")[0] for error in calls.failures}
            print(f"{calls.done} calls, {len(calls.failures)} failed: {sorted(told)}")

    assert followed.told() == [("ADDED", "one-0")]


async def rejected(api: ApiClient) -> None:
    """Make a call that fails, and say nothing of the token."""
    with pytest.raises(Exception, match=rf"401|{LATE}") as caught:
        await CoreV1Api(api).list_namespaced_config_map("default")
    assert "first-token" not in repr(caught.value)
