"""The control plane of the tests does what the tests will ask of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import anyio
import pytest
from kubernetes_asyncio.client import CoreV1Api

from .conftest import Launch
from .following import PATIENCE
from .harness import (
    Cluster,
    ControlPlane,
    JsonObject,
    Kind,
    ServerFailedError,
    TokenWebhook,
    User,
    adopted_cluster,
    client_for,
    define,
    grant,
    kind_cluster,
    revoke,
    undefine,
)
from .reading import raw_watch

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
ROOT = Path(__file__).parents[2]


def configmap(name: str, **data: str) -> JsonObject:
    """Return the body of a ConfigMap."""
    return {"metadata": {"name": name}, "data": data}


def version_of(obj: JsonObject) -> str:
    """Return the version of an object or a list."""
    return str(obj["metadata"]["resourceVersion"])


@pytest.mark.anyio
async def test_a_watch_over_plain_http_sees_a_configmap_come(
    control_plane: Cluster, namespace: str
) -> None:
    """The shared server is a real one: what is created comes out of a watch."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    start = version_of(await control_plane.call("GET", path))

    async with raw_watch(control_plane, path, {"resourceVersion": start}) as watch:
        created = await control_plane.call("POST", path, configmap("one"))
        event = await watch.next()

    assert event["type"] == "ADDED"
    assert version_of(event["object"]) == version_of(created)


@pytest.mark.anyio
async def test_a_client_from_the_kubeconfig_speaks_to_the_server(
    control_plane: Cluster, namespace: str
) -> None:
    """kubernetes_asyncio takes the kubeconfig as it is."""
    async with client_for(control_plane.kubeconfig) as api:
        found = await CoreV1Api(api).read_namespace(namespace)

    assert found.metadata.name == namespace


@pytest.mark.anyio
async def test_a_killed_server_comes_back_with_its_data_and_with_new_flags(
    private_control_plane: Launch,
) -> None:
    """SIGKILL breaks watches off; the same port and data serve again, with the flags added."""
    async with private_control_plane(audit=True) as plane:
        created = await plane.call("POST", CONFIGMAPS, configmap("kept"))
        async with raw_watch(plane, CONFIGMAPS, {"resourceVersion": version_of(created)}) as watch:
            plane.kill("apiserver")
            with pytest.raises(aiohttp.ClientPayloadError):
                await watch.next()
        assert not await plane.is_ready()
        await plane.restart_apiserver(watch_cache_sizes="configmaps#0")

        assert version_of(await plane.call("GET", f"{CONFIGMAPS}/kept")) == version_of(created)
        old = version_of(created)
        await plane.call("POST", CONFIGMAPS, configmap("later"))
        await plane.compact()
        async with raw_watch(plane, CONFIGMAPS, {"resourceVersion": old}) as watch:
            assert (await watch.next())["object"]["code"] == 410
        seen = [each for each in plane.audit_records() if each.verb == "watch"]
        assert {each.query["resourceVersion"] for each in seen if each.user == "admin"} == {old}


@pytest.mark.anyio
async def test_a_stopped_server_is_silent_until_continued_and_a_terminated_one_ends(
    private_control_plane: Launch,
) -> None:
    """SIGSTOP keeps connections open and silent; SIGTERM ends the process, open watch or not."""
    async with private_control_plane() as plane:
        plane.stop("apiserver")
        with pytest.raises(TimeoutError):
            await plane.request("GET", CONFIGMAPS, timeout=0.5)
        plane.cont("apiserver")
        assert (await plane.request("GET", CONFIGMAPS)).status == 200

        await plane.call("POST", CONFIGMAPS, configmap("any"))
        async with raw_watch(plane, CONFIGMAPS, {"timeoutSeconds": "50"}) as watch:
            await watch.next()
            plane.terminate("apiserver")
            assert await plane.exited("apiserver") == 0
        await plane.restart("apiserver")
        assert await plane.is_ready()


@pytest.mark.anyio
async def test_three_etcd_members_survive_the_loss_of_their_leader(
    private_control_plane: Launch,
) -> None:
    """With the leader killed the other two elect one, and writes go on."""
    async with private_control_plane(etcd_members=3) as plane:
        leader = await plane.etcd_leader()
        plane.kill(leader)
        successor = await plane.etcd_leader()
        with anyio.fail_after(PATIENCE):
            while (await plane.request("POST", CONFIGMAPS, configmap("x"))).status >= 500:
                await anyio.sleep(0.1)
        await plane.restart(leader)

        assert successor != leader
        with anyio.fail_after(PATIENCE):  # they may elect again, where the machine is slow
            while (found := await plane.request("GET", f"{CONFIGMAPS}/x")).status >= 500:
                await anyio.sleep(0.1)
        assert found.status == 200
        assert plane.process(leader).running


@pytest.mark.anyio
async def test_a_server_that_cannot_start_says_why(private_control_plane: Launch) -> None:
    """The error of a failed start holds the last lines of the server's log."""
    with pytest.raises(ServerFailedError, match="unknown flag: --no-such-flag"):
        async with private_control_plane(no_such_flag="1"):
            pass


@pytest.mark.anyio
async def test_a_webhook_says_who_a_token_is(private_control_plane: Launch) -> None:
    """The server asks the webhook about a token that it does not know."""
    async with (
        TokenWebhook() as webhook,
        private_control_plane(token_webhook=webhook.url) as plane,
    ):
        guest = plane.user("guest", "guest-token")
        before = await plane.request("GET", CONFIGMAPS, user=guest)
        webhook.accept("guest-token", "guest")
        after = await plane.request("GET", CONFIGMAPS, user=guest)

    assert (before.status, after.status) == (401, 403)
    assert "guest-token" in webhook.asked


