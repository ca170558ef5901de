"""What an answer means: the only table of codes, reasons and etcd messages."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import msgspec

from watchkit.core import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_MESSAGE_CAP: Final = 1024
"""Characters kept of a Status' message: enough to understand it, bounded against a bad server."""
_REASON_CAP: Final = 64
"""Characters kept of a Status' reason, which is one word."""

_BY_REASON: Final[dict[str, type[errors.ApiError]]] = {
    "Expired": errors.ResourceExpired,
    "Gone": errors.ResourceExpired,
    "TooManyRequests": errors.TooManyRequests,
    "InternalError": errors.ServerUnavailable,
    "ServerTimeout": errors.ServerUnavailable,
    "ServiceUnavailable": errors.ServerUnavailable,
    "StoreReadError": errors.ServerUnavailable,
    "Timeout": errors.ServerUnavailable,
    "AlreadyExists": errors.AlreadyExists,
    "Conflict": errors.Conflict,
    "NotFound": errors.NotFound,
    "Forbidden": errors.Forbidden,
    "Unauthorized": errors.Unauthorized,
    "BadRequest": errors.InvalidRequest,
    "Invalid": errors.InvalidRequest,
    "MethodNotAllowed": errors.InvalidRequest,
    "NotAcceptable": errors.InvalidRequest,
    "RequestEntityTooLarge": errors.InvalidRequest,
    "UnsupportedMediaType": errors.InvalidRequest,
}
"""metav1.StatusReason; what is not here is judged by its code."""

_BY_STATUS: Final[dict[int, type[errors.ApiError]]] = {
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    408: errors.ServerUnavailable,
    409: errors.Conflict,
    410: errors.ResourceExpired,
    429: errors.TooManyRequests,
}

_CODE_OF_REASON: Final = {
    "AlreadyExists": 409,
    "BadRequest": 400,
    "Conflict": 409,
    "Expired": 410,
    "Forbidden": 403,
    "Gone": 410,
    "Invalid": 422,
    "NotFound": 404,
    "ServiceUnavailable": 503,
    "Timeout": 504,
    "TooManyRequests": 429,
    "Unauthorized": 401,
}
"""The code of a Status in the stream that names a reason but no code; 500 for any other."""

ETCD_TRANSIENT: Final = (
    "etcdserver: leader changed",
    "etcdserver: request timed out",
    "etcdserver: too many requests",
    "raft proposal dropped",
    "rpc error: code = Unavailable",
    "malformed header: missing HTTP content-type",  # gRPC, of an etcd that is going down
)
"""etcd says these while it changes leaders or is overloaded; the API server passes them on."""

_NOT_DONE: Final = ("leader changed", "raft proposal dropped")
"""Of these, etcd says the two only where it has not done what was asked."""

_TEXTS: Final = (
    *ETCD_TRANSIENT,
    "404 page not found",
    "Too large resource version",
    "Too many requests, please try again later.",
    "The apiserver is shutting down, please try again later.",
    "storage is (re)initializing",
    "the request has been made before all known HTTP paths have been installed",
)
"""What a server says outside a Status, quoted where found; any other text is never repeated."""

_TOO_LARGE: Final = "Too large resource version"


class Verdict(Enum):
    """What to do about an error: try again, list again, or give up."""

    RETRY = "retry"
    RELIST = "relist"
    FATAL = "fatal"


def api_error(
    status: int,
    *,
    reason: str = "",
    message: str = "",
    retry_after: float | None = None,
    details: Mapping[str, object] | None = None,
    doing: str = "",
) -> errors.ApiError:
    """Make the error of an answer: its class by reason first, by code second."""
    kind = _BY_REASON.get(reason) or _kind_of(status)
    if _is_transient(message) and kind is not errors.ResourceExpired:
        kind = errors.ServerUnavailable
    return kind(status, reason, message, retry_after, details, doing)


