"""How a request leaves: by the client's own aiohttp session, or by a transport put over it."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TypedDict, cast
from urllib.parse import quote, urlencode

import aiohttp
from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.client.exceptions import ApiException
from kubernetes_asyncio.client.rest import RESTClientObject
from multidict import CIMultiDict
from yarl import URL

from watchkit.api.faults import FOREIGN, transport_error, transport_failure
from watchkit.api.foreign import refusal_in
from watchkit.core.errors import WatchkitError

CONNECT_TIMEOUT: Final = 10.0
"""Seconds for a connection: a free slot in the pool, DNS, TCP and TLS together."""

READ_BUFFER: Final = 128 * 1024
"""aiohttp pauses the socket at twice this: a whole read of asyncio's (256 KiB) just fits in,
where less would cost a busy watch two more system calls per read."""

_LANE: Final = "X-Watchkit-Lane"
_LANES: Final = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One request, ready to go. `doing` names it in errors; `query` is sent as it is.

    `lane` names a pool of connections that only requests with the same lane share, None the
    client's common one. `apart`: its answer has no end, so its connection is one beside those
    that the client may have. `body` is JSON, and only the client's own session sends one.
    """

    doing: str
    url: str = field(repr=False)
    query: list[tuple[str, str]] = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    lane: str | None
    apart: bool = False
    method: str = "GET"
    body: bytes | None = field(default=None, repr=False)


async def transmit(client: ApiClient, out: Outgoing) -> tuple[aiohttp.ClientResponse, bool]:
    """Send it and give the answer's head, of whatever status; True if its body came as sent.

    kubernetes_asyncio's own rest_client is gone round to its session: only there can redirects
    be refused and inflating be bounded. Another one may have been put there for a purpose
    (a test, a log, a trace), so the request goes through it, like a call of the client's.

    Raises:
        ApiError: a transport raised the refusal, as newer kubernetes_asyncio does.
        TransportError: no answer.

    """
    transport = unwrapped(client.rest_client)
    session = session_of(transport)
    if session is not None:
        plain = cast("RESTClientObject", transport)
        return await _through_session(session, plain, client, out), True
    return await _through(cast("_Transport", transport), client, out), False


def new_lane() -> str:
    """Name a pool of connections that nobody has used yet."""
    return str(next(_LANES))


def session_of(transport: object) -> aiohttp.ClientSession | None:
    """Give the session of kubernetes_asyncio's own transport, None where it is another one."""
    if not isinstance(transport, RESTClientObject) or not _is_plain(transport):
        return None
    session = cast("object", transport.pool_manager)
    return session if isinstance(session, aiohttp.ClientSession) else None


class _Transport(Protocol):
    """A rest_client of somebody else's, called as kubernetes_asyncio calls its own."""

    def request(
        self,
        method: str,
        url: str,
        *,
        query_params: list[tuple[str, str]],
        headers: dict[str, str],
        _preload_content: bool,
        _request_timeout: aiohttp.ClientTimeout,
    ) -> Awaitable[aiohttp.ClientResponse]: ...


class _Configured(TypedDict, total=False):
    proxy: str
    proxy_headers: Mapping[str, str]
    server_hostname: str


def unwrapped(transport: object) -> object:
    """What lies beneath watchkit's own policies: a class of theirs says so by `beneath`.

    Watches and lists have a retry policy of their own, and two of them multiply. The class is
    asked, not the object: a wrapper of somebody else's may pass any attribute through.
    """
    while hasattr(type(transport), "beneath"):
        transport = cast("object", getattr(transport, "beneath"))  # noqa: B009 - not typed here
    return transport


def _is_plain(transport: RESTClientObject) -> bool:
    """Whether requests would go the generated way: nobody put an override in it."""
    return all(
        getattr(type(transport), name) is getattr(RESTClientObject, name)
        and name not in vars(transport)
        for name in ("request", "GET")
    )


