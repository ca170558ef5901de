"""Laws of what is made of an answer that is no 200, and of what is kept from the wrong ears."""

import asyncio
import json
import socket
import traceback

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from kubernetes_asyncio.client import CoreV1Api

from tests.unit.api.wire import TOKEN, End, Step, WireServer, client_of, head, whole
from watchkit.api.listwatch import ListWatch
from watchkit.core import errors

pytestmark = pytest.mark.anyio

HTML = b"<html>\n<body><h1>502 Bad Gateway</h1>canary-b1f6e0</body>\n</html>\n"


def status(code: int, reason: str, message: str, **details: object) -> bytes:
    """Make a Status as the API server does, pretty-printed."""
    body = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return json.dumps({**body, "details": details}, indent=2).encode()


async def refused(*steps: Step, watch: bool = False) -> errors.WatchkitError:
    """Ask for nodes and give the error."""
    async with WireServer([steps]) as server, client_of(server.url) as client:
        nodes = ListWatch(CoreV1Api(client).list_node)
        ask = nodes.watch if watch else nodes.list
        with pytest.raises(errors.WatchkitError) as caught:
            await ask({"resourceVersion": "7"}, idle_timeout=60)
    return caught.value


@pytest.mark.parametrize("watch", [False, True])
@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (400, "BadRequest", errors.InvalidRequest),
        (401, "Unauthorized", errors.Unauthorized),
        (403, "Forbidden", errors.Forbidden),
        (404, "NotFound", errors.NotFound),
        (410, "Expired", errors.ResourceExpired),
        (429, "TooManyRequests", errors.TooManyRequests),
        (500, "InternalError", errors.ServerUnavailable),
        (504, "Timeout", errors.ServerUnavailable),
    ],
)
async def test_a_status_becomes_its_error(
    code: int,
    reason: str,
    kind: type[errors.ApiError],
    watch: bool,  # noqa: FBT001
) -> None:
    """Class, status, reason, message and details, for lists and watches alike."""
    error = await refused(
        whole(status(code, reason, "no, thanks", kind="nodes"), code), watch=watch
    )

    assert type(error) is kind
    assert isinstance(error, errors.ApiError)
    assert (error.status, error.reason, error.message) == (code, reason, "no, thanks")
    assert error.details == {"kind": "nodes"}
    assert error.doing == ("watch nodes" if watch else "list nodes")


@pytest.mark.fault("F11")
async def test_a_proxys_page_is_judged_by_its_code() -> None:
    """HTML with a 502 is an unavailable server, and its text is not repeated."""
    error = await refused(head(502, "Content-Type: text/html"), HTML, End.CLOSE)

    assert type(error) is errors.ServerUnavailable
    assert str(error) == "list nodes: 502"


@pytest.mark.fault("F11")
@pytest.mark.parametrize("watch", [False, True])
async def test_a_web_page_with_200_is_a_transport_error(watch: bool) -> None:  # noqa: FBT001
    """A captive portal's success is no list and no watch; it passes, so it is tried again."""
    error = await refused(head(200, "Content-Type: text/HTML; a=b"), HTML, End.CLOSE, watch=watch)

    assert type(error) is errors.TransportError
    assert "web page" in str(error)


@pytest.mark.parametrize(
    ("header", "details", "seconds"),
    [
        ("Retry-After: 3", {}, 3.0),
        ("Retry-After: 3", {"retryAfterSeconds": 9}, 3.0),
        ("X: y", {"retryAfterSeconds": 9}, 9.0),
        ("Retry-After: Wed, 21 Oct 2026 07:28:30 GMT", {}, 30.0),
        ("X: y", {}, None),
    ],
)
async def test_retry_after_is_taken_wherever_it_stands(
    header: str, details: dict[str, object], seconds: float | None
) -> None:
    """In the header, as seconds or as a date, or else in the Status' details."""
    body = status(429, "TooManyRequests", "slowly", **details)
    date = "Date: Wed, 21 Oct 2026 07:28:00 GMT"
    error = await refused(whole(body, 429, header, date))

    assert isinstance(error, errors.TooManyRequests)
    assert error.retry_after == seconds


