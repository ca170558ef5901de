"""A schedule: everything that will happen in one simulated run, as a value drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from tests.simulation.trouble import KINDS, OPEN
from watchkit import Backoff, ListOptions
from watchkit.core.backoff import Backoff as _Backoff

Verb: TypeAlias = Literal["create", "touch", "relabel", "delete", "recreate", "noise"]

NAMESPACES: Final = ("a", "b")
NAMES: Final = ("w0", "w1", "w2", "w3")
APPS: Final = ("web", "db")
LEFT_OUT: Final = "w3"
"""The name that a picky handler's predicate leaves out."""
QUIET: Final = 20.0
"""Seconds between the last of what happens and the healing of the server."""

VERBS: Final[tuple[Verb, ...]] = (
    "create", "create", "touch", "touch", "touch", "relabel", "delete", "recreate", "noise",
)  # fmt: skip
"""What writers do, as often as it stands here."""
AWAY: Final = 100.0
"""Seconds that a server which is restored is away: longer than caps and slow consumers take."""
LOSSY: Final = 0.06
"""The part of the schedules in which the server loses events."""
_LOSSLESS: Final = sorted(name for name, kind in KINDS.items() if not kind.lossy)
"""The faults of all the others."""
CALM: Final = 230.0
"""Seconds after a restore in which nothing else goes wrong: idle bound, cap, slowness, probe."""

Turn: TypeAlias = Literal["compact", "restore", "unserve", "serve"]


