"""The controller of examples/website on a real server: replicas of it, and what they work on."""

import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import yaml

from .harness import (
    Cluster,
    ControlPlane,
    JsonObject,
    RecordedRequest,
    RecordingProxy,
    RefusedError,
    User,
)
from .leading import TERMS
from .replicas import LONG, ROOT, Replica, started

EXAMPLE = ROOT / "examples" / "website"
SYSTEM = "website-system"
ACCOUNT = "website-controller"
MERGE = "application/merge-patch+json"
COLLECTIONS = {
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings",
}
WORK = ("deployments", "services", "websites")


@dataclass
class Running:
    """A replica, and the proxy through which it speaks."""

    replica: Replica
    proxy: RecordingProxy

    def writes(self, start: int = 0, end: int | None = None) -> list[RecordedRequest]:
        """Give what it asked to be written, its work only, among some of its requests."""
        found = [each for each in self.proxy.requests[start:end] if each.method != "GET"]
        return [each for each in found if any(f"/{part}" in each.path for part in WORK)]

    def renewals(self) -> list[RecordedRequest]:
        """Give what the server took of its writes of the lease: created, taken over, renewed."""
        return [
            each
            for each in self.proxy.requests
            if each.method in {"POST", "PUT"}
            and "/leases" in each.path
            and each.status in {200, 201}
        ]


class Shop:
    """A namespace with websites, seen and changed past the controller, by the administrator."""

    def __init__(self, cluster: Cluster, namespace: str, user: User) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.user = user
        self.sites = f"/apis/example.com/v1/namespaces/{namespace}/websites"
        self.deployments = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        self.services = f"/api/v1/namespaces/{namespace}/services"
        self.lease = f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/{namespace}"

    @asynccontextmanager
    async def replica(self, name: str, **terms: float) -> AsyncGenerator[Running]:
        """Run a replica of the controller, as the account of rbac.yaml, behind its own proxy."""
        flags = {
            "namespace": self.namespace,
            "lease": f"{SYSTEM}/{self.namespace}",
            "identity": name,
            "workers": 1,
            "listen": "127.0.0.1:0",
            "log-level": "debug",
            **{word.replace("_", "-"): seconds for word, seconds in {**TERMS, **terms}.items()},
        }
        words = [f"--{word}={value}" for word, value in flags.items()]
        command = [sys.executable, "-W", "error", "-m", "examples.website", *words]
        async with RecordingProxy(self.cluster) as proxy:
            environ = {**os.environ, "KUBECONFIG": str(proxy.kubeconfig_for(self.user))}
            async with started(name, command, environ) as replica:
                yield Running(replica, proxy)

    async def create(self, name: str, **spec: object) -> JsonObject:
        """Create a website."""
        body = {
            "apiVersion": "example.com/v1",
            "kind": "Website",
            "metadata": {"name": name},
            "spec": {"image": "web:1", **spec},
        }
        return await self.cluster.call("POST", self.sites, body)

    async def get(self, path: str) -> JsonObject | None:
        """Get an object, None where it is not there."""
        reply = await self.cluster.request("GET", path)
        return reply.json if reply.status == 200 else None

    async def patch(self, path: str, change: JsonObject) -> JsonObject:
        """Change an object by a merge patch."""
        return await self.cluster.call("PATCH", path, change, content_type=MERGE)

    async def scale(self, name: str, replicas: int) -> None:
        """Ask for another number of replicas of a website, as `kubectl scale` does."""
        await self.patch(f"{self.sites}/{name}/scale", {"spec": {"replicas": replicas}})

    async def roll_out(self, name: str) -> None:
        """Do to a Deployment what the cluster's own controllers would."""
        found = await self.cluster.call("GET", f"{self.deployments}/{name}")
        count = found["spec"]["replicas"]
        names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        counts = dict.fromkeys(names, count)
        status = {"observedGeneration": found["metadata"]["generation"], **counts}
        await self.patch(f"{self.deployments}/{name}/status", {"status": status})

    async def until(self, holds: Callable[[], Awaitable[bool]], why: str) -> None:
        """Wait until something holds.

        Raises:
            TimeoutError: it does not.

        """
        with anyio.move_on_after(LONG):
            while not await holds():
                await anyio.sleep(0.05)
            return
        raise TimeoutError(f"never: {why}")

    async def until_there(self, path: str) -> JsonObject:
        """Wait until an object is there, and give it."""

        async def is_there() -> bool:
            return await self.get(path) is not None

        await self.until(is_there, f"{path} is there")
        return await self.cluster.call("GET", path)

    async def until_reason(self, name: str, reason: str) -> JsonObject:
        """Wait until a website says that of its newest spec, and give it."""

        async def says_so() -> bool:
            found = await self.get(f"{self.sites}/{name}")
            conditions = (found or {}).get("status", {}).get("conditions", [])
            generation = (found or {}).get("metadata", {}).get("generation")
            return bool(conditions) and all(
                (each["reason"], each["observedGeneration"]) == (reason, generation)
                for each in conditions
            )

        await self.until(says_so, f"{name} is {reason}")
        return await self.cluster.call("GET", f"{self.sites}/{name}")

    async def until_made(self, names: list[str], replicas: int) -> None:
        """Wait until each of these has a Service, and a Deployment of so many replicas."""

        async def is_made() -> bool:
            deployments = await self.cluster.call("GET", self.deployments)
            services = await self.cluster.call("GET", self.services)
            found = {e["metadata"]["name"]: e["spec"]["replicas"] for e in deployments["items"]}
            served = {each["metadata"]["name"] for each in services["items"]}
            return found == dict.fromkeys(names, replicas) and served == set(names)

        await self.until(is_made, f"{names} have {replicas} replicas")

    async def versions(self) -> dict[str, str]:
        """Give the version of everything that the controller writes, by path."""
        found: dict[str, str] = {}
        for path in (self.sites, self.deployments, self.services):
            for each in (await self.cluster.call("GET", path))["items"]:
                metadata = each["metadata"]
                found[f"{path}/{metadata['name']}"] = metadata["resourceVersion"]
        return found

    async def empty(self) -> None:
        """Let websites that are left go, without what they had."""
        for path in (self.sites, self.deployments, self.services):
            for each in (await self.cluster.call("GET", path))["items"]:
                own = f"{path}/{each['metadata']['name']}"
                await self.patch(own, {"metadata": {"finalizers": None}})
                await self.cluster.request("DELETE", own)


