"""The example pod_main.py, probed as by kubelet, and ended while a reconcile is at work."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute, SocketStream

from watchkit.testing import FakeApiServer, FakeCluster

from .programs import SOON, Program, running

DIGEST = "example.com/digest"

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run on asyncio: there are sockets."""
    return "asyncio"


@dataclass
class Gate:
    """Stands before an API server, and lets no patch through until it is open."""

    server: FakeApiServer
    asked: anyio.Event = field(default_factory=anyio.Event)
    is_open: anyio.Event = field(default_factory=anyio.Event)

    async def pass_on(self, client: SocketStream) -> None:
        """Be one connection."""
        there = urlsplit(self.server.url)
        assert there.hostname is not None
        assert there.port is not None
        async with (
            client,
            await anyio.connect_tcp(there.hostname, there.port) as server,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(self._copy, client, server, tasks.cancel_scope)
            tasks.start_soon(self._copy, server, client, tasks.cancel_scope)

    async def _copy(self, origin: ByteStream, to: ByteStream, both: anyio.CancelScope) -> None:
        try:
            while True:
                data = await origin.receive()
                if data.startswith(b"PATCH "):
                    self.asked.set()
                    await self.is_open.wait()
                await to.send(data)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            both.cancel()


@dataclass
class Pod:
    """The example, as a pod runs it."""

    cluster: FakeCluster
    gate: Gate
    program: Program
    port: int

    async def probe(self, path: str) -> tuple[int, list[str]]:
        """Ask as kubelet does."""
        headers = {"User-Agent": "kube-probe/1.34", "Accept": "*/*", "Connection": "close"}
        url = f"http://127.0.0.1:{self.port}{path}"
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            return answer.status, (await answer.text()).splitlines()

    async def turns(self, path: str, status: int) -> list[str]:
        """Ask until the answer has this status, and give what that says."""
        with anyio.fail_after(SOON):
            while (said := await self.probe(path))[0] != status:  # noqa: ASYNC110 - as probes do
                await anyio.sleep(0.02)
        return said[1]

    async def exit_code(self) -> int:
        """Wait until it has ended."""
        with anyio.fail_after(SOON):
            return await self.program.process.wait()

    def digests(self) -> dict[str, bool]:
        """Whether each ConfigMap has its digest."""
        metas = [each["metadata"] for each in self.cluster.list("v1", "configmaps", "shop")]
        return {meta["name"]: DIGEST in meta.get("annotations", {}) for meta in metas}


def configmap(name: str) -> dict[str, object]:
    """Give a ConfigMap."""
    metadata = {"namespace": "shop", "name": name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": name}}


@asynccontextmanager
async def a_pod(folder: Path, *flags: str) -> AsyncIterator[Pod]:
    """Run the example on a cluster whose patches are held at a gate."""
    cluster = FakeCluster()
    cluster.create(configmap("first"))
    async with (
        FakeApiServer(cluster) as server,
        await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as listener,
        anyio.create_task_group() as tasks,
    ):
        gate = Gate(server)
        tasks.start_soon(listener.serve, gate.pass_on)
        config = json.loads(await anyio.Path(server.kubeconfig).read_text())
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - no database here
        config["clusters"][0]["cluster"]["server"] = f"http://127.0.0.1:{port}"
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(json.dumps(config))
        given = ("--namespace", "shop", "--port", "0", *flags)
        async with running("pod_main.py", *given, environ={"KUBECONFIG": str(kubeconfig)}) as it:
            line = await it.says("probes and metrics on port")
            yield Pod(cluster, gate, it, int(line.split()[-1]))
        tasks.cancel_scope.cancel()


async def test_told_to_end_it_lets_a_running_reconcile_end(tmp_path: Path) -> None:
    """SIGTERM: not ready at once, live to the end; nothing new is begun; exit code 0."""
    async with a_pod(tmp_path, "--grace", "1000") as pod:
        with anyio.fail_after(SOON):
            await pod.gate.asked.wait()
        assert await pod.probe("/healthz") == (200, ["ok"])
        assert await pod.probe("/readyz") == (200, ["ok"])
        status, series = await pod.probe("/metrics")
        assert status == 200
        assert 'workqueue_adds_total{name="digests"} 1.0' in series
        assert 'watchkit_cached_objects{resource="configmaps"} 1.0' in series

        pod.program.process.terminate()
        assert await pod.turns("/readyz", 503) == ["controller digests: draining"]
        assert await pod.probe("/healthz") == (200, ["ok"])
        pod.cluster.create(configmap("second"))
        assert pod.program.process.returncode is None
        assert pod.digests() == {"first": False, "second": False}

        pod.gate.is_open.set()
        assert await pod.exit_code() == 0
        assert (await pod.program.says("ended:")).startswith("ended: 1 reconciled")
        assert pod.digests() == {"first": True, "second": False}


async def test_a_reconcile_that_takes_longer_than_the_grace_period_is_cancelled(
    tmp_path: Path,
) -> None:
    """It ends all the same, before kubelet ends it, and with 0."""
    async with a_pod(tmp_path, "--grace", "0") as pod:
        with anyio.fail_after(SOON):
            await pod.gate.asked.wait()
        pod.program.process.terminate()

        assert await pod.exit_code() == 0
        assert (await pod.program.says("ended:")).startswith("ended: 0 reconciled")
        assert pod.digests() == {"first": False}


async def test_it_does_what_it_says(tmp_path: Path) -> None:
    """What is there is digested, what comes and changes too."""
    async with a_pod(tmp_path) as pod:
        pod.gate.is_open.set()
        first = await pod.program.says("shop/first: ")
        pod.cluster.patch("v1", "configmaps", "shop/first", {"data": {"a": "changed"}})
        assert await pod.program.says("shop/first: ") != first
        pod.cluster.create(configmap("second"))
        await pod.program.says("shop/second: ")

        assert pod.digests() == {"first": True, "second": True}
        assert await pod.turns("/readyz", 200) == ["ok"]
        await pod.program.end()
