"""connect(): a kubernetes_asyncio client from a kubeconfig or a pod, whose credentials refresh."""

from __future__ import annotations

import importlib.metadata
import ipaddress
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

import aiohttp
import anyio
from kubernetes_asyncio.client import ApiClient, Configuration
from yarl import URL

from watchkit.api import kubeconfig
from watchkit.api.credentials import Credentials, Grant, TokenFile
from watchkit.api.faults import said
from watchkit.api.kubeconfig import Cluster, Pem
from watchkit.api.transport import CONNECT_TIMEOUT
from watchkit.core.errors import WatchkitError

StrPath: TypeAlias = "str | os.PathLike[str]"

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet puts a pod's token and the cluster's certificate."""

_CLOSE_WITHIN: Final = 1.0
_LINE_BUFFER: Final = 2 * 1024 * 1024
"""What kubernetes_asyncio reads ahead: its own Watch needs an object to fit in twice this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """How `connect()` connects; everything has a default.

    `kubeconfig`: a file or several, merged as kubectl does; else $KUBECONFIG, else
    ~/.kube/config. `context`: one of theirs, else the current one. `in_cluster`: True for the
    pod's service account only, False for kubeconfig only; None takes a kubeconfig where there
    is one, the pod otherwise. `user_agent`: "watchkit/<version>" unless given.
    `connect_timeout`: seconds for the connection of a list or watch, the wait for a free slot in
    the pool included. `trust_env`: heed $HTTPS_PROXY, $NO_PROXY and .netrc.
    """

    kubeconfig: StrPath | Sequence[StrPath] | None = None
    context: str | None = None
    in_cluster: bool | None = None
    user_agent: str | None = None
    connect_timeout: float = CONNECT_TIMEOUT
    trust_env: bool = False

    def __post_init__(self) -> None:
        if self.connect_timeout <= 0:
            raise ValueError(f"connect_timeout must be above 0 s, not {self.connect_timeout}")
        if self.in_cluster and (self.kubeconfig is not None or self.context is not None):
            raise ValueError("in_cluster=True takes neither a kubeconfig nor a context")


class ConnectedClient(ApiClient):
    """An ApiClient that `connect()` made; `connect_timeout` is for its lists and watches."""

    connect_timeout: float = CONNECT_TIMEOUT


@asynccontextmanager
async def connect(config: ClientConfig | None = None) -> AsyncGenerator[ApiClient]:
    """Open a client of the cluster that kubectl would talk to, or of the one this pod is in.

    Credentials refresh by themselves: token files are read again within 60 s, exec plugins run
    again when their token ends, both once more after a 401. Nothing is sent until the first
    call; leaving the block closes the client within a second.

    Raises:
        WatchkitError: no cluster is configured, or not so that it can be used.
        TransportError: the credentials cannot be had.

    """
    config = config or ClientConfig()
    cluster = await anyio.to_thread.run_sync(locate, config)
    _refuse_plain_tokens(cluster)
    grant = await cluster.credentials.grant() if cluster.credentials else Grant(None)
    client = _client(config, cluster, grant)
    try:
        yield client
    finally:
        with anyio.move_on_after(_CLOSE_WITHIN, shield=True):
            await client.close()


def locate(
    config: ClientConfig,
    environ: Mapping[str, str] = os.environ,
    service_account: Path = SERVICE_ACCOUNT,
) -> Cluster:
    """Find the cluster to connect to. Reads files: for a thread.

    Raises:
        WatchkitError: there is none, or not so that it can be used.

    """
    if config.in_cluster:
        return _of_pod(environ, service_account)
    paths = _paths(config, environ)
    merged = kubeconfig.read(paths)
    if merged is not None:
        return kubeconfig.select(merged, config.context)
    looked = ", ".join(str(path) for path in paths)
    explicit = config.kubeconfig is not None or config.context is not None
    if explicit or config.in_cluster is False:
        raise WatchkitError(f"no cluster: no kubeconfig at {looked}")
    if "KUBERNETES_SERVICE_HOST" not in environ:
        raise WatchkitError(f"no cluster: no kubeconfig at {looked}, and this is no pod")
    return _of_pod(environ, service_account)