@asynccontextmanager
async def open_shop(cluster: Cluster, namespace: str) -> AsyncGenerator[Shop]:
    """Install crd.yaml and rbac.yaml, and lend a namespace for websites."""
    async with AsyncExitStack() as stack:
        for file in ("crd.yaml", "rbac.yaml"):
            for manifest in yaml.safe_load_all((EXAMPLE / file).read_text()):
                await stack.enter_async_context(_installed(cluster, manifest))
        token = await cluster.create_token(SYSTEM, ACCOUNT)
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{SYSTEM}")
        user = cluster.user(f"system:serviceaccount:{SYSTEM}:{ACCOUNT}", token, groups)
        shop = Shop(cluster, namespace, user)

        async def is_served() -> bool:
            reply = await cluster.request("GET", shop.sites, user=user)
            return reply.status == 200  # the definition and the rights are in effect

        await shop.until(is_served, "websites are served")
        yield shop
        if not isinstance(cluster, ControlPlane):
            await shop.empty()


@asynccontextmanager
async def _installed(cluster: Cluster, manifest: dict[str, Any]) -> AsyncGenerator[None]:
    """Create an object, unless an earlier test did; leave nothing behind on others' clusters."""
    metadata = manifest["metadata"]
    collection = COLLECTIONS[manifest["kind"]].format(namespace=metadata.get("namespace"))
    reply = await cluster.request("POST", collection, manifest)
    if reply.status not in {201, 409}:
        raise RefusedError(f"{collection} was answered with {reply.status}: {reply.body!r}")
    yield
    if not isinstance(cluster, ControlPlane):
        await cluster.request("DELETE", f"{collection}/{metadata['name']}")
