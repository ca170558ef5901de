"""connect(): a kubernetes_asyncio client from a kubeconfig or a pod, whose credentials refresh."""

from __future__ import annotations

import importlib.metadata
import math
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

import aiohttp
import anyio
from kubernetes_asyncio.client import ApiClient, Configuration

from watchkit.api import kubeconfig
from watchkit.api.calls import BreakerPolicy, Breakers, CallTransport, Timeouts
from watchkit.api.credentials import Credentials, Grant, TokenFile
from watchkit.api.kubeconfig import Cluster
from watchkit.api.origins import is_url, refuse_plain_tokens
from watchkit.api.plugin import RUN_TIMEOUT
from watchkit.api.retrying import RetryingTransport
from watchkit.api.sessions import Acquire, Identity, open_session
from watchkit.api.transport import CONNECT_TIMEOUT
from watchkit.api.trust import Trust
from watchkit.core.errors import WatchkitError
from watchkit.core.limits import Bucket
from watchkit.core.policy import RetryPolicy
from watchkit.resilience.limiter import RateLimiter

StrPath: TypeAlias = "str | os.PathLike[str]"

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet puts a pod's token and the cluster's certificate."""

_CLOSE_WITHIN: Final = 1.0
READ_TIMEOUT: Final = 65.0
"""Seconds: an API server gives up after 60 of its own and says so, which is worth waiting for."""

TOTAL_TIMEOUT: Final = 300.0
"""Seconds: a whole list over a slow line passes, and nothing waits for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """How `connect()` connects; everything has a default.

    `kubeconfig`: a file or several, merged as kubectl does; else $KUBECONFIG, else
    ~/.kube/config. `context`: one of theirs, else the current one. `in_cluster`: True for the
    pod's service account only, False for kubeconfig only; None takes a kubeconfig where there
    is one, the pod otherwise. `user_agent`: "watchkit/<version>" unless given.

    `connect_timeout`: seconds for a connection, the wait for a free slot in the pool included;
    `read_timeout`: for the silence while the answer of a call comes; `total_timeout`: for all
    of a call. The last two are for calls to which the caller gives no `_request_timeout`; None
    is no bound. What has no end (watches, logs that are followed) gets the first only.
    `exec_timeout`: seconds that an exec plugin may take.

    `pool_size`: connections for calls at a time (0: any number). Watches, and lists of
    ListWatch, have a pool of their own, without a limit. `qps` and `burst`: how many calls a
    second leave, and how many at once; None is no limit. Every attempt and every list counts;
    watches do not, as in client-go: a RetryWatcher bounds its own. `retry`: a policy for calls
    (RetryingTransport); `breaker`: leave a server alone that fails again and again.

    `proxy`: its URL, over a kubeconfig's own. `trust_env`: heed $HTTPS_PROXY, $NO_PROXY and
    .netrc.

    Raises:
        ValueError: a value that makes no sense, or two that contradict each other.

    """

    kubeconfig: StrPath | Sequence[StrPath] | None = None
    context: str | None = None
    in_cluster: bool | None = None
    user_agent: str | None = None
    connect_timeout: float = CONNECT_TIMEOUT
    read_timeout: float | None = READ_TIMEOUT
    total_timeout: float | None = TOTAL_TIMEOUT
    exec_timeout: float = RUN_TIMEOUT
    pool_size: int = 100
    qps: float | None = None
    burst: int = 10
    retry: RetryPolicy | None = None
    breaker: BreakerPolicy | None = None
    proxy: str | None = field(default=None, repr=False)
    trust_env: bool = False

    def __post_init__(self) -> None:
        for name in ("connect_timeout", "read_timeout", "total_timeout", "exec_timeout"):
            seconds: float | None = getattr(self, name)
            if seconds is not None and not 0 < seconds < math.inf:
                raise ValueError(f"{name} must be above 0 s, not {seconds!r}")
        if self.pool_size < 0:
            raise ValueError(f"pool_size is a number of connections, not {self.pool_size!r}")
        if self.proxy is not None and not is_url(self.proxy):
            raise ValueError("proxy must be an http(s) URL")  # it may hold a password
        if self.qps is not None:
            Bucket(self.qps, self.burst)  # says what is wrong with them
        if self.in_cluster and (self.kubeconfig is not None or self.context is not None):
            raise ValueError("in_cluster=True takes neither a kubeconfig nor a context")

    @property
    def timeouts(self) -> Timeouts:
        """Those of calls."""
        return Timeouts(
            connect=self.connect_timeout, read=self.read_timeout, total=self.total_timeout
        )


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
    refuse_plain_tokens(cluster, config.proxy or cluster.proxy)
    grant = await cluster.credentials.grant() if cluster.credentials else Grant(None)
    client = await _client(config, cluster, grant)
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
        return kubeconfig.select(merged, config.context, config.exec_timeout)
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