@dataclass(frozen=True, slots=True)
class Write:
    """A write to the cluster; "noise" is one to another resource, which moves the version only."""

    at: float
    verb: Verb
    namespace: str
    name: str
    app: str


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault by name: on the watches that are open (`now`), or on the next `times` requests."""

    at: float
    kind: str
    events: int
    times: int
    now: bool


@dataclass(frozen=True, slots=True)
class Happening:
    """What befalls the cluster as a whole; `depth` is how many versions a restore goes back."""

    at: float
    turn: Turn
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Interruption:
    """What befalls a consumer: cancelled and going on, slow for `seconds`, or started anew."""

    at: float
    how: Literal["cancel", "slow", "restart"]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Consumer:
    """One RetryWatcher or SharedInformer, and what it is asked for."""

    kind: Literal["watcher", "informer"]
    namespace: str | None
    app: str | None
    limit: int | None
    replay: bool
    bookmarks: bool
    backoff: Backoff
    idle_timeout: float
    initial_list: Literal["auto", "list"]
    audit_period: float | None
    resync_period: float | None
    on_expired: Literal["relist", "raise"]
    timeout: int | None
    split: bool
    """An informer of both namespaces has a source for each."""
    picky: bool
    """One handler of an informer wants nothing of `LEFT_OUT`."""
    late_at: float
    """When an informer gets one handler more, and loses another."""
    interruptions: tuple[Interruption, ...]

    @property
    def is_split(self) -> bool:
        """Whether it has two sources."""
        return self.split and self.kind == "informer" and self.namespace is None

    @property
    def options(self) -> ListOptions:
        """What the caller asks for, save the version."""
        return ListOptions(
            label_selector=None if self.app is None else f"app={self.app}",
            limit=self.limit,
            timeout_seconds=self.timeout,
            allow_watch_bookmarks=True if self.bookmarks and self.kind == "watcher" else None,
        )


@dataclass(frozen=True, slots=True)
class Schedule:
    """All of it. `begin` is how many objects are there before anybody watches."""

    seed: int
    begin: int
    writes: tuple[Write, ...]
    strikes: tuple[Strike, ...]
    happenings: tuple[Happening, ...]
    consumers: tuple[Consumer, ...]

    @property
    def heals_at(self) -> float:
        """When faults and writes have an end."""
        times = [each.at for part in (self.writes, self.strikes, self.happenings) for each in part]
        times += [each.at + AWAY for each in self.happenings if each.turn == "restore"]
        return max(times, default=0.0) + QUIET

    @property
    def is_lossy(self) -> bool:
        """Whether the server loses events: what an audit is for, and no watch can know."""
        return any(KINDS[each.kind].lossy for each in self.strikes if each.kind in KINDS)

    def __repr__(self) -> str:
        parts = [*self.writes, *self.strikes, *self.happenings]
        lines = [f"Schedule(seed={self.seed}, begin={self.begin})"]
        lines += [f"  {each!r}" for each in self.consumers]
        lines += [f"  {each!r}" for each in sorted(parts, key=lambda each: each.at)]
        return "\n".join(lines)


def drawn(seed: int) -> Schedule:
    """Draw the schedule of a seed: the same in every process."""
    chance = random.Random(f"schedule {seed}")  # noqa: S311 - no secret
    storms = sorted(chance.uniform(5.0, 240.0) for _ in range(chance.randint(5, 9)))
    happenings = _happenings(chance, storms)
    schedule = Schedule(
        seed=seed,
        begin=chance.randint(0, 6),
        writes=_writes(chance, storms),
        strikes=tuple(each for at in storms for each in _storm(chance, at)),
        happenings=happenings,
        consumers=tuple(_consumer(chance, kind) for kind in _kinds(chance)),
    )
    restores = [each.at for each in happenings if each.turn == "restore"]
    if restores:
        return _noticeable(schedule, restores[0])
    return _lossy(schedule, chance) if chance.random() < LOSSY else schedule


def _noticeable(schedule: Schedule, restored: float) -> Schedule:
    """Leave out what lets a restore go by unseen: the one probe has to be answered.

    Nobody who begins with a version of before the restore can know that it was, and who gives up
    a request that would have failed cannot either.
    """
    consumers = (
        replace(each, interruptions=(), on_expired="relist", split=False)
        for each in schedule.consumers
    )
    calm = (restored - 1.0, restored + CALM)
    strikes = tuple(each for each in schedule.strikes if not calm[0] < each.at < calm[1])
    return replace(schedule, consumers=tuple(consumers), strikes=strikes)


def _lossy(schedule: Schedule, chance: random.Random) -> Schedule:
    """Let the server lose events, and all consumers be informers that look for that."""
    often = {"delete": 0.6, "recreate": 0.6, "noise": 0.0}
    losses = [each for each in schedule.writes if chance.random() < often.get(each.verb, 0.2)]
    strikes = [Strike(each.at - 0.001, "an event lost", 0, 1, now=True) for each in losses]
    consumers = [
        replace(each, kind="informer", audit_period=60.0, interruptions=())
        for each in schedule.consumers[:1]
    ]
    strikes += schedule.strikes
    return replace(schedule, strikes=tuple(strikes), consumers=tuple(consumers))


def _kinds(chance: random.Random) -> list[Literal["watcher", "informer"]]:
    return chance.choice([["watcher"], ["informer"], ["watcher", "informer"]])


def _writes(chance: random.Random, storms: list[float]) -> tuple[Write, ...]:
    times = [chance.uniform(1.0, 250.0) for _ in range(chance.randint(10, 25))]
    for at in storms:  # what happens in the middle of a trouble is what shows it
        times += [
            at + chance.choice([-0.1, 0.0, 0.3, 1.0, 3.0]) for _ in range(chance.randint(2, 6))
        ]
    return tuple(
        Write(
            max(0.5, round(at, 3)),
            chance.choice(VERBS),
            chance.choice(NAMESPACES),
            chance.choice(NAMES),
            chance.choice(APPS),
        )
        for at in sorted(times)
    )


def _storm(chance: random.Random, at: float) -> list[Strike]:
    """Break what is open, and have faults wait for those who come back."""
    first = Strike(round(at, 3), chance.choice(OPEN), chance.randint(0, 1), 1, now=True)
    rest = [
        Strike(
            round(at - 0.01, 3),
            chance.choice(_LOSSLESS),
            chance.choice([0, 0, 1, 2]),
            chance.choice([1, 1, 1, 2, 4, 6]),
            now=False,
        )
        for _ in range(chance.randint(1, 3))
    ]
    return [*rest, first]


def _happenings(chance: random.Random, storms: list[float]) -> tuple[Happening, ...]:
    drawn: list[Happening] = [
        Happening(round(at + chance.choice([-0.05, 0.2]), 3), "compact")
        for at in storms
        if chance.random() < 0.35
    ]
    dice = chance.random()
    at = chance.choice(storms)
    if dice < 0.15:
        drawn.append(Happening(round(at + 2.0, 3), "restore", chance.randint(3, 30)))
    elif dice < 0.25:
        drawn.append(Happening(round(at + 2.0, 3), "unserve"))
        drawn.append(Happening(round(at + chance.uniform(3.0, 60.0), 3), "serve"))
    return tuple(drawn)


def _consumer(chance: random.Random, kind: Literal["watcher", "informer"]) -> Consumer:
    backoffs = [_Backoff(), _Backoff(jitter="none"), _Backoff(0.2, 2.0, 8.0, jitter="none")]
    return Consumer(
        kind=kind,
        namespace=chance.choice([None, None, "a"]),
        app=chance.choice([None, None, "web"]),
        limit=chance.choice([None, 2, 2, 3]),
        replay=chance.random() < 0.7,
        bookmarks=chance.random() < 0.5,
        backoff=chance.choice(backoffs),
        idle_timeout=chance.choice([150.0, 150.0, 40.0]),
        initial_list="auto" if chance.random() < 0.7 else "list",
        audit_period=chance.choice([None, None, 60.0]),
        resync_period=chance.choice([None, None, None, 97.0]),
        on_expired="raise" if chance.random() < 0.2 else "relist",
        timeout=chance.choice([None, None, None, 200]),
        split=chance.random() < 0.3,
        picky=chance.random() < 0.5,
        late_at=chance.uniform(10.0, 200.0),
        interruptions=_interruptions(chance),
    )


def _interruptions(chance: random.Random) -> tuple[Interruption, ...]:
    hows: list[Literal["cancel", "slow", "restart"]] = ["cancel", "cancel", "slow", "restart"]
    drawn = [
        Interruption(
            round(chance.uniform(2.0, 250.0), 3), chance.choice(hows), chance.uniform(0.5, 60.0)
        )
        for _ in range(chance.randint(0, 4))
    ]
    return tuple(sorted(drawn, key=lambda each: each.at))
