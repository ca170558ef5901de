"""CallTransport: the rest client of connect(), by which generated and dynamic calls leave."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import aiohttp
from kubernetes_asyncio.client.exceptions import ApiException
from kubernetes_asyncio.client.rest import RESTClientObject, RESTResponse

from watchkit.api.faults import ERROR_CAP
from watchkit.api.sessions import LONG_RUNNING, is_true, scrub
from watchkit.core.errors import CircuitOpen, ServerUnavailable
from watchkit.core.paths import subject_of
from watchkit.resilience.breaker import CircuitBreaker
from watchkit.resilience.limiter import RateLimiter

_SUCCESS: Final = range(200, 300)
_SERVER_ERROR: Final = 500
_MOST_RESOURCES: Final = 500
"""Breakers kept: clusters serve fewer resources, and paths that are none count as one."""

Send: TypeAlias = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds: for a connection, for the silence while an answer comes, for all of a call."""

    connect: float
    read: float | None
    total: float | None

    def of(self, given: object, *, is_long: bool, is_streamed: bool) -> aiohttp.ClientTimeout:
        """Give aiohttp's: what the caller gave counts, and what he left out is ours.

        An answer without end gets a bound for its connection only, and one that the caller
        reads by himself none for the whole.
        """
        match given:
            case aiohttp.ClientTimeout():
                return given
            case int() | float():  # 0 means none, as everywhere in kubernetes_asyncio
                return self._with(total=given or None, read=None)
            case (int() | float() | None as connect, int() | float() | None as read):
                return aiohttp.ClientTimeout(
                    total=None, connect=connect, sock_connect=connect, sock_read=read
                )
            case _ if is_long:
                return self._with(total=None, read=None)
            case _:
                return self._with(total=None if is_streamed else self.total, read=self.read)

    def _with(self, *, total: float | None, read: float | None) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            total=total, connect=self.connect, sock_connect=self.connect, sock_read=read
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When `connect()`'s breakers open, and for how long: see `CircuitBreaker`.

    There is one for the connections to the API server, which faults of the transport alone
    open, and one for the answers of each resource, which 5xx open, too: a webhook that breaks
    the writes of one resource keeps nobody from the others.
    """

    failure_rate: float = 0.5
    window: int = 10
    open_for: float = 1.0

    def __post_init__(self) -> None:
        self.breaker("")  # whose checks are these values'

    def breaker(self, name: str) -> CircuitBreaker:
        """Make one."""
        return CircuitBreaker(self.failure_rate, self.window, self.open_for, name=name)


class Breakers:
    """The breakers of one client: of its host, and of each resource."""

    def __init__(self, policy: BreakerPolicy, host: str) -> None:
        self._policy = policy
        self._host = policy.breaker(host)
        self._resources: dict[str, CircuitBreaker] = {}

    async def call(self, url: str, send: Send) -> object:
        """Send one request if both let it through.

        Raises:
            CircuitOpen: one did not.

        """
        try:
            return await self._of(url).call(self._through_host, send)
        except _Returned as returned:
            return returned.answer
        except _NotAsked as not_asked:
            error = not_asked.error
        raise error

    async def _through_host(self, send: Send) -> object:
        try:
            came = await self._host.call(_captured, send)
        except CircuitOpen as error:
            raise _NotAsked(error) from None
        if isinstance(came, ApiException):
            raise came
        status = getattr(came, "status", None)
        if isinstance(status, int) and status >= _SERVER_ERROR:
            raise _Returned(came, status)
        return came

    def _of(self, url: str) -> CircuitBreaker:
        resource = subject_of(url).resource
        name = "others" if resource.startswith("/") else resource
        if name not in self._resources and len(self._resources) >= _MOST_RESOURCES:
            name = "others"
        if name not in self._resources:
            self._resources[name] = self._policy.breaker(name)
        return self._resources[name]


class _Returned(ServerUnavailable):
    """Carries a 5xx that is returned, not raised, past the breaker that is to count it."""

    def __init__(self, answer: object, status: int) -> None:
        super().__init__(status)
        self.answer = answer


class _NotAsked(BaseException):
    """Carries the host's refusal past a resource's breaker, which it tells nothing.

    No Exception, as those are outcomes: the breaker forgets the call as it does a cancelled one.
    """

    def __init__(self, error: CircuitOpen) -> None:
        super().__init__()
        self.error = error


async def _captured(send: Send) -> object:
    """Send, and give a refusal as a value: to the host's breaker any answer is a success."""
    try:
        return await send()
    except ApiException as error:
        return error


