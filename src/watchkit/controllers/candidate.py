"""Candidate: sends what an election asks for, and keeps where one stands in it."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import anyio

from watchkit.core.errors import IdleTimeout
from watchkit.core.lease import (
    abandon,
    begin,
    begin_release,
    expired,
    settle,
    settle_release,
    stand_again,
)
from watchkit.core.standing import Answer, Failed, Lost, Replace, Request, Standing, Written
from watchkit.core.telling import told
from watchkit.core.tenure import Terms
from watchkit.observe.leader import LeaseObserver


class Leases(Protocol):
    """What a candidate asks for: requests on one Lease, whose outcomes are values."""

    @property
    def name(self) -> str:
        """The name of the Lease."""
        ...

    @property
    def namespace(self) -> str:
        """Its namespace."""
        ...

    async def ask(self, wanted: Request, patience: float) -> Answer:
        """Send one request and wait so many seconds for its answer."""
        ...


class Candidate:
    """One candidate for one lease. Starts nothing; a caller awaits its steps."""

    def __init__(self, leases: Leases, terms: Terms) -> None:
        self.standing: Standing = Standing(terms)
        self.failures: int = 0
        self.renewals: int = 0
        self._leases = leases
        self._terms = terms
        self._observer = LeaseObserver(leases.name, leases.namespace, terms.identity)
        self._told_of: str | None = None

    async def acquire(self) -> None:
        """Wait until the lease is ours.

        Raises:
            InvalidRequest: the server will never accept such a lease.
            Redirected: it is not there that a lease is to be had.

        """
        self.standing = stand_again(self.standing)
        self._told_of = None
        while not self.standing.leads:
            await anyio.sleep_until(self.standing.at)
            await self._step(self._terms.patience)
            self._tell_waiting()
            if self.standing.fatal is not None:
                raise self.standing.fatal
        record = self.standing.record
        if record is not None:
            self._observer.acquired(record.transitions, record.version)

    async def renew(self) -> None:
        """Renew the lease when it is time; afterwards it is ours until `standing.deadline`.

        Lost, `standing.leads` is False.
        """
        await anyio.sleep_until(self.standing.at)
        now = anyio.current_time()
        if not self.standing.leads_at(now):
            self.standing = expired(self.standing)
            return
        await self._step(min(self._terms.patience, self.standing.deadline - now))
        at = self.standing
        if at.leads and at.failures == 0 and at.sent is None and at.record is not None:
            self.renewals += 1
            self._observer.renewed(at.record.version)

    def lose(self) -> Lost:
        """Say that the term has ended against our will, and why."""
        if self.standing.lost is None:
            self.standing = expired(abandon(self.standing))
        lost = self.standing.lost or Lost("it ended")
        cause = "" if lost.cause is None else f": {told(lost.cause)}"
        self._observer.lost(f"{lost.why}{cause}")
        return lost

    async def release(self) -> None:
        """Leave the lease to others, if it is ours or may be. Bounded in time, never an error.

        One that was lost is left alone: there is nothing to be had from a server that was
        silent for so long.
        """
        at = replace(abandon(self.standing), leads=False, conflicts=0, at=-math.inf)
        if at.lost is not None:
            return
        released, cause = False, "no answer in time"
        with anyio.move_on_after(self._terms.patience, shield=True):
            while True:
                await anyio.sleep_until(at.at)
                at, request = begin_release(at, anyio.current_time(), datetime.now(UTC))
                if request is None:
                    cause = ""
                    break
                answer = await self._asked(request, self._terms.patience)
                released = isinstance(request, Replace) and isinstance(answer, Written)
                cause = told(answer.error) if isinstance(answer, Failed) else cause
                at = settle_release(at, answer, anyio.current_time(), _luck())
        self.standing = abandon(at)
        if released:
            self._observer.released()
        elif cause:
            self._observer.release_failed(cause)

    async def _step(self, patience: float) -> None:
        at, request = begin(self.standing, anyio.current_time(), datetime.now(UTC))
        self.standing = at
        try:
            answer = await self._asked(request, patience)
        except BaseException:
            self.standing = abandon(at)
            raise
        now = anyio.current_time()
        self.standing = settle(at, answer, now, _luck())
        if isinstance(answer, Failed):
            self._tell_failed(answer, now)

    async def _asked(self, request: Request, patience: float) -> Answer:
        with anyio.move_on_after(patience):
            return await self._leases.ask(request, patience)
        lease = f"{self._leases.namespace}/{self._leases.name}"
        return Failed(IdleTimeout(f"lease {lease}: no answer for {patience:g} s"))

    def _tell_failed(self, answer: Failed, now: float) -> None:
        self.failures += 1
        at, cause = self.standing, told(answer.error)
        if at.leads:
            self._observer.renew_failed(at.failures, round(at.deadline - now, 3), cause)
        elif at.lost is None and at.fatal is None:
            self._observer.acquire_failed(at.failures, round(max(0.0, at.at - now), 3), cause)

    def _tell_waiting(self) -> None:
        record = self.standing.record
        if self.standing.leads or record is None or not record.holder or self.standing.is_ours:
            return
        if record.holder != self._told_of:
            self._told_of = record.holder
            self._observer.waiting(record.holder)


def _luck() -> float:
    return random.random()  # noqa: S311 - jitter, no secret
