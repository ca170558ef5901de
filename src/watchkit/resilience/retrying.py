"""Trying again, of one's own: an update that met a conflict, a dependency that is late."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Final, TypeVar

import anyio

from watchkit.core.backoff import Backoff
from watchkit.core.classify import is_conflict
from watchkit.core.errors import RetriesExhausted
from watchkit.core.policy import RetryPolicy
from watchkit.core.telling import told
from watchkit.observe import calls

T = TypeVar("T")

CONFLICTS: Final = RetryPolicy(5, Backoff(initial=0.01, cap=1.0, jitter="equal"))
"""client-go's retry.DefaultRetry begins with 10 ms, too: another writer is rarely long at it."""


async def retry_on_conflict(
    update: Callable[[], Awaitable[T]], policy: RetryPolicy = CONFLICTS
) -> T:
    """Await `update()` until it meets no conflict, and give what it gives.

    `update` reads the object, changes it and writes it, every time anew. Any error but a 409
    Conflict is raised at once, AlreadyExists too; the last Conflict is raised as it came.
    """
    began = anyio.current_time()
    failures = 0
    while True:
        try:
            return await update()
        except Exception as error:
            failures += 1
            delay = _delay(policy, failures, began) if is_conflict(error) else None
            if delay is None:
                if failures > 1:
                    error.add_note(f"watchkit: raised by attempt {failures} of an update")
                raise
            calls.conflict(failures, delay, told(error))
        await anyio.sleep(delay)


async def wait_for_dependency(
    probe: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    on_waiting: Callable[[int, Exception, float], object] | None = None,
) -> T:
    """Await `probe()` until it raises no Exception, and give what it gives.

    Before each wait, `on_waiting(attempt, error, delay)` is called, awaited if it wants to be:
    the place to tell a health page, or to go on without the dependency meanwhile. What it
    raises ends the waiting. `policy.deadline` starts no probe after it and cuts none off, so
    have the probe bound itself.

    Raises:
        RetriesExhausted: the policy allows no further attempt; its cause is the last error.

    """
    began = anyio.current_time()
    failures = 0
    while True:
        try:
            result = await probe()
        except Exception as error:  # noqa: BLE001 - whatever it is, the dependency is not there
            last = error
        else:
            if failures:
                calls.found(failures + 1)
            return result
        failures += 1
        delay = _delay(policy, failures, began)
        if delay is None:
            raise RetriesExhausted(failures, last) from last
        calls.waiting(failures, delay, told(last))
        await _tell(on_waiting, failures, last, delay)
        await anyio.sleep(delay)


async def _tell(
    on_waiting: Callable[[int, Exception, float], object] | None,
    attempt: int,
    error: Exception,
    delay: float,
) -> None:
    outcome = on_waiting(attempt, error, delay) if on_waiting is not None else None
    if isawaitable(outcome):
        await outcome


def _delay(policy: RetryPolicy, failures: int, began: float) -> float | None:
    luck = random.random()  # noqa: S311 - jitter, no secret
    return policy.wait(failures, luck, anyio.current_time() - began)
