"""The cluster that the documents' code talks to: pods that come, change and go."""

from collections.abc import Iterator
from itertools import count

import anyio

from watchkit.testing import FakeCluster

BEAT = 0.05  # seconds between two changes: a block that watches sees some before it is stopped
NAMESPACES = ("default", "shop")


def pod(namespace: str, name: str) -> dict[str, object]:
    """Give the manifest of a pod that is ready."""
    metadata = {"namespace": namespace, "name": name, "labels": {"app": "web"}}
    ready = {"type": "Ready", "status": "True"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"nodeName": "n1", "containers": [{"name": "web", "image": "web"}]},
        "status": {"phase": "Running", "conditions": [ready]},
    }


def greeting(namespace: str, name: str) -> dict[str, object]:
    """Give the manifest of a custom resource."""
    return {
        "apiVersion": "example.com/v1",
        "kind": "Greeting",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"text": "hello"},
    }


def populated() -> FakeCluster:
    """Give a cluster with a few pods in two namespaces, and a custom resource in one."""
    cluster = FakeCluster()
    cluster.add_resource("example.com/v1", "greetings", "Greeting")
    cluster.create(greeting("shop", "hi"))
    for namespace in NAMESPACES:
        for number in range(3):
            cluster.create(pod(namespace, f"web-{number}"))
    return cluster


async def churn(cluster: FakeCluster) -> None:
    """Create a pod, change it, delete it, in each namespace, again and again."""
    for number in count():
        for namespace in NAMESPACES:
            for _ in _life(cluster, namespace, f"job-{number}"):
                await anyio.sleep(BEAT)


def _life(cluster: FakeCluster, namespace: str, name: str) -> Iterator[None]:
    key = f"{namespace}/{name}"
    cluster.create(pod(namespace, name))
    yield
    cluster.patch("v1", "pods", key, {"metadata": {"labels": {"changed": "yes"}}})
    yield
    cluster.delete("v1", "pods", key)
    yield
