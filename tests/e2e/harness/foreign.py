"""Clusters whose processes are not ours: one that is named to us, or one that kind makes."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
from kubernetes_asyncio.client import (
    ApiClient,
    AuthenticationV1TokenRequest,
    CoreV1Api,
    RbacAuthorizationV1Api,
    RbacV1Subject,
    V1ClusterRoleBinding,
    V1Namespace,
    V1ObjectMeta,
    V1RoleRef,
    V1ServiceAccount,
    V1TokenRequestSpec,
)

from .binaries import Kind
from .clients import client_for
from .cluster import Cluster
from .toolchain import NoServerError

_LIFETIME = 24 * 3600  # seconds, of the administrator's token: longer than any run
_EFFECTIVE_WITHIN = 120.0
_ONE = {"limit": "1"}


@contextmanager
def adopted_cluster(kubeconfig: Path) -> Iterator[Cluster]:
    """Lend a cluster that is there already; what this adds to it is deleted at the end.

    Tests need an administrator with a bearer token, whatever the kubeconfig holds: they get a
    ServiceAccount with the role cluster-admin, in a namespace of its own.
    """
    name = f"watchkit-e2e-{secrets.token_hex(4)}"
    directory = Path(tempfile.mkdtemp(prefix="watchkit-e2e-"))
    try:
        yield anyio.run(_adopt, kubeconfig, directory, name)
    finally:
        anyio.run(_leave, kubeconfig, name)
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def kind_cluster(kind: Kind) -> Iterator[Cluster]:
    """Lend a new cluster made by kind; it is deleted at the end.

    Raises:
        NoServerError: kind could not make one.
    """
    name = f"watchkit-e2e-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory(prefix="watchkit-e2e-") as directory:
        kubeconfig = Path(directory) / "kind.kubeconfig"
        try:
            _run_kind(kind, "create", "cluster", "--name", name, "--wait", "180s", at=kubeconfig)
            with adopted_cluster(kubeconfig) as cluster:
                yield cluster
        finally:
            _run_kind(kind, "delete", "cluster", "--name", name, at=kubeconfig)


def _run_kind(kind: Kind, *words: str, at: Path) -> None:
    environment = {**os.environ, "KIND_EXPERIMENTAL_PROVIDER": kind.engine}
    command = [str(kind.program), *words, "--kubeconfig", str(at)]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=600, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace")[-2000:]
        raise NoServerError(f"`kind {' '.join(words[:2])}` failed; it said:\n{said}")


async def _adopt(kubeconfig: Path, directory: Path, name: str) -> Cluster:
    async with client_for(kubeconfig) as api:
        core = CoreV1Api(api)
        metadata = V1ObjectMeta(name=name)
        await core.create_namespace(V1Namespace(metadata=metadata))
        await core.create_namespaced_service_account(name, V1ServiceAccount(metadata=metadata))
        await RbacAuthorizationV1Api(api).create_cluster_role_binding(_administrator(name))
        spec = V1TokenRequestSpec(audiences=[], expiration_seconds=_LIFETIME)
        asked = AuthenticationV1TokenRequest(spec=spec)
        token = await core.create_namespaced_service_account_token(name, name, asked)
        cluster = Cluster(_url(api), _ca_file(api, directory), directory, token.status.token)
    with anyio.fail_after(_EFFECTIVE_WITHIN):  # the server reads new rights by a watch
        while (await cluster.request("GET", "/api/v1/secrets", query=_ONE)).status != 200:
            await anyio.sleep(0.05)
    return cluster


async def _leave(kubeconfig: Path, name: str) -> None:
    async with client_for(kubeconfig) as api:
        await RbacAuthorizationV1Api(api).delete_cluster_role_binding(name)
        await CoreV1Api(api).delete_namespace(name)


def _administrator(name: str) -> V1ClusterRoleBinding:
    group = "rbac.authorization.k8s.io"
    return V1ClusterRoleBinding(
        metadata=V1ObjectMeta(name=name),
        role_ref=V1RoleRef(api_group=group, kind="ClusterRole", name="cluster-admin"),
        subjects=[RbacV1Subject(kind="ServiceAccount", name=name, namespace=name)],
    )


def _url(api: ApiClient) -> str:
    return str(api.configuration.host).rstrip("/")


def _ca_file(api: ApiClient, directory: Path) -> Path | None:
    """Copy the CA: the client's own copy is a temporary file of the client's."""
    source = api.configuration.ssl_ca_cert
    return Path(shutil.copy(source, directory / "ca.crt")) if source else None
