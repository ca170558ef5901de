"""Which errors of aiohttp's are transport faults, and which answers of a transport refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import aiohttp
import anyio
from aiohttp.http_exceptions import HttpProcessingError
from kubernetes_asyncio.client.exceptions import ApiException
from multidict import CIMultiDict

from watchkit.api.faults import ERROR_CAP, retry_after, transport_error
from watchkit.core.classify import status_error
from watchkit.core.errors import ApiError, CircuitOpen, TransportError
from watchkit.core.replay import Held

_MISUSE: Final = (
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    aiohttp.RedirectClientError,
    aiohttp.TooManyRedirects,
)
"""ClientErrors, too, but none that time would heal."""


def fault_of(error: BaseException, doing: str = "a call") -> TransportError | None:
    """Give the transport fault that an error of aiohttp's is, None where it is none."""
    match error:
        case aiohttp.ClientHttpProxyError():
            # The tunnel was refused, so nothing of the request itself has left.
            return transport_error(error, doing, sent=False)
        case aiohttp.ClientResponseError():
            # Raised of an answer that is well-formed, it tells of that answer's status.
            malformed = isinstance(error.__cause__, HttpProcessingError)
            return transport_error(error, doing) if malformed else None
        case aiohttp.ClientError() | HttpProcessingError():
            return None if isinstance(error, _MISUSE) else transport_error(error, doing)
        case _:
            return None


def failure_of(error: BaseException, doing: str) -> ApiError | TransportError | None:
    """Give what an error raised by a transport means, None where it is neither of these."""
    if isinstance(error, ApiError | TransportError):
        return error
    if isinstance(error, CircuitOpen):
        wait = max(0.0, error.until - anyio.current_time())
        return Held(f"{doing}: {error} (CircuitOpen)", wait)
    if isinstance(error, ApiException):
        return refusal_in(error, doing)
    fault = fault_of(error, doing)
    if fault is None and isinstance(error, OSError) and not isinstance(error, _MISUSE):
        return transport_error(error, doing, sent=not isinstance(error, ConnectionRefusedError))
    return fault


def refusal(status: int, body: object, headers: object, doing: str) -> ApiError:
    """Give the error of an answer, its body as text, bytes or not read at all."""
    raw = body[:ERROR_CAP].encode(errors="replace") if isinstance(body, str) else body
    named = CIMultiDict(cast("Mapping[str, str]", headers or {}))
    return status_error(
        raw[:ERROR_CAP] if isinstance(raw, bytes) else b"",
        status,
        retry_after=retry_after(named),
        doing=doing,
    )


def refusal_in(error: ApiException, doing: str) -> ApiError | None:
    """Give the refusal that a transport raised, None where no answer is behind it."""
    status = cast("object", error.status)
    if not isinstance(status, int) or status == 0:
        return None  # kubernetes_asyncio says so of a request that it cannot make
    return refusal(status, cast("object", error.body), cast("object", error.headers), doing)
