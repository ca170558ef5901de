"""What every cluster can do for a test, ours or not: requests, namespaces, users and tokens."""

import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import anyio

from .audit import AuditRecord
from .credentials import write_kubeconfig
from .json_object import JsonObject
from .wire import Reply, exchange


class RefusedError(RuntimeError):
    """The server answered a call of the harness with 400 or more."""


@dataclass(frozen=True)
class User:
    """Somebody the server knows, with a kubeconfig that says so."""

    name: str
    kubeconfig: Path
    token: str = field(repr=False)
    groups: tuple[str, ...] = ()


class Cluster:
    """A running API server: where it is, whom to trust, and its administrator.

    Holds no connection: each call opens its own, so that one object serves many event loops.
    """

    def __init__(self, url: str, ca_file: Path | None, directory: Path, admin_token: str) -> None:
        self.url = url
        self.ca_file = ca_file
        self.directory = directory
        self.admin = self.user("admin", admin_token, groups=("system:masters",))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.admin.kubeconfig

    def tls(self) -> ssl.SSLContext:
        """Return a context that trusts this cluster and nobody else."""
        return ssl.create_default_context(cafile=self.ca_file)

    def user(self, name: str, token: str, groups: tuple[str, ...] = ()) -> User:
        """Write a kubeconfig for a bearer token that the server knows, or is to know."""
        path = self.directory / f"user-{secrets.token_hex(4)}.kubeconfig"
        write_kubeconfig(path, self.url, ca_file=self.ca_file, token=token)
        return User(name, path, token, groups)

    async def request(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        user: User | None = None,
        timeout: float = 60.0,
    ) -> Reply:
        """Send one request, as the administrator unless told otherwise, and return any answer.

        Raises:
            ConnectionError: there was no answer, or half of one.
            TimeoutError: there was none within `timeout` seconds.
        """
        headers = {"Authorization": f"Bearer {(user or self.admin).token}"}
        if body is not None:
            headers["Content-Type"] = content_type
        url = self.url + path + (f"?{urlencode(query)}" if query else "")
        tls = self.tls() if url.startswith("https") else None
        with anyio.fail_after(timeout):
            return await exchange(method, url, body, headers=headers, tls=tls)

    async def call(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> JsonObject:
        """Send one request as the administrator and return the object that came back.

        Raises:
            RefusedError: the answer was 400 or more, or no JSON.
        """
        reply = await self.request(method, path, body, query=query, content_type=content_type)
        if reply.status >= 400 or reply.json is None:
            text = reply.body[:500].decode(errors="replace")
            raise RefusedError(f"{method} {path} was answered with {reply.status}: {text}")
        return reply.json

    async def is_ready(self) -> bool:
        """Whether /readyz says so; False also where nothing answers."""
        try:
            return (await self.request("GET", "/readyz", timeout=10)).status == 200
        except OSError:  # a timeout is one too
            return False

    def audit_records(self) -> list[AuditRecord]:
        """Return what the server wrote down about its requests, where that can be read.

        Raises:
            RuntimeError: it cannot.
        """
        raise RuntimeError(f"the audit log of {self.url} is not ours to read")

    async def create_namespace(self, prefix: str = "e2e") -> str:
        """Create a namespace whose name no other test has, and return the name."""
        name = f"{prefix}-{secrets.token_hex(4)}"
        await self.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        return name

    async def create_user(self, namespace: str, name: str = "visitor") -> User:
        """Create a ServiceAccount, which may do nothing yet, and return it with a token."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        await self.call("POST", path, {"metadata": {"name": name}})
        return self.user(
            f"system:serviceaccount:{namespace}:{name}",
            await self.create_token(namespace, name),
            ("system:serviceaccounts", f"system:serviceaccounts:{namespace}"),
        )

    async def create_token(
        self,
        namespace: str,
        service_account: str,
        *,
        secret: str | None = None,
        lifetime: int = 3600,
    ) -> str:
        """Return a new token of a ServiceAccount, good for `lifetime` seconds (at least 600).

        Bound to a Secret of the namespace, it is void once that Secret is deleted. The server
        remembers good tokens for 10 s (a constant of kube-apiserver's), so allow for that.
        """
        spec: JsonObject = {"expirationSeconds": lifetime}
        if secret is not None:
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Secret", "name": secret}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token"
        answer = await self.call("POST", path, {"spec": spec})
        return str(answer["status"]["token"])

    async def forgets(self, token: str) -> None:
        """Wait until the server takes a token that was made void for nobody's.

        Raises:
            TimeoutError: it still trusts it after two minutes.
        """
        user = self.user("forgotten", token)
        with anyio.fail_after(120):
            while (await self.request("GET", "/version", user=user)).status != 401:
                await anyio.sleep(0.1)

    async def set_pod_ready(self, namespace: str, name: str, *, ready: bool = True) -> JsonObject:
        """Patch a Pod's status as a kubelet would; there is none, so nobody else does."""
        condition = {"type": "Ready", "status": "True" if ready else "False"}
        status = {"phase": "Running", "conditions": [condition]}
        return await self.call(
            "PATCH",
            f"/api/v1/namespaces/{namespace}/pods/{name}/status",
            {"status": status},
            content_type="application/strategic-merge-patch+json",
        )