def status_error(
    body: bytes, status: int, *, retry_after: float | None = None, doing: str = ""
) -> errors.ApiError:
    """Make the error of an HTTP answer from its body, whatever that is: Status, text, HTML, none.

    Only a Status' own message is quoted, and of other texts the phrases known to be Kubernetes';
    a body of somebody else's (a proxy's page) stays unsaid.
    """
    said = _status_of(body)
    # A server in trouble leaves the kind out; what has neither is JSON of somebody else's.
    if said is None or (said.get("kind") != "Status" and said.get("status") != "Failure"):
        text = body[: 64 * 1024].decode(errors="replace")
        message = next((each for each in _TEXTS if each in text), "")
        return api_error(status, message=message, retry_after=retry_after, doing=doing)
    return _error_of(said, status, retry_after, doing)


def object_error(body: bytes, *, doing: str = "") -> errors.ApiError:
    """Make the error of an ERROR event's object, or of a Status where a list or event should be.

    Tolerant: an object that is no Status, or has no code of an error, is a 500.
    """
    said = _status_of(body)
    if said is None or said.get("kind", "Status") != "Status":
        message = "an ERROR event whose object is no Status"
        return api_error(500, message=message, doing=doing)
    reason = said.get("reason")
    code = said.get("code")
    is_error = isinstance(code, int) and 400 <= code <= 599
    status = cast("int", code) if is_error else _CODE_OF_REASON.get(str(reason), 500)
    return _error_of(said, status, None, doing)


def too_large_version(error: BaseException) -> bool:
    """Whether the version asked for is ahead of the server (504, in its three historical shapes).

    By cause (1.19 on), by the cause's message (1.17 to 1.18.5), by text (before).
    """
    if not isinstance(error, errors.ServerUnavailable):
        return False
    causes = error.details.get("causes")
    for cause in cast("list[object]", causes) if isinstance(causes, list) else []:
        if isinstance(cause, dict):
            fields = cast("dict[str, object]", cause)
            if fields.get("reason") == "ResourceVersionTooLarge":
                return True
            if _TOO_LARGE in str(fields.get("message", "")):
                return True
    return _TOO_LARGE in error.message


def classify(error: BaseException) -> Verdict:
    """Judge an error of watchkit's or of kubernetes_asyncio's: RETRY, RELIST or FATAL.

    RELIST is the expiry of a version (410 in any form) and nothing else; RETRY what time may
    heal: transport faults, timeouts, 429, 5xx, etcd's transient messages; FATAL the rest.
    """
    match as_ours(error):
        case errors.ResourceExpired():
            return Verdict.RELIST
        case errors.TooManyRequests() | errors.ServerUnavailable() | errors.TransportError():
            return Verdict.RETRY
        case errors.WatchkitError():
            return Verdict.FATAL
        case OSError():  # TimeoutError and ConnectionError are among them
            return Verdict.RETRY
        case _:
            return Verdict.FATAL


def may_pass(error: errors.ApiError, statuses: Collection[int]) -> bool:
    """Whether an answer's code is one of these, or etcd says, under any code, that it will pass."""
    if isinstance(error, errors.ResourceExpired):
        return False
    return error.status in statuses or _is_transient(error.message)


def left_undone(error: errors.ApiError) -> bool:
    """Whether the answer says that the server surely did nothing of what was asked (rule 8).

    429 is said before a request is looked at, and so is 503 with a time to come back at; etcd
    says "leader changed" and "raft proposal dropped" of what it has not taken. Any other answer,
    "request timed out" above all, leaves it open.
    """
    if isinstance(error, errors.TooManyRequests) or any(
        text in error.message for text in _NOT_DONE
    ):
        return True
    return error.status == 503 and error.retry_after is not None


def shows_outage(error: BaseException) -> bool:
    """Whether it tells of a server that is ill: a transport fault, or 5xx. Nothing else does."""
    ours = as_ours(error)
    return isinstance(ours, errors.TransportError | OSError) or is_server_error(ours)


_Translator: TypeAlias = "Callable[[BaseException], errors.TransportError | None]"
_TRANSLATORS: Final[list[_Translator]] = []


def translate_by(translator: _Translator) -> None:
    """Have `translator` say which foreign errors are transport faults (None: not its kind).

    The edge, which alone may name the errors of an HTTP library, does this when it is imported.
    """
    _TRANSLATORS.append(translator)


