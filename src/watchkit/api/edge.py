"""One request with the caller's credentials: a success to read from, or one of our errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

import aiohttp
import msgspec
from anyio import move_on_after
from kubernetes_asyncio.client import ApiClient
from multidict import CIMultiDict
from yarl import URL

from watchkit.api.body import read_error
from watchkit.api.faults import retry_after
from watchkit.api.incoming import Incoming
from watchkit.api.transport import Outgoing, transmit
from watchkit.core.classify import api_error, status_error
from watchkit.core.errors import ApiError, IdleTimeout, TransportError, Unauthorized, WatchkitError

_DONE: Final = (200, 201)
_REDIRECTS: Final = range(300, 400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask for: `query` is sent as it is, `doing` names it in errors.

    `lane`: see transport.Outgoing. `once`: the connection is not for use by anybody after this.
    `body` is a JSON value, None for none.
    """

    doing: str
    path: str
    query: Mapping[str, str]
    accept: str
    encoding: str
    idle_timeout: float
    lane: str | None = None
    once: bool = False
    method: str = "GET"
    body: object = field(default=None, repr=False)
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """A success: its body to come, and whether that comes as sent (`raw`) or inflated already."""

    incoming: Incoming
    response: aiohttp.ClientResponse
    raw: bool


async def send(client: ApiClient, request: Request) -> Answer:
    """Send it, and give the answer's head once there is one and it is a success.

    Raises:
        ApiError: any other status; a redirect is refused, not followed.
        IdleTimeout: no head within `idle_timeout` seconds.
        TransportError: no credentials, no connection, no answer, or a web page.

    """
    used: dict[str, str] = {}
    try:
        answer = await _head(client, request, used)
        try:
            await _check(answer, request)
        except BaseException:
            answer.incoming.close()
            raise
    except Unauthorized:
        reject_credentials(client, used.get("Authorization"))
        raise
    return answer


async def _head(client: ApiClient, request: Request, used: dict[str, str]) -> Answer:
    with move_on_after(request.idle_timeout):
        auth, query = await credentials(client, request)
        used.update((name.title(), value) for name, value in auth.items())
        out = Outgoing(
            doing=request.doing,
            url=url_of(client, request),
            query=query,
            headers=headers_of(client, request, auth),
            lane=request.lane,
            apart=request.once,
            method=request.method,
            body=None if request.body is None else msgspec.json.encode(request.body),
        )
        response, raw = await transmit(client, out)
        return Answer(Incoming(response, request.doing), response, raw)
    raise IdleTimeout(f"{request.doing}: no answer for {request.idle_timeout:g} s")


class _Authorizing(Protocol):
    """The method of ApiClient's by which generated calls get their credentials."""

    async def update_params_for_auth(
        self,
        headers: dict[str, str | None],
        queries: list[tuple[str, str]],
        auth_settings: list[str],
    ) -> None: ...


def url_of(client: ApiClient, request: Request) -> str:
    """Give the URL, without the query."""
    return str(client.configuration.host).rstrip("/") + request.path


async def credentials(
    client: ApiClient, request: Request
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Ask the client's auth hooks, which may read files or run programs and fail at it."""
    auth: dict[str, str | None] = {}
    query = list(request.query.items())
    try:
        await cast("_Authorizing", client).update_params_for_auth(auth, query, ["BearerToken"])
    except WatchkitError:
        raise
    except Exception as error:  # noqa: BLE001 - the caller's hook may raise anything
        kind = type(error).__name__
    else:
        return {name: value for name, value in auth.items() if value is not None}, query
    raise TransportError(f"{request.doing}: no credentials to send ({kind})", reached=False)


def headers_of(client: ApiClient, request: Request, auth: Mapping[str, str]) -> dict[str, str]:
    """Put together the client's own default headers and ours; ours win."""
    headers = CIMultiDict(client.default_headers)
    headers.popall("Content-Type", None)  # a GET has no content
    if request.body is not None:
        headers["Content-Type"] = request.content_type
    if client.cookie:
        headers["Cookie"] = client.cookie
    headers["Accept"] = request.accept
    headers["Accept-Encoding"] = request.encoding
    if request.once:
        # Tells the server, and keeps aiohttp from pooling it even if the body ends at once.
        headers["Connection"] = "close"
    headers.update(auth)
    return dict(headers)


async def _check(answer: Answer, request: Request) -> None:
    incoming = answer.incoming
    history = answer.response.history
    if history:
        raise _redirected(history[0], request.doing)
    if incoming.status in _REDIRECTS:
        raise _redirected(answer.response, request.doing)
    if incoming.status not in _DONE:
        body = await read_error(incoming, raw=answer.raw, timeout=request.idle_timeout)
        wait = retry_after(incoming.headers)
        raise status_error(body, incoming.status, retry_after=wait, doing=request.doing)
    if incoming.headers.get("Content-Type", "").strip().lower().startswith("text/html"):
        # A captive portal or a proxy's apology, dressed as success: it passes.
        raise TransportError(f"{request.doing}: the answer is a web page, not Kubernetes")


def _redirected(response: aiohttp.ClientResponse, doing: str) -> ApiError:
    """Refuse it naming the host at most: what else a Location holds is nobody's business."""
    try:
        host = URL(response.headers.get("Location", "")).host
    except ValueError:
        host = None
    to = f"a redirect to {host} was refused" if host else "a redirect was refused"
    return api_error(response.status, message=to, doing=doing)


def reject_credentials(client: ApiClient, used: str | None) -> None:
    """Have the next request refresh the credentials, where those can: connect()'s can.

    Any `refresh_api_key_hook` with an `invalidate(authorization)` serves. It is told what was
    rejected, so that a late answer to old credentials does not throw the new ones away.
    """
    hook: object = getattr(client.configuration, "refresh_api_key_hook", None)
    invalidate: object = getattr(hook, "invalidate", None)
    if callable(invalidate):
        invalidate(used)