@pytest.mark.anyio
async def test_a_user_may_do_what_was_granted_until_it_is_revoked(
    control_plane: Cluster, namespace: str
) -> None:
    """A grant works as soon as `grant` returns, and no longer once `revoke` has."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    visitor = await control_plane.create_user(namespace)
    statuses = [(await control_plane.request("GET", path, user=visitor)).status]
    granted = await grant(control_plane, visitor, namespace)
    statuses.append((await control_plane.request("GET", path, user=visitor)).status)
    await revoke(control_plane, granted)
    statuses.append((await control_plane.request("GET", path, user=visitor)).status)

    assert statuses == [403, 200, 403]


@pytest.mark.anyio
async def test_a_custom_resource_is_served_once_defined_and_gone_once_undefined(
    control_plane: Cluster, namespace: str
) -> None:
    """`define` and `undefine` return when the server has followed."""
    group = f"{namespace}.watchkit.test"
    path = f"/apis/{group}/v1/namespaces/{namespace}/shops"
    name = await define(control_plane, group, "shops", "Shop")
    shop = {"apiVersion": f"{group}/v1", "kind": "Shop", "metadata": {"name": "a"}, "any": 1}
    created = await control_plane.call("POST", path, shop)
    await undefine(control_plane, name)

    assert created["any"] == 1
    assert (await control_plane.request("GET", path)).status == 404


@pytest.mark.anyio
async def test_a_pod_gets_ready_when_its_status_is_patched(
    control_plane: Cluster, namespace: str
) -> None:
    """Nobody but the harness makes a Pod ready."""
    container = {"name": "c", "image": "none"}
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [container]}}
    await control_plane.call("POST", f"/api/v1/namespaces/{namespace}/pods", pod)
    patched = await control_plane.set_pod_ready(namespace, "p")

    assert patched["status"]["phase"] == "Running"


def test_kind_makes_a_cluster_and_deletes_it(control_plane: Cluster, tmp_path: Path) -> None:
    """What kind is asked to make is adopted, and deleted in the end (kind is a stand-in here)."""
    script = f"""#!/bin/sh
echo "$1 $KIND_EXPERIMENTAL_PROVIDER" >> {tmp_path}/said
for word; do last=$word; done
if test "$1" = create; then cp {control_plane.kubeconfig} "$last"; fi
"""
    program = tmp_path / "kind"
    program.write_text(script)
    program.chmod(0o755)
    with kind_cluster(Kind(program, "podman")) as cluster:
        status = anyio.run(cluster.request, "GET", "/api/v1/secrets").status

    assert status == 200
    assert (tmp_path / "said").read_text().splitlines() == ["create podman", "delete podman"]


def test_a_named_cluster_is_adopted_and_left_as_it_was(control_plane: Cluster) -> None:
    """A kubeconfig of any kind becomes an administrator with a token, undone at the end."""
    kubeconfig = control_plane.kubeconfig
    if isinstance(control_plane, ControlPlane):
        kubeconfig = control_plane.client_certificate("root", ["system:masters"])
    with adopted_cluster(kubeconfig) as cluster:
        status = anyio.run(cluster.request, "GET", "/api/v1/secrets")
        user = cluster.admin

    assert status.status == 200
    anyio.run(shut_out, control_plane, user)


async def shut_out(cluster: Cluster, user: User) -> None:
    """Wait until somebody may do nothing any more: the server reads rights by a watch."""
    with anyio.fail_after(PATIENCE):
        while True:
            reply = await cluster.request("GET", "/api/v1/secrets", user=user)
            if reply.status in {401, 403}:
                return
            await anyio.sleep(0.05)


@pytest.mark.anyio
async def test_no_process_or_file_outlives_its_control_plane(
    private_control_plane: Launch,
) -> None:
    """Leaving the block kills and reaps every process, a stopped one too, and removes the files."""
    async with private_control_plane() as plane:
        plane.stop("etcd-0")
        directory = plane.directory
        pids = [process.pid for process in plane.processes]

    assert not any(exists(pid) for pid in pids if pid is not None)
    assert not directory.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of the killed")
def test_no_process_outlives_a_run_that_is_killed(
    private_control_plane: Launch, tmp_path: Path
) -> None:
    """After SIGKILL to the run that started it, the control plane is gone too."""
    program = [sys.executable, "-m", "tests.e2e.harness", "run", "--", "cat"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        program, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        assert run.stdin is not None
        assert run.stdout is not None
        run.stdin.write(b"up\n")
        run.stdin.flush()
        run.stdout.readline()  # `cat` runs: the control plane is ready
        servers = [pid for pid in children(run.pid) if name_of(pid) in {"etcd", "kube-apiserver"}]
        run.send_signal(signal.SIGKILL)

    try:
        assert len(servers) == 2
        anyio.run(gone, servers)
    finally:
        for pid in filter(exists, servers):
            os.kill(pid, signal.SIGKILL)


async def gone(pids: list[int]) -> None:
    """Wait until no such process is left."""
    with anyio.fail_after(PATIENCE):
        while any(exists(pid) for pid in pids):
            await anyio.sleep(0.02)


def exists(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def children(pid: int) -> list[int]:
    """Return the processes that the main thread of one started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def name_of(pid: int) -> str:
    """Return the name of the program that a process runs."""
    return Path(f"/proc/{pid}/comm").read_text().strip()