def as_ours(error: BaseException) -> BaseException:
    """What a foreign error means: an ApiError where it is an answer, a TransportError for a fault.

    An error that is neither, or ours already, is given back as it is.
    """
    if isinstance(error, errors.WatchkitError):
        return error
    for translator in _TRANSLATORS:
        if (fault := translator(error)) is not None:
            return fault
    status, body = getattr(error, "status", None), getattr(error, "body", None)
    if not isinstance(status, int) or status == 0 or not hasattr(error, "headers"):
        return error
    raw = body.encode() if isinstance(body, str) else body
    return status_error(raw if isinstance(raw, bytes) else b"", status)


def is_expired(error: BaseException) -> bool:
    """Whether the version asked for is no longer kept (410, reasons Expired and Gone)."""
    return isinstance(as_ours(error), errors.ResourceExpired)


def is_not_found(error: BaseException) -> bool:
    """Whether there is no such object or resource (404)."""
    return isinstance(as_ours(error), errors.NotFound)


def is_conflict(error: BaseException) -> bool:
    """Whether a write met another version (409 Conflict, not AlreadyExists)."""
    ours = as_ours(error)
    return isinstance(ours, errors.Conflict) and not isinstance(ours, errors.AlreadyExists)


def is_already_exists(error: BaseException) -> bool:
    """Whether the object to create is there already (409 AlreadyExists)."""
    return isinstance(as_ours(error), errors.AlreadyExists)


def is_too_many_requests(error: BaseException) -> bool:
    """Whether the server asks to come back later (429)."""
    return isinstance(as_ours(error), errors.TooManyRequests)


def is_timeout(error: BaseException) -> bool:
    """Whether time ran out, here or at the server (504, reasons Timeout and ServerTimeout)."""
    ours = as_ours(error)
    if isinstance(ours, errors.ApiError):
        if ours.reason in _BY_REASON:
            return ours.reason in {"Timeout", "ServerTimeout"}
        return ours.status in {408, 504}
    return isinstance(error, TimeoutError) or isinstance(ours, errors.IdleTimeout)


def is_server_error(error: BaseException) -> bool:
    """Whether the server answered 5xx."""
    ours = as_ours(error)
    return isinstance(ours, errors.ApiError) and 500 <= ours.status <= 599


def is_forbidden(error: BaseException) -> bool:
    """Whether the caller is known, but not allowed (403)."""
    return isinstance(as_ours(error), errors.Forbidden)


def is_unauthorized(error: BaseException) -> bool:
    """Whether the credentials were not accepted (401)."""
    return isinstance(as_ours(error), errors.Unauthorized)


def is_retryable(error: BaseException) -> bool:
    """Whether time may heal it: `classify(error) is Verdict.RETRY`."""
    return classify(error) is Verdict.RETRY


def _is_transient(message: str) -> bool:
    return any(text in message for text in ETCD_TRANSIENT)


def _kind_of(status: int) -> type[errors.ApiError]:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    match status // 100:
        case 3:
            return errors.Redirected
        case 4:
            return errors.InvalidRequest
        case _:  # a 5xx; or a code that is none of Kubernetes', as of a proxy in between
            return errors.ServerUnavailable


def _status_of(body: bytes) -> dict[str, object] | None:
    try:
        said = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return cast("dict[str, object]", said) if isinstance(said, dict) else None


def _error_of(
    said: dict[str, object], status: int, retry_after: float | None, doing: str
) -> errors.ApiError:
    reason, message, details = said.get("reason"), said.get("message"), said.get("details")
    known = cast("dict[str, object]", details) if isinstance(details, dict) else {}
    hint = known.get("retryAfterSeconds")
    if retry_after is None and isinstance(hint, int | float) and hint > 0:
        retry_after = float(hint)
    return api_error(
        status,
        reason=_one_line(reason, _REASON_CAP),
        message=_one_line(message, _MESSAGE_CAP),
        retry_after=retry_after,
        details=known,
        doing=doing,
    )


def _one_line(text: object, cap: int) -> str:
    return " ".join(text.split())[:cap] if isinstance(text, str) else ""
