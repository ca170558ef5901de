"""EventRecorder: tells, as events of the cluster, what a controller did to an object."""

from __future__ import annotations

import math
import random
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, Self
from uuid import uuid4

import anyio

from watchkit.api.events import EventCalls
from watchkit.api.exchange import Client
from watchkit.core.backoff import Backoff
from watchkit.core.classify import Verdict, classify
from watchkit.core.errors import AlreadyExists, ApiError, NotFound, Unauthorized
from watchkit.core.objects import Object
from watchkit.core.occurrences import Dropped, Outbox, Outcome, Sending
from watchkit.core.policy import RetryPolicy
from watchkit.core.recorded import (
    WORD,
    created,
    name_of,
    namespace_of,
    occurrence,
    reference,
    repeated,
)
from watchkit.core.telling import told
from watchkit.informer.life import without_cancellation
from watchkit.observe.recording import RecordingObserver

_POLICY: Final = RetryPolicy(attempts=12, backoff=Backoff(initial=1.0, cap=30.0))
"""As often as client-go tries (12 times), but growing instead of each 10 s."""


class EventRecorder(anyio.AsyncContextManagerMixin):
    """Records events (events.k8s.io/v1) about objects: `kubectl describe` shows them.

    `async with EventRecorder(api, "shop-controller") as recorder:` sends them in the
    background, one after another. An event that happens again is counted at the server as a
    series, and beyond ten that differ in their message only, the rest is one series; of one
    object, 25 are sent at once and one each five minutes after that. Answers of 429 and 5xx and
    faults are tried again, 12 times. Of events that wait, there are at most `buffer`.

    Leaving the block sends what waits, for `flush` seconds at most. It goes round the retry
    policy and breaker of `connect()`, and needs the verbs create and patch on events of
    events.k8s.io.

    Raises:
        TypeError: no ApiClient of kubernetes_asyncio's.
        ValueError: no component, or one of more than 128 characters; a buffer below 1.

    """

    def __init__(
        self, api: Client, component: str, *, buffer: int = 1000, flush: float = 0.9
    ) -> None:
        if not 0 < len(component) <= WORD:
            raise ValueError(f"component is a name of at most {WORD} characters")
        if buffer < 1:
            raise ValueError(f"buffer is a number of events, at least 1, not {buffer!r}")
        if not 0 <= flush < math.inf:
            raise ValueError(f"flush is in seconds >= 0, not {flush!r}")
        self._calls = EventCalls(api)
        self._component = component
        self._instance = f"{component}-{socket.gethostname()}"[:WORD]
        self._outbox = Outbox(buffer)
        self._flush = flush
        self._observer = RecordingObserver(component)
        self._state: Literal["new", "open", "closing", "closed"] = "new"
        self._news = anyio.Event()
        self._failures = 0
        self._current: Sending | None = None
        self._counts = dict.fromkeys(("recorded", "sent", "retried", "dropped", "refused"), 0)

    def event(
        self,
        obj: Object | Mapping[str, Any] | object,
        type: Literal["Normal", "Warning"],  # noqa: A002 - as the API calls it
        reason: str,
        message: str,
        *,
        action: str | None = None,
    ) -> None:
        """Record that something happened to an object. Never raises, never waits.

        `obj`: an `Object`, a manifest, or a kubernetes model that has its kind. `reason`: why,
        as a CamelCase word ("ScaledUp"). `action`: what was done, the reason unless given. What
        cannot be recorded is logged, and so is what is dropped.
        """
        try:
            regarding = reference(obj)
            what = occurrence(regarding, type, reason, action or reason, message)
            if self._state == "closed":
                dropped: str | None = "closed"
            else:
                now, wall = anyio.current_time(), datetime.now(UTC)
                full = self._outbox.add(what, now, wall, uuid4().hex[:16])
                dropped = full.value if isinstance(full, Dropped) else None
        except Exception as error:  # noqa: BLE001 - telling of work is never to stop it
            self._counts["dropped"] += 1
            self._observer.failed(f"{error.__class__.__name__}: {error}")
            return
        self._counts["dropped" if dropped else "recorded"] += 1
        if dropped:
            self._observer.dropped(dropped, _key(regarding.namespace, regarding.name), reason)
        else:
            self._news.set()

    def statistics(self) -> dict[str, int]:
        """Events recorded, dropped and refused, requests sent and retried, events that wait."""
        return {**self._counts, "waiting": len(self._outbox)}

    def __repr__(self) -> str:
        counts = self._counts
        return (
            f"<EventRecorder {self._component} {self._state} recorded={counts['recorded']}"
            f" waiting={len(self._outbox)} dropped={counts['dropped']}>"
        )

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        if self._state != "new":
            raise RuntimeError("a recorder is entered once: make a new one")
        self._state = "open"
        raised: BaseException | None = None
        scope = anyio.CancelScope(shield=True)
        async with anyio.create_task_group() as group:
            group.start_soon(self._run, scope)
            try:
                yield self
            except BaseException as error:
                raised = without_cancellation(error)
                if raised is None:
                    raise
            finally:
                self._close(scope)
        if raised is not None:
            raise raised

    def _close(self, scope: anyio.CancelScope) -> None:
        """Let the sender go on for a while; the block is left when it has ended."""
        self._state = "closing"
        self._outbox.hurry()
        scope.deadline = anyio.current_time() + self._flush
        self._news.set()

    async def _run(self, scope: anyio.CancelScope) -> None:
        with scope:
            while (found := self._outbox.next(anyio.current_time())) or self._state == "open":
                if isinstance(found, Sending):
                    self._current = found
                    await self._send(found)
                    self._current = None
                    continue
                self._news = anyio.Event()
                with anyio.move_on_after(found):
                    await self._news.wait()
        self._state = "closed"
        left = len(self._outbox) + (self._current is not None)
        if left:
            self._counts["dropped"] += left
            self._observer.dropped("closed", "", f"{left} events")

    async def _send(self, sending: Sending) -> None:
        try:
            outcome = await self._put(sending)
        except Exception as error:  # noqa: BLE001 - telling of work is never to stop it
            await self._refused(sending, error)
            return
        self._failures = 0
        self._counts["sent"] += 1
        # What was there already is what was sent first, when it had happened once.
        done = replace(sending, count=1) if outcome is None else sending
        self._outbox.settle(done, outcome or Outcome.DONE, anyio.current_time())

    async def _put(self, sending: Sending) -> Outcome | None:
        series = sending.series
        namespace, name = namespace_of(series), name_of(series)
        if sending.what == "create":
            try:
                manifest = created(sending, self._component, self._instance)
                await self._calls.create(namespace, manifest)
            except AlreadyExists:
                return None
            return Outcome.DONE
        try:
            await self._calls.patch(namespace, name, repeated(sending))
        except NotFound:
            return Outcome.GONE
        return Outcome.DONE

    async def _refused(self, sending: Sending, error: Exception) -> None:
        """Send it again after a while, and nothing until then; or give it up."""
        series = sending.series
        passes = classify(error) is Verdict.RETRY or isinstance(error, Unauthorized)
        if not passes or series.attempts + 1 >= _POLICY.attempts:
            regarding = series.occurrence.regarding
            self._counts["refused"] += 1
            key = _key(regarding.namespace, regarding.name)
            self._observer.refused(key, series.occurrence.reason, told(error))
            self._outbox.settle(sending, Outcome.REFUSED, anyio.current_time())
            return
        self._failures = min(self._failures + 1, _POLICY.attempts - 1)
        asked = error.retry_after if isinstance(error, ApiError) else None
        luck = random.random()  # noqa: S311 - jitter, no secret
        delay = _POLICY.wait(self._failures, luck, 0.0, asked) or 0.0
        self._counts["retried"] += 1
        self._observer.retrying(round(delay, 3), told(error))
        self._outbox.again(sending, anyio.current_time(), delay)
        self._current = None
        await anyio.sleep(delay)


def _key(namespace: str | None, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name
