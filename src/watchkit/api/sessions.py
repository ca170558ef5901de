"""The aiohttp sessions beneath a client of connect(): one for calls, one for watches and lists."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Final, TypeAlias, cast

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from kubernetes_asyncio.client.exceptions import ApiException
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from watchkit.api.credentials import Credentials, Grant
from watchkit.api.trust import Trust
from watchkit.core.errors import TransportError
from watchkit.observe import client as observe

_NO_HEADERS: Final[CIMultiDictProxy[str]] = CIMultiDictProxy(CIMultiDict[str]())

LINE_BUFFER: Final = 2 * 1024 * 1024
"""What kubernetes_asyncio reads ahead: its own Watch needs an object to fit in twice this."""

LONG_RUNNING: Final = ("watch", "follow")
"""The query parameters of a request whose answer has no end: the client's limits are for calls."""

_UNAUTHORIZED: Final = 401
_AUTHORIZATION: Final = "Authorization"

Acquire: TypeAlias = Callable[[], Awaitable[None]]


def is_true(value: object) -> bool:
    """Whether a query parameter says yes, as a bool or as text."""
    return str(value).lower() in {"true", "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A middleware: each request goes out over TLS of the moment, with credentials of the moment.

    A connection that could not be made has the certificates looked at again at once; with new
    ones it is tried once more, as nothing had left. A 401 has token and certificates renewed
    at once; where `again`, and where others are to be had, it is tried once more: the server
    has not looked at a request that it did not let in. Elsewhere the caller's own policy does.
    """

    origin: str
    trust: Trust
    credentials: Credentials | None
    again: bool
    acquire: Acquire | None = None

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Send one request."""
        if self.acquire is not None and not _is_long(request):
            await self.acquire()
        response = await self._sent(request, handler)
        if response.status != _UNAUTHORIZED:
            return response
        renewed = await self._renewed(request)
        observe.credentials_rejected(self.origin, renewed=renewed)
        if not renewed:
            return response
        response.release()
        return await self._sent(request, handler)

    async def _sent(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        used = await self.trust.context(await self._grant())
        _secure(request, used)
        try:
            return await handler(request)
        except (aiohttp.ClientOSError, TransportError) as error:
            # Some servers refuse a client's certificate only after the handshake (TLS 1.3).
            fresh = await self.trust.reload()
            if fresh is used or _has_left(error):
                raise
        _secure(request, fresh)
        return await handler(request)

    async def _grant(self) -> Grant | None:
        return None if self.credentials is None else await self.credentials.grant()

    async def _renewed(self, request: aiohttp.ClientRequest) -> bool:
        """Renew what was rejected; whether to try again."""
        rejected = request.headers.get(_AUTHORIZATION)
        before = await self.trust.context()
        changed = await self.trust.reload() is not before
        if self.credentials is None:
            return changed and self.again
        ours = self.credentials.gave(rejected)
        self.credentials.invalidate(rejected)
        if not self.again or not ours:
            return False
        try:
            grant = await self.credentials.grant()
        except TransportError:
            return False  # the 401 is the caller's to see
        if grant.authorization is not None and grant.authorization != rejected:
            request.headers[_AUTHORIZATION] = grant.authorization
            changed = True
        return changed or await self.trust.context(grant) is not before


def open_session(
    identity: Identity, tls: ssl.SSLContext | None, *, limit: int, trust_env: bool
) -> aiohttp.ClientSession:
    """Open a session of at most `limit` connections (0: any number), which follows no redirect."""
    connector = aiohttp.TCPConnector(limit=limit, ssl=tls or True)
    guard = aiohttp.TraceConfig()
    guard.on_request_redirect.append(_refuse_redirect)
    session = aiohttp.ClientSession(
        connector=connector,
        trust_env=trust_env,
        read_bufsize=LINE_BUFFER,
        middlewares=[identity],
        trace_configs=[guard],
    )
    if hasattr(session, "_retry_connection"):  # there is no public switch
        # aiohttp sends a GET, PUT or DELETE again by itself after a reset: uncounted, without
        # a pause, and for a write without knowing whether the first one was done.
        setattr(session, "_retry_connection", False)  # noqa: B010
    return session


def scrub(error: BaseException) -> None:
    """Take tokens and passwords out of aiohttp's errors, whose reprs show headers and proxies."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, aiohttp.ClientResponseError):
            info = at.request_info
            bare = _bare(info.url), info.method, _NO_HEADERS, _bare(info.real_url)
            at.request_info = aiohttp.RequestInfo(*bare)
            at.args = (at.request_info, at.history)
        elif isinstance(at, aiohttp.ClientConnectorError):
            key = cast("ConnectionKey", at.args[0])
            proxy = None if key.proxy is None else _bare(key.proxy)
            key = key._replace(proxy=proxy, proxy_auth=None)
            at.args = (key, *at.args[1:])
        at = at.__cause__ or at.__context__


def _bare(url: URL) -> URL:
    return url.with_user(None) if url.user or url.password else url


async def _refuse_redirect(
    _session: aiohttp.ClientSession,
    _context: SimpleNamespace,
    params: aiohttp.TraceRequestRedirectParams,
) -> None:
    """Raise before it is followed: kubernetes_asyncio's request has no word for that.

    The host at most is named: what else a Location holds is nobody's business.
    """
    status, location = params.response.status, params.response.headers.get("Location", "")
    params.response.close()
    try:
        host = URL(location).host
    except ValueError:
        host = None
    to = f" to {host}" if host else ""
    error = ApiException(status=status, reason=f"a redirect{to} was refused")
    error.body = b""  # kubernetes_asyncio decodes it
    raise error


def _secure(request: aiohttp.ClientRequest, context: ssl.SSLContext | None) -> None:
    """Have the request use a connection of this context, pooled or new, and no other.

    aiohttp takes it as an argument that kubernetes_asyncio does not pass on; the attribute is
    private, and without it a client would keep the context that its session began with.
    """
    if context is not None:
        setattr(request, "_ssl", context)  # noqa: B010


def _has_left(error: aiohttp.ClientOSError | TransportError) -> bool:
    if isinstance(error, TransportError):
        return error.reached
    return not isinstance(error, aiohttp.ClientConnectorError)


def _is_long(request: aiohttp.ClientRequest) -> bool:
    return any(is_true(request.url.query.get(name)) for name in LONG_RUNNING)
