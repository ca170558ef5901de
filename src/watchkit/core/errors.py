"""Every error that watchkit raises, one tree with one root.

    WatchkitError
    ├── ApiError (status, reason, message, retry_after, details)
    │   ├── ResourceExpired  TooManyRequests  ServerUnavailable
    │   └── Conflict (AlreadyExists)  NotFound  Forbidden  Unauthorized  InvalidRequest  Redirected
    ├── TransportError
    │   └── IdleTimeout
    ├── ProtocolError
    │   └── FrameTooLarge  PageTooLarge
    └── ConditionTimeout(last)  SyncTimeout(cause)

Messages say what was done, to what, and what came back; never a body, a header or a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchkit.core.objects import Object


class WatchkitError(Exception):
    """The root of every error that watchkit raises on its own account."""


class ApiError(WatchkitError):
    """The API server answered, and the answer was no.

    `status` is the HTTP code (or the code of a Status object in the stream), `reason` the
    machine-readable CamelCase word of the Status (may be empty), `message` the human one,
    `retry_after` the seconds that the server asked to wait (None: it did not), `details` the
    Status' details as plain values. `doing` says what was asked of what ("list pods in shop").
    """

    def __init__(  # noqa: PLR0917 - the fields of a Status, each optional but the first
        self,
        status: int,
        reason: str = "",
        message: str = "",
        retry_after: float | None = None,
        details: Mapping[str, object] | None = None,
        doing: str = "",
    ) -> None:
        super().__init__(status, reason, message, retry_after, details, doing)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.details: Mapping[str, object] = {} if details is None else details
        self.doing = doing

    def __str__(self) -> str:
        said = " ".join(filter(None, [str(self.status), self.reason]))
        said = f"{said}: {self.message}" if self.message else said
        return f"{self.doing}: {said}" if self.doing else said


class ResourceExpired(ApiError):
    """The version asked for is no longer kept by the server (410 in any form)."""


class TooManyRequests(ApiError):
    """The server asks to come back later (429)."""


class ServerUnavailable(ApiError):
    """The server could not answer now (5xx, or an etcd message that passes)."""


class Conflict(ApiError):
    """The write was refused because the object has another version by now (409)."""


class AlreadyExists(Conflict):
    """The object is there already (409, reason AlreadyExists)."""


class NotFound(ApiError):
    """No such object, or no such resource served (404)."""


class Forbidden(ApiError):
    """Known, but not allowed (403)."""


class Unauthorized(ApiError):
    """The credentials were not accepted (401)."""


class InvalidRequest(ApiError):
    """The request itself is wrong, and stays so (400, 405, 406, 415, 422)."""


class Redirected(ApiError):
    """The server sent a redirect, which is refused: the token stays at home (3xx)."""


class TransportError(WatchkitError):
    """No answer, or one that broke off: refused, reset, TLS, DNS, malformed HTTP.

    `reached` is False where the request surely never left this machine (refused, DNS, TLS).
    """

    def __init__(self, message: str, *, reached: bool = True) -> None:
        super().__init__(message)
        self.reached = reached


class IdleTimeout(TransportError):
    """The server said nothing for longer than the idle bound."""


class ProtocolError(WatchkitError):
    """An answer that is not Kubernetes."""


class FrameTooLarge(ProtocolError):
    """One watch event was longer than `max_frame`."""


class PageTooLarge(ProtocolError):
    """One list page was longer than the page cap."""


class ConditionTimeout(WatchkitError, TimeoutError):
    """`until()` waited its time; `last` is the object as it was then, None where there was none."""

    def __init__(self, message: str, last: Object | None = None) -> None:
        super().__init__(message)
        self.last = last


class SyncTimeout(WatchkitError, TimeoutError):
    """An informer had not synced in time; `cause` is the last error that kept it from that."""

    def __init__(self, message: str, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.cause = cause
