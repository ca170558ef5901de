"""Every error that watchkit raises, one tree with one root.

    WatchkitError
    ├── ApiError (status, reason, message, retry_after, details)
    │   ├── ResourceExpired  TooManyRequests  ServerUnavailable
    │   └── Conflict (AlreadyExists)  NotFound  Forbidden  Unauthorized  InvalidRequest  Redirected
    ├── TransportError
    │   └── IdleTimeout
    ├── ProtocolError
    │   └── FrameTooLarge  PageTooLarge
    └── RetriesExhausted(attempts)  CircuitOpen(until)  AmbiguousWrite
        ConditionTimeout(last)  SyncTimeout(cause)  LeadershipLost(cause)
        TerminalError

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


class AmbiguousWrite(WatchkitError):
    """A write was sent and got no answer: it may have been done, or not.

    `cause` is the fault that took the answer. Read the object to learn what became of it.
    """

    def __init__(self, message: str, cause: TransportError) -> None:
        super().__init__(message, cause)
        self.message = message
        self.cause = cause

    def __str__(self) -> str:
        return self.message


class RetriesExhausted(WatchkitError):
    """All `attempts` that a policy allows have failed; `cause` is the last one's error."""

    def __init__(self, attempts: int, cause: BaseException | None = None) -> None:
        super().__init__(attempts, cause)
        self.attempts = attempts
        self.cause = cause

    def __str__(self) -> str:
        tries = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        kind = "" if self.cause is None else f", the last one with {type(self.cause).__name__}"
        return f"given up after {tries}{kind}"


class CircuitOpen(WatchkitError):
    """A circuit breaker let nothing through; it lets one call try at `until` at the earliest.

    `until` is a time of `anyio.current_time()`, in seconds. `name` is the breaker's.
    """

    def __init__(self, until: float, name: str = "") -> None:
        super().__init__(until, name)
        self.until = until
        self.name = name

    def __str__(self) -> str:
        of = f" of {self.name}" if self.name else ""
        return f"the circuit{of} is open: too many of the last calls failed"


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


class LeadershipLost(WatchkitError):
    """The lease is, or may be, somebody else's by now; work under it has been cancelled.

    `cause` is the error that kept it from being renewed in time, None where another holder, or
    the token of an earlier term, was met.
    """

    def __init__(self, message: str, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.cause = cause


class TerminalError(WatchkitError):
    """Raised by a reconcile over what trying again does not heal: it is not requeued for that."""
