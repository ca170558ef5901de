"""A schedule of an election: candidates, a server, and what chance does to them; no loop, no I/O.

All is judged in true time, which no candidate sees: each has a clock of its own, at a rate of its
own. The oracle is `Schedule._judge`: nobody may lead while another one does by its own deadline.
"""

import heapq
import itertools
import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from watchkit.core.errors import ServerUnavailable, TooManyRequests, TransportError
from watchkit.core.lease import (
    abandon,
    begin,
    begin_release,
    expired,
    settle,
    settle_release,
    stand_again,
)
from watchkit.core.standing import (
    Absent,
    Answer,
    Create,
    Failed,
    Found,
    Read,
    Refused,
    Replace,
    Request,
    Standing,
    Written,
)
from watchkit.core.tenure import Record, Terms

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
TROUBLE = 60.0  # true seconds in which things happen
CALM = 90.0  # and those after which somebody has to lead, the last late request included
RATES = (0.82, 1.2)  # of the slowest and fastest clock: 1.2 / 0.82 < 15 s / 10 s


@dataclass
class Candidate:
    """One replica: its clock, where it stands, and when its process is stopped."""

    name: str
    rate: float
    offset: float
    wall: Callable[[float], datetime]
    standing: Standing = field(init=False)
    generation: int = 0
    frozen_until: float = -math.inf
    leaving: bool = False
    request: int = 0
    held_until: float = -math.inf

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin as a new process, which knows nothing."""
        self.generation += 1
        self.standing = Standing(Terms(f"{self.name}-{self.generation}"))
        self.leaving = False

    def clock(self, time: float) -> float:
        """What its monotonic clock shows at a true time."""
        return self.offset + time * self.rate

    def true(self, clock: float) -> float:
        """When its clock shows that."""
        return (clock - self.offset) / self.rate


class Schedule:
    """One run: `run()` gives the true times at which somebody began to lead, and fails the law."""

    def __init__(self, seed: int, rates: tuple[float, float] = RATES) -> None:
        self.seed = seed
        self.rates = rates
        self.random = random.Random(seed)  # noqa: S311 - reproducible
        self.time = 0.0
        self.lease: Record | None = None
        self.versions = itertools.count(1)
        self.fired: Counter[str] = Counter()
        self.terms = 0
        self.trace: list[str] = []
        self._order = itertools.count()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self.candidates = [self._candidate(name) for name in "ABC"[: self.random.choice((2, 3))]]
        if self.random.random() < 0.7:
            self.lease = Record(version=str(next(self.versions)))

    def _candidate(self, name: str) -> Candidate:
        rate = self.random.uniform(*self.rates)
        drift = self.random.choice((1.0, 1.0, 0.0, -1.0))  # a wall clock may stand, or go back
        skew = self.random.uniform(-9e4, 9e4)
        return Candidate(
            name,
            rate,
            self.random.uniform(0, 1e6),
            lambda time: EPOCH + timedelta(seconds=skew + drift * time),
        )

    # time

    def at(self, time: float, act: Callable[[], None]) -> None:
        """Let something happen at a true time."""
        heapq.heappush(self._queue, (max(time, self.time), next(self._order), act))

    def run(self) -> None:
        """Play it to its end."""
        for candidate in self.candidates:
            self._plan(candidate, self.random.uniform(0, 3))
        for _ in range(self.random.randrange(1, 7)):
            self.at(self.random.uniform(0, TROUBLE), self._strike)
        while not (self._is_calm and any(map(self._leads, self.candidates))):
            assert self.time < TROUBLE + CALM, self._said("nobody leads")
            self.time, _, act = heapq.heappop(self._queue)
            act()

    # what chance does

    @property
    def _is_calm(self) -> bool:
        return self.time >= TROUBLE

    def _strike(self) -> None:
        victim = self.random.choice(self.candidates)
        acts = (self._freeze, self._freeze, self._kill, self._leave, self._delete, self._label)
        self.random.choice(acts)(victim)

    def _freeze(self, victim: Candidate) -> None:
        self.fired["pause"] += 1
        victim.frozen_until = min(self.time + self.random.choice((1, 5, 12, 25)), TROUBLE)
        self._say(f"{victim.name} stops until {victim.frozen_until:.1f}")

    def _kill(self, victim: Candidate) -> None:
        if self.lease is None:
            return  # a new process cannot know that there ever was a lease
        self.fired["kill"] += 1
        self._say(f"{victim.name} is killed")
        victim.held_until = -math.inf
        victim.start()
        self._plan(victim, self.time + self.random.uniform(0, 10))

    def _leave(self, victim: Candidate) -> None:
        self.fired["leave"] += 1
        victim.leaving = True

    def _delete(self, _: Candidate) -> None:
        """Only where all have seen it: who never did takes an absent lease for a new one."""
        if all(each.standing.known for each in self.candidates):
            self.fired["delete"] += 1
            self._say("the lease is deleted")
            self.lease = None

    def _label(self, _: Candidate) -> None:
        if self.lease is not None:
            self.fired["label"] += 1
            self.lease = replace(self.lease, version=str(next(self.versions)))

    # candidates

    def _plan(self, candidate: Candidate, time: float) -> None:
        generation = candidate.generation

        def act() -> None:
            if candidate.generation == generation:
                self._awake(candidate, lambda: self._act(candidate))

        self.at(time, act)

    def _awake(self, candidate: Candidate, act: Callable[[], None]) -> None:
        """A stopped process does what was due when it is continued."""
        if candidate.frozen_until <= self.time:
            act()
            return
        generation = candidate.generation
        self.at(
            candidate.frozen_until,
            lambda: self._awake(candidate, act) if candidate.generation == generation else None,
        )

    def _act(self, candidate: Candidate) -> None:
        """Send what is due; a holder that is late is none."""
        now, at = candidate.clock(self.time), candidate.standing
        if candidate.leaving and at.leads:
            candidate.held_until = -math.inf  # its work has ended
            candidate.standing = at = replace(at, leads=False)
        if at.leads and not at.leads_at(now):
            self._restand(candidate, expired(at))
            return
        if candidate.leaving:
            self._leave_on(candidate, now)
            return
        candidate.standing, request = begin(at, now, candidate.wall(self.time))
        self._send(candidate, request)

    def _leave_on(self, candidate: Candidate, now: float) -> None:
        at, request = begin_release(candidate.standing, now, candidate.wall(self.time))
        candidate.standing = at
        if request is None or at.conflicts > 5:
            candidate.leaving = False
            self._restand(candidate, at)
        else:
            self._send(candidate, request)

    def _restand(self, candidate: Candidate, at: Standing) -> None:
        if at.lost:
            self.fired["lost"] += 1
            self._say(f"{candidate.name} lost: {at.lost.why}")
        candidate.held_until = -math.inf
        candidate.standing = stand_again(at)
        self._plan(candidate, self.time + self.random.uniform(0, 3))

    def _ways(self, luck: float) -> tuple[float, float]:
        """How long a request and its answer are under way."""
        there, back = self.random.expovariate(200), self.random.expovariate(200)
        if luck < 0.06:
            self.fired["lost request"] += 1
            there = math.inf
        elif luck < 0.12:
            self.fired["lost answer"] += 1
            back = math.inf
        elif luck < 0.16:
            self.fired["late request"] += 1
            there = self.random.uniform(0, 30)
        elif luck < 0.20:
            self.fired["late answer"] += 1
            back = self.random.uniform(0, 15)
        return there, back

    def _send(self, candidate: Candidate, request: Request) -> None:
        candidate.request += 1
        number, generation, at = candidate.request, candidate.generation, candidate.standing
        luck = 1.0 if self._is_calm else self.random.random()
        there, back = self._ways(luck)

        def answered(answer: Answer) -> None:
            if candidate.generation == generation and candidate.request == number:
                candidate.request += 1
                self._settle(candidate, answer)

        def serve() -> None:
            answer = self._serve(candidate, request, luck)
            self.at(self.time + back, lambda: self._awake(candidate, lambda: answered(answer)))

        self.at(self.time + there, serve)
        patience = at.terms.patience / candidate.rate
        silence = Failed(TransportError("no answer in time"))
        late = self.time + patience
        self.at(late, lambda: self._awake(candidate, lambda: answered(silence)))
        if at.leads:  # a timer of its own ends its work in time, whatever a request does
            deadline = candidate.true(at.deadline)
            self.at(deadline, lambda: self._awake(candidate, lambda: answered(silence)))

    def _serve(self, candidate: Candidate, request: Request, luck: float) -> Answer:
        if 0.20 <= luck < 0.24:
            self.fired["429"] += 1
            return Failed(TooManyRequests(429, retry_after=self.random.choice((None, 3, 30))))
        answer = self._apply(request)
        if 0.24 <= luck < 0.27:
            self.fired["done, and 500"] += 1
            return Failed(ServerUnavailable(500, message="etcdserver: request timed out"))
        if 0.27 <= luck < 0.30:
            self.fired["sent twice"] += 1
            return self._apply(request)
        if isinstance(answer, Refused):
            self.fired["conflict"] += 1
        return answer

    def _apply(self, request: Request) -> Answer:
        match request:
            case Read():
                return Absent() if self.lease is None else Found(self.lease)
            case Create() if self.lease is not None:
                return Refused()
            case Replace() if self.lease is None:
                return Absent()
            case Replace(record) if self.lease and record.version != self.lease.version:
                return Refused()
            case Create(record) | Replace(record):
                self.lease = replace(record, version=str(next(self.versions)))
                self._say(f"the lease is {self.lease.holder or 'nobody'}'s")
                return Written(self.lease)

    def _settle(self, candidate: Candidate, answer: Answer) -> None:
        now, luck = candidate.clock(self.time), self.random.random()
        before = candidate.standing
        if isinstance(answer, Failed) and isinstance(answer.error, TransportError):
            # A request that is given up may be done yet; the machine is told of it as a fault.
            assert abandon(before).doubt is not None or before.next == "read"
        if candidate.leaving and not before.leads:
            candidate.standing = settle_release(before, answer, now, luck)
        else:
            candidate.standing = settle(before, answer, now, luck)
        at = candidate.standing
        if at.lost:
            self._restand(candidate, at)
            return
        if at.leads:
            self._judge(candidate, is_new=not before.leads)
        self._plan(candidate, candidate.true(at.at))

    # the law

    def _leads(self, candidate: Candidate) -> bool:
        return candidate.held_until > self.time

    def _judge(self, candidate: Candidate, *, is_new: bool) -> None:
        candidate.held_until = candidate.true(candidate.standing.deadline)
        if is_new:
            self.terms += 1
            self._say(f"{candidate.name} leads until {candidate.held_until:.2f}")
        others = [each.name for each in self.candidates if self._leads(each)]
        assert others == [candidate.name], self._said(f"{others} lead together")

    def _say(self, what: str) -> None:
        self.trace.append(f"{self.time:8.3f} {what}")

    def _said(self, what: str) -> str:
        return "\n".join([f"seed {self.seed}: {what}", *self.trace])
