"""LeaderElector: of all replicas, one works at a time, for as long as it holds a Lease."""

from __future__ import annotations

import math
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import uuid4

import anyio

from watchkit.api.exchange import Client
from watchkit.api.leases import LeaseCalls
from watchkit.controllers import fencing
from watchkit.controllers.candidate import Candidate
from watchkit.controllers.fencing import FencingToken, Term
from watchkit.core.errors import LeadershipLost
from watchkit.core.tenure import Terms
from watchkit.informer.life import without_cancellation

T = TypeVar("T")

_TOLERANCE = 20.0
"""Seconds: what client-go's components give a holder that is late, before they are restarted."""


@dataclass(frozen=True, slots=True)
class _Ended(Generic[T]):
    result: T


class LeaderElector:
    """Of all that stand for one Lease, one leads at a time; `await elector.run(main)`.

    A holder counts the time from when it sent the renewal that was done last, the others from
    when they saw it, each by its own monotonic clock: it stops before they begin, however their
    wall clocks differ, and whatever becomes of requests and processes in between. The rates of
    the clocks may differ by `lease_duration / renew_deadline`. That is for work which heeds its
    cancellation; what does not, and a machine that was suspended, whose monotonic clock stood
    still, is stopped by what it writes: guarded by the version that it read, or by the fencing
    token of its term (`token`, or `fencing_token()` in whatever `main` started).

    `lease_duration`: seconds that others wait for a silent holder (whole ones, as in a Lease);
    `renew_deadline`: seconds without a renewal after which a holder stops; `retry_period`:
    seconds between renewals, and the most between two looks of the others. All as in client-go.
    `identity` is this candidate's alone, by default made of the host's name and chance.

    It uses the client given, going round the retry policy and breaker of `connect()`, and needs
    the verbs get, create and update on leases.

    Raises:
        TypeError: no ApiClient of kubernetes_asyncio's.
        ValueError: a name that is none, or durations that do not go together.

    """

    def __init__(
        self,
        api: Client,
        name: str,
        *,
        namespace: str,
        identity: str | None = None,
        lease_duration: float = 15,
        renew_deadline: float = 10,
        retry_period: float = 2,
    ) -> None:
        identity = f"{socket.gethostname()}_{uuid4()}" if identity is None else identity
        self._terms = Terms(identity, lease_duration, renew_deadline, retry_period)
        self._lease = f"{namespace}/{name}"
        self._candidate = Candidate(LeaseCalls(api, name, namespace), self._terms)
        self._token: FencingToken | None = None
        self._is_running = False
        self._over_since: float | None = None
        self._acquired = 0
        self._lost = 0

    async def run(self, main: Callable[[], Awaitable[T]]) -> T:
        """Wait for the lease, run `main()` under it, and give what that gives.

        When `main()` has ended, however it did, the lease is released, and not before. It is
        renewed until then, also while a cancelled `main()` winds up. What it raises is raised
        as it is. It can be run again, after a loss too.

        Raises:
            LeadershipLost: the lease was not renewed in time, or taken; `main()` was cancelled
                and has ended. What it raised meanwhile is the cause.
            InvalidRequest: the server does not accept such a Lease.
            RuntimeError: it is running already.

        """
        if self._is_running:
            raise RuntimeError("an elector runs one thing at a time: make another one")
        self._is_running = True
        try:
            await self._candidate.acquire()
            return await self._lead(main)
        finally:
            try:
                await self._candidate.release()
            finally:
                self._is_running = False

    @property
    def identity(self) -> str:
        """Who this candidate is."""
        return self._terms.identity

    @property
    def holder(self) -> str | None:
        """Who held the lease when it was last seen; None for nobody, or not seen yet."""
        record = self._candidate.standing.record
        return None if record is None else record.holder or None

    @property
    def is_leader(self) -> bool:
        """Whether the lease is ours, judged when read."""
        return self._token is not None and self._token.is_valid

    @property
    def token(self) -> FencingToken | None:
        """The token of the term that lasts, None while there is none."""
        return self._token if self.is_leader else None

    def is_live(self, tolerance: float = _TOLERANCE) -> bool:
        """Whether all is well: not so where work goes on `tolerance` seconds after its term.

        For a liveness probe: such work does not heed its cancellation, and a restart ends it.
        """
        if self._over_since is None:
            return True
        return anyio.current_time() < self._over_since + tolerance

    def statistics(self) -> dict[str, int]:
        """Terms begun, terms lost, renewals done, requests failed."""
        return {
            "acquired": self._acquired,
            "lost": self._lost,
            "renewals": self._candidate.renewals,
            "failures": self._candidate.failures,
        }

    def __repr__(self) -> str:
        state = "idle"
        if self._is_running:
            leads = self._candidate.standing.leads
            state = "leading" if leads else f"waiting for {self.holder or 'the lease'}"
        return f"<LeaderElector {self._lease} {self.identity}, {state}>"

    async def _lead(self, main: Callable[[], Awaitable[T]]) -> T:
        standing = self._candidate.standing
        record = standing.record
        term = Term(standing.deadline)
        self._acquired += 1
        self._token = FencingToken(
            self._lease,
            self.identity,
            transitions=record.transitions if record is not None else 0,
            version=record.version if record is not None else "",
            term=term,
        )
        renewing = anyio.CancelScope(shield=True)
        outcome: _Ended[T] | BaseException | None = None
        in_time = False
        async with anyio.create_task_group() as group:
            group.start_soon(self._renew, term, renewing)
            try:
                outcome = await self._work(main, term)
            finally:
                in_time = self.is_leader and not term.scope.cancel_called
                term.deadline = -math.inf  # whoever holds the token still is too late from now on
                self._over_since = None
                renewing.cancel()
        return self._end(outcome, in_time=in_time)

    async def _work(
        self, main: Callable[[], Awaitable[T]], term: Term
    ) -> _Ended[T] | BaseException | None:
        """Run it until the term ends; None where it was cancelled for that."""
        with term.scope:
            before = fencing.current.set(self._token)
            try:
                return _Ended(await main()) if self.is_leader else None
            except BaseException as error:
                raised = without_cancellation(error)
                if raised is None:
                    raise
                return raised  # it leaves alone, not in a group
            finally:
                fencing.current.reset(before)
        return None

    async def _renew(self, term: Term, renewing: anyio.CancelScope) -> None:
        """Renew, whoever is cancelled, until the work has ended or the term has."""
        candidate = self._candidate
        with renewing:
            while candidate.standing.leads:
                await candidate.renew()
                if candidate.standing.leads:
                    term.extend(candidate.standing.deadline)
            self._over_since = anyio.current_time()
            term.end()

    def _end(self, outcome: _Ended[T] | BaseException | None, *, in_time: bool) -> T:
        if in_time and isinstance(outcome, _Ended):
            return outcome.result
        error = outcome if isinstance(outcome, BaseException) else None
        if error is not None and (in_time or not isinstance(error, Exception)):
            raise error
        self._lost += 1
        lost = self._candidate.lose()
        raise LeadershipLost(f"lease {self._lease}: {lost.why}", lost.cause) from (
            error or lost.cause
        )