class CallTransport(RESTClientObject):
    """kubernetes_asyncio's transport with the limits of a ClientConfig.

    It has a pool of its own, so that no number of watches keeps a call waiting: what has no end
    (watch=true, follow=true) leaves by `beneath`, whose pool grows with them, as ListWatch's
    requests do. Bodies are not logged; headers are taken out of the errors that show them.
    """

    def __init__(
        self,
        beneath: RESTClientObject,
        session: aiohttp.ClientSession,
        timeouts: Timeouts,
        limiter: RateLimiter | None = None,
        breakers: Breakers | None = None,
    ) -> None:
        # Not the base's: it would make a session of its own.
        self.pool_manager = session
        self.proxy: str = beneath.proxy
        self.proxy_headers: dict[str, str] = beneath.proxy_headers
        self.server_hostname: str = beneath.server_hostname
        self._beneath = beneath
        self._timeouts = timeouts
        self._limiter = limiter
        self._breakers = breakers

    @property
    def beneath(self) -> RESTClientObject:
        """The transport of watches and lists."""
        return self._beneath

    async def close(self) -> None:
        """Close both pools."""
        try:
            await self.pool_manager.close()
        finally:
            await self._beneath.close()

    async def request(  # noqa: PLR0917 - the signature of kubernetes_asyncio's
        self,
        method: str,
        url: str,
        query_params: Any = None,  # noqa: ANN401 - untyped there
        headers: Any = None,  # noqa: ANN401 - untyped there
        body: Any = None,  # noqa: ANN401 - untyped there
        post_params: Any = None,  # noqa: ANN401 - untyped there
        _preload_content: bool = True,  # noqa: FBT001, FBT002 - as there
        _request_timeout: Any = None,  # noqa: ANN401 - untyped there
    ) -> Any:  # noqa: ANN401 - untyped there
        """Send one request and give its answer as kubernetes_asyncio does."""
        query = list(cast("Iterable[tuple[str, object]]", query_params or ()))
        is_long = any(name in LONG_RUNNING and is_true(value) for name, value in query)
        keywords: dict[str, Any] = {
            "query_params": query,
            "headers": headers,
            "body": body,
            "post_params": post_params,
            "_preload_content": False,
            "_request_timeout": self._timeouts.of(
                _request_timeout, is_long=is_long, is_streamed=not _preload_content
            ),
        }

        async def send() -> object:
            beneath = cast("Any", self._beneath if is_long else super(CallTransport, self))
            response = await _scrubbed(beneath.request(method, url, **keywords))
            return await _loaded(response) if _preload_content else response

        # Waiting for its turn is none of a call's time: the timeouts begin after it.
        if self._limiter is not None and not is_long:
            await self._limiter.acquire()
        if self._breakers is None or is_long:
            return await send()
        return await self._breakers.call(url, send)


async def _scrubbed(sending: Awaitable[aiohttp.ClientResponse]) -> aiohttp.ClientResponse:
    try:
        return await sending
    except aiohttp.ClientError as error:
        scrub(error)
        raise


async def _loaded(response: aiohttp.ClientResponse) -> RESTResponse:
    """Read the answer as kubernetes_asyncio would, but for what it says in its log.

    Raises:
        ApiException: it is no success; of its body, 64 KiB count.

    """
    try:
        if response.status in _SUCCESS:
            return RESTResponse(response, await response.read())
        data = await _error_body(response)
    except aiohttp.ClientError as error:
        scrub(error)
        raise
    # kubernetes_asyncio decodes it, and would fail at a web page in another encoding.
    text = data.decode(errors="replace")
    answer: Any = RESTResponse(response, text.encode())
    raise ApiException(http_resp=answer)


async def _error_body(response: aiohttp.ClientResponse) -> bytes:
    pieces: list[bytes] = []
    room = ERROR_CAP
    async for piece in response.content.iter_any():
        pieces.append(piece[:room])
        room -= len(piece)
        if room <= 0:
            response.close()
            break
    return b"".join(pieces)