def _paths(config: ClientConfig, environ: Mapping[str, str]) -> list[Path]:
    match config.kubeconfig:
        case None:
            listed = environ.get("KUBECONFIG", "")
            named: list[StrPath] = [each for each in listed.split(os.pathsep) if each]
        case str() | os.PathLike():
            named = [config.kubeconfig]
        case _:
            named = list(config.kubeconfig)
    # Unlike Path.expanduser(), this one does not raise where there is no home.
    return [Path(os.path.expanduser(each)) for each in named or ["~/.kube/config"]]  # noqa: PTH111


def _of_pod(environ: Mapping[str, str], service_account: Path) -> Cluster:
    host, port = (environ.get(f"KUBERNETES_SERVICE_{name}", "") for name in ("HOST", "PORT"))
    authority = service_account / "ca.crt"
    if not host or not port:
        raise WatchkitError("no cluster: this is no pod ($KUBERNETES_SERVICE_HOST is not set)")
    if not authority.is_file():
        raise WatchkitError("no cluster: this pod has no service account (no ca.crt)")
    return Cluster(
        origin="this pod",
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        authority=authority,
        credentials=Credentials(TokenFile(service_account / "token")),
    )


def _refuse_plain_tokens(cluster: Cluster) -> None:
    """Plain HTTP shows a token to everybody on the way; to this very machine there is no way."""
    url = URL(cluster.server)
    if url.scheme not in {"http", "https"} or not url.host:
        raise WatchkitError(f"{cluster.origin}: its server is no http(s) URL")
    if url.scheme == "http" and cluster.credentials and not _is_loopback(url.host):
        raise WatchkitError(f"{cluster.origin}: credentials are not sent over plain http")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _client(config: ClientConfig, cluster: Cluster, grant: Grant) -> ConnectedClient:
    client = _built(cluster, grant)
    client.connect_timeout = config.connect_timeout
    client.user_agent = config.user_agent or f"watchkit/{_version()}"
    client.rest_client.pool_manager = _session(
        client.rest_client.pool_manager, cluster.credentials, trust_env=config.trust_env
    )
    return client


def _built(cluster: Cluster, grant: Grant) -> ConnectedClient:
    """Make the client. Its TLS context is made once, here: data needs to be a file no longer."""
    with TemporaryDirectory(prefix="watchkit-") as directory:
        try:
            return ConnectedClient(_configuration(cluster, grant, Path(directory)))
        except OSError as error:  # ssl.SSLError is one
            what = said(error)
    raise WatchkitError(f"{cluster.origin}: its certificates cannot be used{what}")


def _configuration(cluster: Cluster, grant: Grant, directory: Path) -> Configuration:
    made = Configuration(host=cluster.server)
    made.verify_ssl = cluster.verify
    made.tls_server_name = cluster.tls_server_name
    made.proxy = cluster.proxy
    made.ssl_ca_cert = _file(cluster.authority, directory / "ca.crt")
    made.cert_file = _file(cluster.certificate or grant.certificate, directory / "client.crt")
    made.key_file = _file(cluster.key or grant.key, directory / "client.key")
    if grant.authorization is not None:
        made.api_key = {"BearerToken": grant.authorization}
        made.refresh_api_key_hook = cluster.credentials
    return made


def _file(pem: Pem | None, path: Path) -> str | None:
    if isinstance(pem, bytes):
        path.write_bytes(pem)
        return str(path)
    return None if pem is None else str(pem)


def _session(
    made: aiohttp.ClientSession, credentials: Credentials | None, *, trust_env: bool
) -> aiohttp.ClientSession:
    """A session over the same connections that trusts the environment only if asked to."""

    async def refreshing(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        response = await handler(request)
        if response.status == 401 and credentials is not None:  # noqa: PLR2004 - HTTP, not policy
            credentials.invalidate(request.headers.get("Authorization"))
        return response

    connector = made.connector
    made.detach()
    session = aiohttp.ClientSession(
        connector=connector,
        trust_env=trust_env,
        read_bufsize=_LINE_BUFFER,
        middlewares=[refreshing],
    )
    if hasattr(session, "_retry_connection"):  # there is no public switch
        # aiohttp sends a GET, PUT or DELETE again by itself after a reset: uncounted, without
        # a pause, and for a write without knowing whether the first one was done.
        setattr(session, "_retry_connection", False)  # noqa: B010
    return session


def _version() -> str:
    try:
        return importlib.metadata.version("watchkit")
    except importlib.metadata.PackageNotFoundError:  # run from a source tree
        return "0"
