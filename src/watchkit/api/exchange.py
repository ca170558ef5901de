"""Requests of watchkit's own about single objects: whole answers, or one of our errors."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, Protocol, TypeAlias, cast

from anyio import move_on_after
from kubernetes_asyncio.client import ApiClient

from watchkit.api.body import read_page
from watchkit.api.edge import Request, credentials, headers_of, reject_credentials, send, url_of
from watchkit.api.faults import transport_failure
from watchkit.api.foreign import failure_of, refusal
from watchkit.api.transport import session_of, unwrapped
from watchkit.core.errors import IdleTimeout, Unauthorized, WatchkitError

Client: TypeAlias = ApiClient
"""What requests are sent with: kubernetes_asyncio's, for those who may not name it."""

_SUCCESS: Final = range(200, 300)


async def exchange(client: ApiClient, request: Request) -> bytes:
    """Send it round the policies that were put over the client, as lists are sent.

    Who calls it has a policy of his own, and a pool or a breaker that other calls have filled
    or opened is not to stand in its way.

    Raises:
        ApiError: the server refused.
        IdleTimeout: no answer, or no more of it, for `idle_timeout` seconds.
        TransportError: no connection, no answer, or half of one.

    """
    transport = unwrapped(client.rest_client)
    if session_of(transport) is None:
        return await _whole(transport, client, request)
    answer = await send(client, request)
    try:
        return await read_page(
            answer.incoming,
            raw=answer.raw,
            idle_timeout=request.idle_timeout,
            doing=request.doing,
        )
    finally:
        answer.incoming.close()


async def call(client: ApiClient, request: Request) -> bytes:
    """Send it as the client sends any call: limits and retries of its transport count.

    Raises:
        WatchkitError: as `exchange` does, and what such a transport raises.

    """
    return await _whole(client.rest_client, client, request)


class _Transport(Protocol):
    """What kubernetes_asyncio's generated calls ask of a rest_client."""

    def request(
        self,
        method: str,
        url: str,
        *,
        query_params: list[tuple[str, str]],
        headers: dict[str, str],
        body: object,
    ) -> Awaitable[object]: ...


async def _whole(transport: object, client: ApiClient, request: Request) -> bytes:
    auth: dict[str, str] = {}
    with move_on_after(request.idle_timeout):
        auth, query = await credentials(client, request)
        try:
            return await _asked(cast("_Transport", transport), client, request, auth, query)
        except Unauthorized:
            given = {name.title(): value for name, value in auth.items()}
            reject_credentials(client, given.get("Authorization"))
            raise
    raise IdleTimeout(f"{request.doing}: no answer for {request.idle_timeout:g} s")


async def _asked(
    transport: _Transport,
    client: ApiClient,
    request: Request,
    auth: dict[str, str],
    query: list[tuple[str, str]],
) -> bytes:
    fault: WatchkitError
    try:
        answer = await transport.request(
            request.method,
            url_of(client, request),
            query_params=query,
            headers=headers_of(client, request, auth),
            body=request.body,
        )
        return _data(answer, request.doing)
    except WatchkitError:
        raise
    except Exception as error:  # noqa: BLE001 - a transport may raise anything
        fault = failure_of(error, request.doing) or transport_failure(error, request.doing)
    raise fault


def _data(answer: object, doing: str) -> bytes:
    status, data = getattr(answer, "status", None), getattr(answer, "data", b"")
    if isinstance(status, int) and status not in _SUCCESS:
        raise refusal(status, data, getattr(answer, "headers", None), doing)
    return data.encode() if isinstance(data, str) else bytes(data)
