"""Carries a schedule out in virtual time, and gives what is to be judged."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import anyio

from tests.simulation.consumers import Consuming, consuming
from tests.simulation.history import Held, History
from tests.simulation.schedule import AWAY, NAMESPACES, Happening, Schedule, Strike, Write
from tests.simulation.trace import Diary
from tests.simulation.trouble import KINDS
from watchkit.core.errors import ApiError
from watchkit.testing import FakeCluster, Injection, Refuse, VirtualBackend, run_virtual

API_VERSION: Final = "x.io/v1"
PLURAL: Final = "shops"
LOOK_EVERY: Final = 13.7
"""Seconds between two samples; odd, so that they wander over what else is periodic."""
CONVERGED_AFTER: Final = 300.0
"""Seconds after the healing in which C1 has to hold: an idle bound (150, or timeoutSeconds + 15
where no bookmark ever came), a Retry-After or a cap, another cap where the version has expired
meanwhile, a list, a slow handler's calls."""


@dataclass(slots=True)
class Run:
    """What came of a schedule."""

    schedule: Schedule
    backend: VirtualBackend
    history: History = field(default_factory=History)
    diaries: list[Diary] = field(default_factory=list)
    fired: Counter[str] = field(default_factory=Counter)
    open_at_end: int = 0
    tasks_at_end: int = 0
    ended_at: float = 0.0


def run(schedule: Schedule, backend: VirtualBackend = "asyncio") -> Run:
    """Run a schedule; the same one on asyncio gives the same trace, always."""
    random.seed(f"luck {schedule.seed}")
    result = Run(schedule, backend)
    run_virtual(partial(_World(result).live), backend=backend)
    return result


