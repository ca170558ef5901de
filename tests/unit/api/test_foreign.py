"""Which errors of aiohttp's are faults: as they come from a real request, and made by hand."""

import aiohttp
import anyio
import pytest
import yarl
from aiohttp.http_exceptions import BadHttpMessage
from kubernetes_asyncio.client import ApiException
from multidict import CIMultiDict, CIMultiDictProxy

from tests.unit.api.answers import FAULTS
from tests.unit.api.wire import WireServer
from watchkit import Verdict, classify, is_retryable, is_timeout
from watchkit.api.foreign import failure_of, fault_of
from watchkit.core.classify import shows_outage
from watchkit.core.errors import ApiError, CircuitOpen, TransportError
from watchkit.core.replay import Held

pytestmark = pytest.mark.anyio

URL = yarl.URL("http://server")
PROXY = aiohttp.ClientHttpProxyError(
    aiohttp.RequestInfo(URL, "CONNECT", CIMultiDictProxy(CIMultiDict()), URL), (), status=502
)


@pytest.mark.parametrize("name", FAULTS)
async def test_what_a_fault_raises_is_retryable(name: str) -> None:
    """`is_retryable` and `classify` know the errors that calls of kubernetes_asyncio raise."""
    async with WireServer([FAULTS[name]]) as server, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError) as caught:
            async with session.post(server.url) as answer:
                await answer.read()

    assert is_retryable(caught.value)
    assert shows_outage(caught.value)
    fault = fault_of(caught.value, "post it")
    assert fault is not None
    assert fault.reached
    assert type(caught.value).__name__ in str(fault)


@pytest.mark.parametrize(
    ("error", "reached"),
    [
        (aiohttp.ServerDisconnectedError(), True),
        (aiohttp.ClientPayloadError(), True),
        (aiohttp.SocketTimeoutError(), True),
        (aiohttp.ConnectionTimeoutError(), False),
        (BadHttpMessage("x"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (ConnectionRefusedError(), False),
        (TransportError("x", reached=False), False),
        (CircuitOpen(0.0), False),
        (PROXY, False),
    ],
    ids=repr,
)
async def test_a_fault_says_whether_anything_was_sent(error: Exception, reached: bool) -> None:  # noqa: FBT001
    """Where it may have been, it counts as sent."""
    failure = failure_of(error, "post it")

    assert isinstance(failure, TransportError)
    assert failure.reached is reached


async def test_an_open_circuit_says_how_long() -> None:
    """Until it lets one try, and never less than nothing."""
    now = anyio.current_time()
    for until, seconds in ((now + 9, 9), (now - 9, 0)):
        held = failure_of(CircuitOpen(until), "post it")
        assert isinstance(held, Held)
        assert held.retry_after == pytest.approx(seconds, abs=1)


@pytest.mark.parametrize(
    "error",
    [
        aiohttp.InvalidURL("x"),
        aiohttp.NonHttpUrlClientError("x"),
        KeyError("x"),
        RuntimeError("Session is closed"),
        ApiException(status=0),
        ApiException(),
    ],
    ids=repr,
)
def test_a_mistake_is_neither_answer_nor_fault(error: Exception) -> None:
    """Time heals none of them."""
    assert failure_of(error, "post it") is None
    assert classify(error) is Verdict.FATAL


def test_an_answer_is_its_status() -> None:
    """Body as text, bytes or missing; the hint from the header, whatever its case."""
    error = ApiException(status=429)
    said = vars(error)
    for body in (None, "slowly", b"slowly"):
        said["body"] = body
        said["headers"] = {"retry-after": "3"}
        failure = failure_of(error, "post it")
        assert isinstance(failure, ApiError)
        assert (failure.status, failure.retry_after, failure.doing) == (429, 3.0, "post it")


def test_a_timeout_of_aiohttps_is_a_timeout() -> None:
    """Of the connection or of the answer."""
    assert is_timeout(aiohttp.ConnectionTimeoutError())
    assert is_timeout(aiohttp.SocketTimeoutError())
