"""One call through a transport, and its attempts: each a value, judged by rule 8."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from copy import deepcopy
from typing import Any, Final, Protocol

import aiohttp
import anyio
from aiohttp.base_protocol import BaseProtocol

from watchkit.api.faults import ERROR_CAP, FOREIGN
from watchkit.api.foreign import failure_of, refusal
from watchkit.core.classify import Verdict, classify
from watchkit.core.errors import AmbiguousWrite, ApiError, TransportError
from watchkit.core.paths import subject_of
from watchkit.core.policy import RetryPolicy
from watchkit.core.replay import Again, Call, Failure, Over, Tries, decide
from watchkit.observe.calls import CallObserver

_SUCCESS: Final = range(200, 300)


class Transport(Protocol):
    """What is asked of the wrapped object: kubernetes_asyncio's RESTClientObject has it."""

    @property
    def request(self) -> Callable[..., Awaitable[Any]]:
        """Send one request (method, URL, keywords) and give its answer, or raise."""
        ...


class Attempts:
    """One call and its attempts."""

    def __init__(  # noqa: PLR0917 - made in one place
        self,
        transport: Transport,
        policy: RetryPolicy,
        method: str,
        url: str,
        parts: dict[str, object],
        settings: dict[str, object],
    ) -> None:
        self._transport = transport
        self._policy = policy
        self._method = method
        self._url = url
        self._parts = parts
        self._settings = settings
        subject = subject_of(url)
        self._doing = f"{method.upper()} {subject}"
        self._observer = CallObserver(method.upper(), subject)
        # The wrapped object changes headers in place, and so might the caller a body while we
        # wait: what is sent again is what was given at the beginning.
        self._kept = _copy(parts)
        self._call = Call.of(method, parts.get("body"), repeatable=self._kept is not None)
        self._said: list[str] = []
        self._fault: TransportError | None = None
        self.tries: Tries = Tries()
        self.raised: int = 0
        self.ambiguous: int = 0

    async def run(self) -> object:
        """Send it until it is over."""
        began = anyio.current_time()
        while True:
            came = await self._send()
            if came.failure is None:
                return came.result()
            luck = random.random()  # noqa: S311 - jitter, no secret
            elapsed = anyio.current_time() - began
            self._note(came.failure)
            match decide(self._call, self.tries, came.failure, self._policy, elapsed, luck):
                case Again(tries, delay):
                    self._again(tries, delay, came)
                    await anyio.sleep(delay)
                case Over(tries, ambiguous):
                    self.tries, self.raised = tries, 1
                    return self._over(came, ambiguous=ambiguous)

    async def _send(self) -> Came:
        """Send it once; whatever comes of it is a value."""
        first = self.tries.failures == 0
        parts = self._parts if first else _copy(self._kept or {}) or {}
        keywords = {**parts, **self._settings}
        try:
            answer = await self._transport.request(self._method, self._url, **keywords)
        except Exception as error:
            failure = failure_of(error, self._doing)
            if failure is None:
                raise  # neither an answer nor a fault: a mistake in the request, say
            return Came(failure, error=error)
        return Came(await _refused(answer, self._doing), answer=answer)

    def _note(self, failure: Failure) -> None:
        """Keep the fault that took an answer, rather than one that let nothing be sent."""
        if isinstance(failure, TransportError) and (self._fault is None or failure.reached):
            self._fault = failure

    def _again(self, tries: Tries, delay: float, came: Came) -> None:
        self.tries = tries
        said = _brief(came.failure)
        self._said.append(said)
        self._observer.retrying(tries.failures, delay, said)
        came.discard()

    def _over(self, came: Came, *, ambiguous: bool) -> object:
        cause, failures = _brief(came.failure), self.tries.failures
        if ambiguous:
            self.ambiguous = 1
            self._observer.ambiguous(failures, cause)
        elif self._said:
            self._observer.given_up(failures, cause)
        error = came.error
        if ambiguous and self._fault is not None:
            # The foreign fault's repr may hold the request's headers: ours goes along instead.
            fault = self._fault
            error = AmbiguousWrite(f"{fault}: it may have been done, or not", fault)
            error.__cause__ = fault
        if error is None:
            return came.result()
        for number, said in enumerate(self._said, 1):
            error.add_note(f"watchkit: attempt {number} of {failures}: {said}")
        raise error


class Came:
    """What came of one attempt: an answer or an error, and the failure that it means, if any."""

    def __init__(
        self, failure: Failure | None, *, answer: object = None, error: Exception | None = None
    ) -> None:
        self.failure = failure
        self.error = error
        self._answer = answer

    def result(self) -> object:
        """Give the answer as it came."""
        return self._answer

    def discard(self) -> None:
        """Give the connection of an answer that nobody will read back to the pool."""
        release = getattr(self._answer, "release", None)
        if callable(release):
            release()


def _brief(failure: Failure | None) -> str:
    """Say it for a log and a note.

    Of a refusal that time does not heal, whose text may quote the object sent, code and reason.
    """
    if isinstance(failure, ApiError) and classify(failure) is Verdict.FATAL:
        return str(ApiError(failure.status, failure.reason, doing=failure.doing))
    return str(failure)


def _copy(parts: dict[str, object]) -> dict[str, object] | None:
    """Copy the parts of a request, None where they can be sent only once (a stream, a file)."""
    if isinstance(parts.get("body"), aiohttp.FormData | aiohttp.Payload):
        return None
    try:
        return deepcopy(parts)
    except (TypeError, ValueError):  # generators, files and locks are not copied
        return None


async def _refused(answer: object, doing: str) -> ApiError | None:
    """Give the refusal that a returned answer is, None for a success."""
    status = getattr(answer, "status", None)
    if not isinstance(status, int) or status in _SUCCESS:
        return None
    body = getattr(answer, "data", None)
    if isinstance(answer, aiohttp.ClientResponse):
        body = await _peek(answer)
    return refusal(status, body, getattr(answer, "headers", None), doing)


async def _peek(response: aiohttp.ClientResponse) -> bytes:
    """Read the body of a refusal, and leave it to be read again by the caller.

    Only one that says it is small, as a Status does: a proxy's endless page stays unread. One
    that breaks off says nothing; the caller meets the fault when reading.
    """
    length = response.content_length
    encoded = response.headers.get("Content-Encoding", "identity").lower() != "identity"
    if length is None or length > ERROR_CAP or encoded:
        return b""
    with suppress(*FOREIGN):
        body = await response.read()
        loop = asyncio.get_running_loop()
        fresh = aiohttp.StreamReader(BaseProtocol(loop), ERROR_CAP, loop=loop)
        fresh.feed_data(body)
        fresh.feed_eof()
        response.content = fresh
        return body
    return b""