class _World:
    def __init__(self, result: Run) -> None:
        self._result = result
        self._schedule = result.schedule
        self._cluster = FakeCluster()
        self._injected: list[tuple[str, Injection]] = []
        self._contents = itertools.count()
        self._serve()
        self._not_beyond: int | None = None
        self._away: tuple[Injection, float] | None = None
        self._consumers: list[Consuming] = []
        self._compacted = self._cluster.version

    async def live(self) -> None:
        schedule, result = self._schedule, self._result
        for number in range(schedule.begin):
            self._write(Write(0.0, "create", NAMESPACES[number % 2], f"w{number % 4}", "web"))
        self._consumers = [self._consumer(number) for number in range(len(schedule.consumers))]
        async with anyio.create_task_group() as tasks:
            for consumer in self._consumers:
                tasks.start_soon(consumer.run)
            await self._happen()
            tasks.cancel_scope.cancel()
        result.ended_at = anyio.current_time()
        result.open_at_end = self._cluster.open_watches
        if result.backend == "asyncio":
            result.tasks_at_end = len(asyncio.all_tasks()) - 1
        for kind, injection in self._injected:
            result.fired[kind] += injection.fired

    def _consumer(self, number: int) -> Consuming:
        asked = self._schedule.consumers[number]
        diary = Diary()
        self._result.diaries.append(diary)
        return consuming(asked, partial(self._cluster.source, API_VERSION, PLURAL), diary)

    async def _happen(self) -> None:
        schedule = self._schedule
        ends = schedule.heals_at + CONVERGED_AFTER
        looks = [(at * LOOK_EVERY, "look") for at in range(1, int(ends / LOOK_EVERY))]
        parts: list[tuple[float, Any]] = [
            *((each.at, each) for each in schedule.writes),
            *((each.at, each) for each in schedule.strikes),
            *((each.at, each) for each in schedule.happenings),
            *looks,
            (schedule.heals_at, "heal"),
        ]
        for at, what in sorted(parts, key=lambda part: part[0]):
            await anyio.sleep_until(at)
            match what:
                case Write():
                    self._write(what)
                case Strike():
                    self._strike(what)
                case Happening():
                    self._turn(what)
                case "look":
                    self._look()
                case _:
                    self._heal()
        await anyio.sleep_until(ends)
        self._look()

    def _look(self) -> None:
        for consumer in self._consumers:
            consumer.sample()
        if self._away is not None and anyio.current_time() >= self._away[1]:
            self._away[0].remove()

    def _strike(self, strike: Strike) -> None:
        kind = KINDS[strike.kind]
        on = "open" if strike.now else kind.on
        injection = self._cluster.inject(kind.make(strike.events), on=on, times=strike.times)
        self._injected.append((strike.kind, injection))

    def _turn(self, happening: Happening) -> None:
        cluster, fired = self._cluster, self._result.fired
        match happening.turn:
            case "compact":
                cluster.compact()
                self._compacted = cluster.version
            case "restore":
                self._restore(max(cluster.version - happening.depth, self._compacted))
            case "unserve":
                if not self._may_write(len(self._result.history.now)):
                    return
                for key in list(self._result.history.now):
                    self._delete(key)
                cluster.remove_resource(API_VERSION, PLURAL)
            case "serve":
                self._serve()
        fired[happening.turn] += 1

    def _restore(self, version: int) -> None:
        """Restart the server from a backup: nothing listens for a while, as it is in the field."""
        cluster = self._cluster
        cluster.heal()
        cluster.restore(version)
        self._result.history.restored(version)
        self._away = (cluster.inject(Refuse(), times=None), anyio.current_time() + AWAY)
        known = [each.position for each in self._consumers]
        self._not_beyond = min(at if at > version else version + 1 for at in known)
        if version % 2:
            self._redo()

    def _redo(self) -> None:
        """Do what a restore has undone over again, otherwise: the same objects, at versions known.

        Whoever compares versions alone takes the one for the other.
        """
        undone = {step.version: step for step in self._result.history.branches[-2].steps}
        while self._may_write(2):
            step = undone.get(self._cluster.version + 1)
            before, after = (step.before, step.after) if step else (None, None)
            if before is None or after is None or before.key not in self._result.history.now:
                self._noise()
            else:
                namespace, name = before.key.split("/")
                self._change(Write(0.0, "touch", namespace, name, before.app), before.key)

    def _heal(self) -> None:
        self._cluster.heal()
        self._serve()

    def _serve(self) -> None:
        if self._cluster.front.catalogue.named(API_VERSION, PLURAL) is None:
            self._cluster.add_resource(API_VERSION, PLURAL, "Shop")

    # Writing.

    def _write(self, write: Write) -> None:
        if not self._may_write(2):
            return
        key = f"{write.namespace}/{write.name}"
        present = key in self._result.history.now
        try:
            match write.verb:
                case "noise":
                    self._noise()
                case "create" if not present:
                    self._create(write)
                case "delete" if present:
                    self._delete(key)
                case "recreate" if present:
                    self._delete(key)
                    self._create(write)
                case _ if present:
                    self._change(write, key)
                case _:
                    self._create(write)
        except ApiError:  # the resource is not served just now
            pass

    def _may_write(self, count: int) -> bool:
        """A restored store that passes the versions which are known before anybody looks is unseen.

        That is out of contract: no client can tell.
        """
        return self._not_beyond is None or self._cluster.version + count < self._not_beyond

    def _noise(self) -> None:
        name = f"noise-{next(self._contents)}"
        self._cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})

    def _create(self, write: Write) -> None:
        metadata = {
            "name": write.name,
            "namespace": write.namespace,
            "labels": {"app": write.app},
            "annotations": {"n": str(next(self._contents))},
        }
        made = self._cluster.create(
            {"apiVersion": API_VERSION, "kind": "Shop", "metadata": metadata}
        )
        self._result.history.wrote(self._cluster.version, None, Held.of(made))

    def _change(self, write: Write, key: str) -> None:
        metadata: dict[str, Any] = {"annotations": {"n": str(next(self._contents))}}
        if write.verb == "relabel":
            metadata["labels"] = {"app": write.app}
        before = self._result.history.now[key]
        after = self._cluster.patch(API_VERSION, PLURAL, key, {"metadata": metadata})
        self._result.history.wrote(self._cluster.version, before, Held.of(after))

    def _delete(self, key: str) -> None:
        before = self._result.history.now[key]
        self._cluster.delete(API_VERSION, PLURAL, key)
        self._result.history.wrote(self._cluster.version, before, None)
