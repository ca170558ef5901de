"""What became of a request: foreign exceptions and refusals as watchkit's own errors.

The text of a foreign exception is never quoted: the repr of some holds the request's headers,
token included. Its class is named, and what the operating system or TLS said about it. Ours are
raised outside the `except` block that caught the foreign one, so that not even `__context__`
keeps it.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from watchkit.core.errors import TransportError

FOREIGN: Final = (
    aiohttp.ClientError,
    HttpProcessingError,  # a malformed answer: no ClientError, and its code 400 is no answer's
    OSError,  # TimeoutError and ssl.SSLError are among them
    RuntimeError,  # "Session is closed", "Connection closed."
    ValueError,  # a URL that is none
)
"""What aiohttp raises when a request fails; some of it has no base class in common."""

ERROR_CAP: Final = 64 * 1024
"""Bytes kept of an answer that is no 200: a Status is far smaller, a proxy's page may not be."""

_NEVER_SENT: Final = (
    aiohttp.ClientConnectorError,  # refused, DNS, TLS
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)

_TEXTS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aiohttp.ConnectionTimeoutError, "no connection in time, or no free slot in the pool"),
    (aiohttp.ServerDisconnectedError, "the server hung up before it answered"),
    (aiohttp.ClientResponseError, "the answer is malformed HTTP"),
    (HttpProcessingError, "the answer is malformed HTTP"),
    (aiohttp.ClientPayloadError, "the answer broke off"),
    (OSError, "the connection broke"),
)
"""The first that fits; what is more special stands before what it derives from."""

_LONGEST_WAIT: Final = 10.0**9


def transport_error(error: BaseException, doing: str, *, sent: bool = True) -> TransportError:
    """Make ours of what aiohttp raised; `sent=False` where nothing can have left by then."""
    kind = type(error).__name__
    reached = sent and not isinstance(error, _NEVER_SENT)
    return TransportError(f"{doing}: {_what(error)} ({kind})", reached=reached)


def transport_failure(error: BaseException, doing: str) -> TransportError:
    """Make ours of what somebody else's transport raised, and that means nothing to us."""
    return TransportError(f"{doing}: the client's transport failed ({type(error).__name__})")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a Retry-After header asks to wait, None where there is none to be read.

    An HTTP date is judged by the answer's own Date header: the two clocks need not agree. Only
    an answer without one is judged by the clock of this machine.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_WAIT)
    until = _http_date(text)
    if until is None:
        return None
    now = _http_date(headers.get("Date", "")) or datetime.now(UTC)
    return min(max((until - now).total_seconds(), 0.0), _LONGEST_WAIT)


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _what(error: BaseException) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            why = said(error.certificate_error)
            return f"the certificate of {error.host}:{error.port} is not trusted{why}"
        case aiohttp.ClientConnectorError():
            return f"cannot connect to {error.host}:{error.port}{said(error.os_error)}"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy refused with {error.status}"
        case _:
            what = next((text for kind, text in _TEXTS if isinstance(error, kind)), "no connection")
            return f"{what}{said(error)}"


def said(error: BaseException) -> str:
    """What the system or TLS said, after a colon: it names no header and no URL."""
    match error:
        case ssl.SSLCertVerificationError():
            text: str | None = error.verify_message
        case ssl.SSLError():
            text = error.reason
        case OSError():
            text = error.strerror
        case _:
            text = None
    return f": {text}" if text else ""