async def _client(config: ClientConfig, cluster: Cluster, grant: Grant) -> ConnectedClient:
    trust = Trust(cluster, grant)
    tls = await trust.open()
    client = _bare(_configuration(config, cluster, grant), cluster)
    client.connect_timeout = config.connect_timeout
    client.user_agent = config.user_agent or f"watchkit/{_version()}"
    limiter = None if config.qps is None else RateLimiter(config.qps, config.burst)

    def session(*, again: bool, acquire: Acquire | None, limit: int) -> aiohttp.ClientSession:
        identity = Identity(
            origin=cluster.origin,
            trust=trust,
            credentials=cluster.credentials,
            again=again,
            acquire=acquire,
        )
        return open_session(identity, tls, limit=limit, trust_env=_trusts_env(config, cluster))

    beneath = client.rest_client
    await beneath.pool_manager.close()
    acquire = None if limiter is None else limiter.acquire
    beneath.pool_manager = session(again=False, acquire=acquire, limit=0)
    calls = session(again=True, acquire=None, limit=config.pool_size)
    breakers = None if config.breaker is None else Breakers(config.breaker, cluster.server)
    transport = CallTransport(beneath, calls, config.timeouts, limiter, breakers)
    put: Any = transport  # by its shape; kubernetes_asyncio asks for no class
    if config.retry is not None:
        put = RetryingTransport(put, config.retry)
    client.rest_client = put
    return client


def _bare(configuration: Configuration, cluster: Cluster) -> ConnectedClient:
    """Make a client whose session is closed at once: it is built to know one TLS context.

    With no authority at hand kubernetes_asyncio would load all that the system knows, which
    takes as long as a hundred calls; so it gets any, and never uses it.
    """
    with TemporaryDirectory(prefix="watchkit-") as directory:
        if isinstance(cluster.authority, bytes):
            file = Path(directory, "ca.crt")
            file.write_bytes(cluster.authority)
            configuration.ssl_ca_cert = str(file)
        client = ConnectedClient(configuration)
    for name, pem in (
        ("ssl_ca_cert", cluster.authority),
        ("cert_file", cluster.certificate),
        ("key_file", cluster.key),
    ):
        # Not ours to read, but those who copy the Configuration find the files in it.
        setattr(configuration, name, str(pem) if isinstance(pem, Path) else None)
    return client


def _configuration(config: ClientConfig, cluster: Cluster, grant: Grant) -> Configuration:
    made = Configuration(host=cluster.server)
    made.verify_ssl = cluster.verify
    made.tls_server_name = cluster.tls_server_name
    made.proxy = config.proxy or cluster.proxy
    made.connection_pool_maxsize = config.pool_size
    if isinstance(cluster.authority, Path):
        made.ssl_ca_cert = str(cluster.authority)
    if grant.authorization is not None:
        made.api_key = {"BearerToken": grant.authorization}
        made.refresh_api_key_hook = cluster.credentials
    return made


def _trusts_env(config: ClientConfig, cluster: Cluster) -> bool:
    """Over plain HTTP a proxy reads what passes: the environment's is none that was asked for."""
    is_plain = cluster.server.startswith("http:") and cluster.credentials is not None
    return config.trust_env and not is_plain


def _version() -> str:
    try:
        return importlib.metadata.version("watchkit")
    except importlib.metadata.PackageNotFoundError:  # run from a source tree
        return "0"
