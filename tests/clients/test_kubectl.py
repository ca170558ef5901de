"""kubectl, built from its Go module, on the fake server: get, apply, delete, watch."""

import json
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from watchkit.testing import FakeApiServer, FakeCluster

pytestmark = pytest.mark.anyio

SHOP: Final[dict[str, Any]] = {
    "apiVersion": "x.io/v1",
    "kind": "Shop",
    "metadata": {"name": "a", "namespace": "default", "labels": {"colour": "red"}},
    "spec": {"size": 1},
}
CONFIG_MAP: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "namespace": "default"},
    "data": {"k": "1"},
}
PATIENCE: Final = 150.0


class Kubectl:
    """kubectl with a kubeconfig; what it said is returned, a failure raises."""

    def __init__(self, program: Path, server: FakeApiServer, cache: Path) -> None:
        config = f"--kubeconfig={server.kubeconfig}"
        self.command = [str(program), config, f"--cache-dir={cache}"]

    async def __call__(self, *words: str, sent: object = None) -> str:
        """Run it to its end."""
        text = json.dumps(sent).encode()
        with anyio.fail_after(PATIENCE):
            done = await anyio.run_process([*self.command, *words], input=text, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()


async def test_it_gets_applies_and_deletes_custom_resources(kubectl: Path, tmp_path: Path) -> None:
    """Client-side and server-side, by name and by label, as a table and as JSON."""
    cluster = FakeCluster()
    cluster.add_resource("x.io/v1", "shops", "Shop", short_names=("sh",))
    async with FakeApiServer(cluster) as server:
        run = Kubectl(kubectl, server, tmp_path)
        larger = {**SHOP, "spec": {"size": 2}}

        assert "shop.x.io/a created" in await run("apply", "-f", "-", sent=SHOP)
        assert "shop.x.io/a unchanged" in await run("apply", "-f", "-", sent=SHOP)
        assert "shop.x.io/a configured" in await run("apply", "-f", "-", sent=larger)
        assert cluster.get("x.io/v1", "shops", "default/a")["spec"] == {"size": 2}
        assert (await run("get", "sh")).split()[:3] == ["NAME", "AGE", "a"]
        assert json.loads(await run("get", "shop", "a", "-o", "json"))["spec"] == {"size": 2}
        assert (await run("get", "shops", "-l", "colour=red", "-o", "name")) == "shop.x.io/a\n"
        applied = ("apply", "--server-side", "--force-conflicts", "-f", "-")
        assert "serverside-applied" in await run(*applied, sent=SHOP)
        assert "deleted" in await run("delete", "shop", "a")
        assert cluster.list("x.io/v1", "shops") == []


async def test_it_applies_built_in_kinds_server_side(kubectl: Path, tmp_path: Path) -> None:
    """And waits for a deletion that a finalizer holds up."""
    cluster = FakeCluster()
    async with FakeApiServer(cluster) as server:
        run = Kubectl(kubectl, server, tmp_path)

        applied = await run("apply", "--server-side", "-f", "-", sent=CONFIG_MAP)
        assert applied == "configmap/a serverside-applied\n"
        held = {"metadata": {"finalizers": ["x.io/a"]}}
        cluster.patch("v1", "configmaps", "default/a", held)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run, "delete", "configmap", "a")
            while not _going(cluster):
                await anyio.sleep(0.01)
            cluster.patch("v1", "configmaps", "default/a", {"metadata": {"finalizers": None}})

        assert cluster.list("v1", "configmaps") == []
        assert "Server Version: v1.37.1" in await run("version")


async def test_it_watches(kubectl: Path, tmp_path: Path) -> None:
    """`get -w` prints what is there, then each change as it happens."""
    cluster = FakeCluster()
    cluster.create(CONFIG_MAP)
    async with FakeApiServer(cluster) as server:
        run = Kubectl(kubectl, server, tmp_path)
        command = [*run.command, "get", "configmaps", "-w", "--output-watch-events", "-o", "name"]
        command[-1] = "jsonpath={.type} {.object.metadata.name}{'\\n'}"
        async with await anyio.open_process(command) as process:
            assert process.stdout is not None
            lines = BufferedByteReceiveStream(process.stdout)
            try:
                with anyio.fail_after(PATIENCE):
                    assert await lines.receive_until(b"\n", 1000) == b"ADDED a"
                    while not cluster.open_watches:
                        await anyio.sleep(0.01)
                    cluster.create({**CONFIG_MAP, "metadata": {"name": "b"}})
                    cluster.patch("v1", "configmaps", "default/a", {"data": {"k": "2"}})
                    cluster.delete("v1", "configmaps", "default/b")
                    for line in (b"ADDED b", b"MODIFIED a", b"DELETED b"):
                        assert await lines.receive_until(b"\n", 1000) == line
            finally:
                process.kill()


def _going(cluster: FakeCluster) -> bool:
    found = cluster.get("v1", "configmaps", "default/a")
    return "deletionTimestamp" in found["metadata"]
