"""Other informers on the fake server: under churn and faults they end with what it has."""

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from watchkit.testing import Disconnect, FakeApiServer, FakeCluster, Gone, Throttle, Unavailable

pytestmark = pytest.mark.anyio

ROOT: Final = Path(__file__).parents[2]
WRITES: Final = 3_000
PODS: Final = 300
PATIENCE: Final = 240.0  # seconds to sync, and to converge: they back off for up to a minute
ENOUGH: Final = 2**24


class Informer:
    """A program that tells its cache when it is asked."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._questions = process.stdin
        self._answers = BufferedByteReceiveStream(process.stdout)

    async def cache(self) -> dict[str, list[str]]:
        """Give uid and version by key."""
        await self._questions.send(b"snapshot\n")
        answer = json.loads(await self._answers.receive_until(b"\n", ENOUGH))
        return answer.get("cache") or {}

    async def becomes(self, cluster: FakeCluster) -> None:
        """Wait until it holds what the cluster has."""
        with anyio.fail_after(PATIENCE):
            while await self.cache() != held(cluster):
                await anyio.sleep(0.1)


def held(cluster: FakeCluster) -> dict[str, list[str]]:
    """Give uid and version of each pod by key."""
    found = [pod["metadata"] for pod in cluster.list("v1", "pods", "default")]
    return {f"default/{pod['name']}": [pod["uid"], pod["resourceVersion"]] for pod in found}


def churn(cluster: FakeCluster, dice: random.Random) -> None:
    """Create, change or delete one of the pods."""
    name = f"pod-{dice.randrange(PODS)}"
    if f"default/{name}" not in held(cluster):
        cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}})
    elif dice.random() < 0.6:
        label = {"n": str(dice.randrange(1000))}
        cluster.patch("v1", "pods", f"default/{name}", {"metadata": {"labels": label}})
    else:
        cluster.delete("v1", "pods", f"default/{name}")


async def synced_under_churn(command: Sequence[str | Path], log: Path) -> None:
    """Run an informer through thousands of writes, its watch cut, expired and throttled."""
    cluster, dice = FakeCluster(), random.Random(7)
    async with FakeApiServer(cluster) as server:
        for _ in range(PODS):
            churn(cluster, dice)
        words = [str(word) for word in [*command, server.kubeconfig, "default"]]
        with log.open("wb") as errors:
            process = await anyio.open_process(words, cwd=ROOT, stderr=errors)
        async with process:
            try:
                informer = Informer(process)
                await informer.becomes(cluster)
                for write in range(WRITES):
                    churn(cluster, dice)
                    if write % 500 == 250:
                        cluster.inject(Disconnect(), on="open")
                    if write % 1000 == 600:
                        cluster.inject(Throttle(retry_after=1), on="watch")
                        cluster.inject(Unavailable(), on="list")
                    if write % 1000 == 900:
                        cluster.inject(Gone(), on="open")
                        cluster.compact()
                    await anyio.sleep(0.001)
                await informer.becomes(cluster)
                assert len(held(cluster)) > PODS / 4
                print(f"{len(cluster.requests)} requests, {cluster.version} versions")
            finally:
                process.kill()


@pytest.mark.timeout(900, func_only=True)
async def test_client_go_ends_with_the_same_cache(clientgo: Path, tmp_path: Path) -> None:
    """client-go's shared informer, with its defaults."""
    await synced_under_churn([clientgo], tmp_path / "log")


@pytest.mark.timeout(900, func_only=True)
async def test_the_python_client_ends_with_the_same_cache(tmp_path: Path) -> None:
    """The official Python client's SharedInformer, with its defaults."""
    command = [sys.executable, "-m", "tests.clients.python_side"]
    await synced_under_churn(command, tmp_path / "log")