@pytest.mark.fault("F13")
@pytest.mark.parametrize("code", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("watch", [False, True])
async def test_a_redirect_is_refused_and_the_token_stays_home(code: int, watch: bool) -> None:  # noqa: FBT001
    """Nobody connects to where a Location points, and of it only the host is named."""
    async with WireServer([[whole(b"{}")]]) as thief:
        location = f"Location: {thief.url}/secret-path?canary={TOKEN}"
        error = await refused(whole(b"", code, location), watch=watch)
        await asyncio.sleep(0.05)

    assert type(error) is errors.Redirected
    assert error.status == code
    assert "a redirect to 127.0.0.1 was refused" in str(error)
    assert "secret-path" not in repr(error)
    assert not thief.seen


async def test_a_redirect_to_nowhere_is_refused_too() -> None:
    """A Location that is none, or missing, changes nothing."""
    for lines in (("Location: http://[",), ("Location: /elsewhere",), ()):
        error = await refused(whole(b"", 302, *lines))
        assert str(error) == "list nodes: 302: a redirect was refused"


async def test_another_success_is_no_list() -> None:
    """What is not 200 is an ApiError, 204 too."""
    error = await refused(head(204))

    assert isinstance(error, errors.ApiError)
    assert error.status == 204


class Credentials:
    """A refresh hook that can be told of a rejection."""

    def __init__(self) -> None:
        self.rejected: list[str | None] = []

    def __call__(self, configuration: object) -> None:
        """Refresh nothing."""

    def invalidate(self, authorization: str | None) -> None:
        """Note what was rejected."""
        self.rejected.append(authorization)


async def test_a_401_marks_the_credentials_as_rejected() -> None:
    """The hook is told what was rejected, by 401 only; a hook that can't be told is left alone."""
    answers = [[whole(b"{}")], [whole(b"{}", 403)], [whole(b"{}", 401)]]
    async with WireServer(answers) as server, client_of(server.url) as client:
        hook = Credentials()
        client.configuration.refresh_api_key_hook = hook
        nodes = ListWatch(CoreV1Api(client).list_node)
        await nodes.list({}, idle_timeout=60)
        with pytest.raises(errors.Forbidden):
            await nodes.list({}, idle_timeout=60)
        assert hook.rejected == []
        with pytest.raises(errors.Unauthorized):
            await nodes.watch({}, idle_timeout=60)
        assert hook.rejected == [f"Bearer {TOKEN}"]
        client.configuration.refresh_api_key_hook = None
        with pytest.raises(errors.Unauthorized):
            await nodes.list({}, idle_timeout=60)


@pytest.mark.fault("F01")
async def test_a_refused_connection_never_reached_anybody() -> None:
    """It says where it wanted to go and what the system said; `reached` is False."""
    async with WireServer([[]]) as server:
        url = server.url
    async with client_of(url) as client:
        nodes = ListWatch(CoreV1Api(client).list_node)
        for ask in (nodes.list, nodes.watch):
            with pytest.raises(errors.TransportError) as caught:
                await ask({}, idle_timeout=60)
            assert not caught.value.reached
            assert url.removeprefix("http://") in str(caught.value)
            assert "ClientConnectorError" in str(caught.value)


class Nobody(AbstractResolver):
    """Knows no name, and says so at once, as not every network's does."""

    async def resolve(self, host: str, *_: object, **__: object) -> list[ResolveResult]:
        """Know nobody."""
        raise OSError(socket.EAI_NONAME, f"{host}: Name or service not known")

    async def close(self) -> None:
        """Hold nothing."""


@pytest.mark.fault("F02")
async def test_an_unknown_host_never_reached_anybody() -> None:
    """DNS that knows no such name is like a refused connection."""
    async with client_of("http://nowhere.invalid:1") as client:
        await client.rest_client.pool_manager.close()
        connector = aiohttp.TCPConnector(resolver=Nobody())
        client.rest_client.pool_manager = aiohttp.ClientSession(connector=connector)
        with pytest.raises(errors.TransportError, match=r"nowhere\.invalid:1") as caught:
            await ListWatch(CoreV1Api(client).list_node).list({}, idle_timeout=60)

    assert not caught.value.reached


async def test_a_closed_client_is_a_transport_error() -> None:
    """A session that the caller has closed sends nothing any more."""
    async with client_of("http://127.0.0.1:1") as client:
        nodes = ListWatch(CoreV1Api(client).list_node)
    for ask in (nodes.list, nodes.watch):
        with pytest.raises(errors.TransportError, match="RuntimeError") as caught:
            await ask({}, idle_timeout=60)
        assert not caught.value.reached


FAULTS: list[list[Step]] = [
    [End.CLOSE],
    [End.RESET],
    [b"nonsense\r\n\r\n", End.CLOSE],
    [head(200, "Content-Length: 99"), End.CLOSE],
    [head(200, "Transfer-Encoding: chunked"), b"zz\r\n", End.CLOSE],
    [head(200, "Content-Encoding: gzip", "Content-Length: 5"), b"xxxxx"],
    [head(502, "Content-Type: text/html"), HTML, End.CLOSE],
    [whole(b"", 302, f"Location: http://127.0.0.1:1/{TOKEN}")],
    [whole(b'{"message": 7, "x": "canary-b1f6e0"}', 500)],
    [whole(f"Bearer {TOKEN}".encode(), 401)],
]


@pytest.mark.parametrize("steps", FAULTS, ids=range(len(FAULTS)))
async def test_no_error_shows_a_secret(steps: list[Step]) -> None:
    """Neither text, repr, traceback nor context of an error holds the token or a body."""
    error = await refused(*steps)
    shown = [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]

    assert not [text for text in shown if "canary" in text]
    assert error.__context__ is None
    assert error.__cause__ is None
