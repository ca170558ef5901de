"""What may be sent again, and what to do after a failure: rule 8, as plain functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from watchkit.core.classify import left_undone, may_pass
from watchkit.core.errors import ApiError, TransportError

if TYPE_CHECKING:
    from watchkit.core.policy import RetryPolicy

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_GUARDABLE: Final = frozenset({"PUT", "DELETE"})

Failure: TypeAlias = ApiError | TransportError
"""What came instead of what was asked for: an answer that is a refusal, or no answer."""


class Held(TransportError):
    """A circuit breaker beneath did not let it through: sent to nobody, for `retry_after` s."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message, reached=False)
        self.retry_after = retry_after


class Fate(Enum):
    """What rule 8 says of one failure."""

    REPLAY = "replay"
    RAISE = "raise"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Call:
    """What matters of a request here: its method, and whether a second one could do harm.

    `guarded`: it names the state it applies to, so that the server refuses it where that is
    past. `repeatable`: its body can be sent twice (a stream cannot).
    """

    method: str
    guarded: bool = False
    repeatable: bool = True

    @classmethod
    def of(cls, method: str, body: object, *, repeatable: bool = True) -> Call:
        """Read it off a request's method and JSON body.

        A PUT is guarded by metadata.resourceVersion, a DELETE by preconditions. A uid alone
        guards no PUT: it would undo what somebody else changed between the two.
        """
        method = method.upper()
        match method:
            case "PUT":
                guarded = _has(_field(body, "metadata"), "resourceVersion")
            case "DELETE":
                conditions = _field(body, "preconditions")
                guarded = _has(conditions, "uid") or _has(conditions, "resourceVersion")
            case _:
                guarded = False
        return cls(method, guarded, repeatable)

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing at the server."""
        return self.method in _READS


def judge(call: Call, failure: Failure, policy: RetryPolicy) -> Fate:
    """Say what becomes of a call after this failure, were there attempts without end.

    Reads, and writes with a precondition, are sent again after anything that passes. Any other
    write is sent again only where the server surely did nothing; where it did not answer at all
    nobody knows, and that is said (AMBIGUOUS).
    """
    safe = call.is_read or (call.guarded and call.method in _GUARDABLE)
    if isinstance(failure, TransportError):
        if safe or not failure.reached:
            return Fate.REPLAY if call.repeatable else _without_answer(call, failure.reached)
        return Fate.AMBIGUOUS
    if not call.repeatable or not may_pass(failure, policy.statuses):
        return Fate.RAISE
    return Fate.REPLAY if safe or left_undone(failure) else Fate.RAISE


@dataclass(frozen=True, slots=True)
class Tries:
    """What has become of one call so far: its failures, and whether one left it in doubt.

    `doubtful`: an attempt may have been done, although nobody said so.
    """

    failures: int = 0
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Send it again after `delay` seconds."""

    tries: Tries
    delay: float


@dataclass(frozen=True, slots=True)
class Over:
    """Raise what came, or, where `ambiguous`, that nobody knows what was done."""

    tries: Tries
    ambiguous: bool


def decide(  # noqa: PLR0917 - what is known at that moment, once
    call: Call,
    tries: Tries,
    failure: Failure,
    policy: RetryPolicy,
    elapsed: float,
    luck: float,
) -> Again | Over:
    """Say what to do after a failure: again, or over. `elapsed` is seconds since the first call.

    An answer is an answer: what the server said last is raised as it came. Where the last
    attempt got none, a write is ambiguous if this or any attempt before may have been done.
    """
    silent = isinstance(failure, TransportError)
    doubtful = tries.doubtful or not _is_undone(failure)
    tries = replace(tries, failures=tries.failures + 1, doubtful=doubtful)
    if judge(call, failure, policy) is Fate.REPLAY:
        hint = failure.retry_after if isinstance(failure, ApiError | Held) else None
        delay = policy.wait(tries.failures, luck, elapsed, hint)
        if delay is not None:
            return Again(tries, delay)
    return Over(tries, ambiguous=silent and tries.doubtful and not call.is_read)


def _is_undone(failure: Failure) -> bool:
    if isinstance(failure, TransportError):
        return not failure.reached
    return left_undone(failure)


def _without_answer(call: Call, reached: bool) -> Fate:  # noqa: FBT001 - internal
    return Fate.AMBIGUOUS if reached and not call.is_read else Fate.RAISE


def _field(value: object, name: str) -> object:
    return cast("Mapping[str, object]", value).get(name) if isinstance(value, Mapping) else None


def _has(value: object, name: str) -> bool:
    return bool(_field(value, name))