async def _through_session(
    session: aiohttp.ClientSession, transport: RESTClientObject, client: ApiClient, out: Outgoing
) -> aiohttp.ClientResponse:
    query = urlencode(out.query, quote_via=quote)
    middlewares = cast(
        "tuple[aiohttp.ClientMiddlewareType, ...]", getattr(session, "_middlewares", ())
    )
    try:
        return await session.request(
            out.method,
            URL(f"{out.url}?{query}" if query else out.url, encoded=True),
            headers=out.headers,
            data=out.body,
            timeout=_timeout(client),
            allow_redirects=False,
            auto_decompress=False,
            raise_for_status=False,
            read_bufsize=READ_BUFFER,
            # Those given with a request replace the session's: the caller's stay outermost.
            middlewares=(*middlewares, _Lane(out, session.connector if out.apart else None)),
            **_configured(transport),
        )
    except FOREIGN as error:
        fault = transport_error(error, out.doing, sent=False)
    raise fault


class _Lane:
    """A middleware of aiohttp's, the last one before the connection is taken from the pool.

    A connection is pooled under aiohttp's ConnectionKey, of which the headers meant for a proxy
    are a part, proxy or none. One more of them, sent to nobody where there is no proxy, gives
    the requests of one lane connections that nobody else's can be mistaken for: a lane used
    once has always a new connection, never a pooled one that died unnoticed.

    A fault becomes one of ours here, beneath the session: aiohttp itself would send a GET again
    once after a reset, at once and uncounted.

    `connector` is the pool in which the request is to take nobody's place.
    """

    def __init__(self, out: Outgoing, connector: aiohttp.BaseConnector | None = None) -> None:
        self._out = out
        self._connector = connector

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if self._out.lane is not None:
            headers = CIMultiDict(request.proxy_headers or {})
            headers[_LANE] = self._out.lane
            request.proxy_headers = headers
        try:
            return await self._sent(request, handler)
        except FOREIGN as error:
            fault = transport_error(error, self._out.doing)
        raise fault

    async def _sent(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if self._connector is None or not self._connector.limit:
            return await handler(request)
        place = _Place(self._connector)
        try:
            response = await handler(request)
        except BaseException:
            place.give_back()
            raise
        if response.connection is None:  # the body came with the head and has ended
            place.give_back()
        else:
            response.connection.add_callback(place.give_back)
        return response


class _Place:
    """Room for one more connection in a pool of limited size, until it is given back.

    A watch holds its connection for as long as it lives: a pool of the caller's would serve as
    many watches as it has places, and nothing else. aiohttp has no public word for a connection
    that does not count: so its limit is one more meanwhile.
    """

    def __init__(self, connector: aiohttp.BaseConnector) -> None:
        self._connector: aiohttp.BaseConnector | None = connector
        _widen(connector, 1)

    def give_back(self) -> None:
        """Take the room away again; a second call does nothing."""
        if self._connector is not None:
            _widen(self._connector, -1)
            self._connector = None


def _widen(connector: aiohttp.BaseConnector, by: int) -> None:
    setattr(connector, "_limit", connector.limit + by)  # noqa: B010 - the property has no setter


async def _through(
    transport: _Transport, client: ApiClient, out: Outgoing
) -> aiohttp.ClientResponse:
    fault: WatchkitError
    try:
        return await transport.request(
            "GET",
            out.url,
            query_params=out.query,
            headers=out.headers,
            _preload_content=False,
            _request_timeout=_timeout(client),
        )
    except WatchkitError:
        raise
    except FOREIGN as error:
        fault = transport_error(error, out.doing)
    except ApiException as error:
        fault = refusal_in(error, out.doing) or transport_failure(error, out.doing)
    except Exception as error:  # noqa: BLE001 - a transport may raise anything
        fault = transport_failure(error, out.doing)
    raise fault


def _timeout(client: ApiClient) -> aiohttp.ClientTimeout:
    """Bounds for the connection only: silence is judged above, where the reader is known."""
    seconds: object = getattr(client, "connect_timeout", CONNECT_TIMEOUT)
    bound = seconds if isinstance(seconds, int | float) else CONNECT_TIMEOUT
    return aiohttp.ClientTimeout(total=None, connect=bound, sock_connect=bound)


def _configured(transport: RESTClientObject) -> _Configured:
    """What kubernetes_asyncio's own request passes on from the Configuration."""
    given = _Configured()
    if transport.proxy:
        given["proxy"] = transport.proxy
    if transport.proxy_headers:
        given["proxy_headers"] = transport.proxy_headers
    if transport.server_hostname:
        given["server_hostname"] = transport.server_hostname
    return given
