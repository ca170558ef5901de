"""One run of the demo: a server, an informer, writes, troubles, and the judgement at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import anyio
from kubernetes_asyncio.client import CoreV1Api

from watchkit.api.client import ClientConfig, connect
from watchkit.api.listwatch import ListWatch
from watchkit.cli.demo.judging import Mirror, divergent, judge, key_of
from watchkit.cli.demo.scene import Glance, Scene, rate_between
from watchkit.cli.demo.stage import Stage
from watchkit.cli.demo.telling import Tally
from watchkit.cli.demo.troubles import Blow, Outage, Trouble
from watchkit.cli.demo.writing import BEAT, CANARY, Writer
from watchkit.core.backoff import Backoff
from watchkit.core.metadata import ObjectMeta
from watchkit.informer.shared_informer import SharedInformer
from watchkit.informer.store import Store
from watchkit.testing import FakeApiServer, FakeCluster, Injection, settled

BACKOFF: Final = Backoff(initial=0.1, cap=1.0)
"""Shorter than the default: a demo is short."""
IDLE_TIMEOUT: Final = 2.5
"""Seconds of silence that are taken; a cluster that does not fail on purpose gets 150."""

_SYNC: Final = 60.0
"""Seconds within which a first list, or a watch, must have begun, on however slow a machine."""
_TICK: Final = 0.02
_WRITES: Final = 12
"""Writes a tick: 600 a second where the machine can."""
_LOOK_EVERY: Final = 0.2
_LAST_WRITES: Final = 50
_BUFFER: Final = 100_000
"""Changes that may wait for the handler: more than two whole lists of them."""
_CALM: Final = 0.3
"""Seconds between two troubles, in which one can see that all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """For how long to make trouble, which, and among how many objects.

    `patience`: the seconds within which what follows a trouble must have come, on however slow a
    machine.
    """

    seconds: float
    troubles: Iterable[Trouble]
    objects: int = 3000
    seed: int = 0
    patience: float = 60.0


@dataclass(frozen=True, slots=True)
class World:
    """What takes part: the server's side, and the side that watches it."""

    cluster: FakeCluster
    server: FakeApiServer
    url: str
    writer: Writer
    informer: SharedInformer
    mirror: Mirror


async def run(plan: Plan, stage: Stage) -> int:
    """Run the demo to its end: 0 where the cache is what the server has, else 1.

    Raises:
        BrokenPipeError: nobody reads any more.
        WatchkitError: the informer failed for good.

    """
    cluster = FakeCluster()
    writer = Writer(cluster, plan.seed, plan.objects)
    async with (
        FakeApiServer(cluster) as server,
        connect(ClientConfig(kubeconfig=server.kubeconfig)) as api,
    ):
        mirror = Mirror()
        informer = SharedInformer(
            ListWatch(CoreV1Api(api).list_pod_for_all_namespaces),
            initial_list="list",  # in pages, for which there are faults of their own
            backoff=BACKOFF,
            idle_timeout=IDLE_TIMEOUT,
        )
        told = informer.add_event_handler(on_change=mirror.take, delivery="every", buffer=_BUFFER)
        async with informer:
            await informer.wait_for_sync(_SYNC)
            await told.wait_for_sync()
            url = str(api.configuration.host)
            demo = Demo(plan, World(cluster, server, url, writer, informer, mirror), stage)
            with stage:
                await demo.play()
                tally = await demo.judged()
                stage.close(tally)
    return 0 if tally.holds else 1


class Demo:
    """Plays the troubles while writes go on, and has the result judged."""

    def __init__(self, plan: Plan, world: World, stage: Stage) -> None:
        self._plan = plan
        self._world = world
        self._stage = stage
        self._scene = Scene(plan.seconds, anyio.current_time())

    async def play(self) -> None:
        """Play until the time is over or nothing is left to play; the last trouble is played out.

        Raises:
            BrokenPipeError: nobody reads any more.

        """
        failure: BrokenPipeError | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._write_on)
            tasks.start_soon(self._look_on)
            try:
                self._stage.open(self._glance(), self._world.url)
                for trouble in self._plan.troubles:
                    await self._suffer(trouble)
                    await anyio.sleep(_CALM)
                    if self._scene.lost or self._left() <= 0:
                        break
            except BrokenPipeError as error:
                failure = error  # raised out of the group it would come in a group itself
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def judged(self) -> Tally:
        """Take all faults back, wait until nothing is left to do, and compare everything."""
        world, unsettled = self._world, None
        world.cluster.heal()
        try:
            await settled(world.cluster, world.informer, timeout=self._plan.patience)
        except TimeoutError as late:
            unsettled = str(late)
        self._look()
        served = {key_of(each): each for each in world.cluster.list("v1", "pods")}
        cached = {key: each.to_dict() for key, each in world.informer.store.items()}
        return Tally(
            judge(served, cached, world.mirror, tuple(self._scene.lost)),
            told=world.mirror.told,
            writes=world.writer.writes,
            version=str(world.cluster.version),
            kinds=self._scene.kinds,
            unsettled=unsettled,
        )

    async def _suffer(self, trouble: Trouble) -> None:
        """Play one trouble, and wait until what was written after it is in the cache."""
        scene, writer = self._scene, self._world.writer
        await self._ready(trouble)
        scene.strike(trouble.name, anyio.current_time())
        injections = await self._strike(trouble)
        has_come = await self._comes(writer.beat())
        writer.still = False
        for injection in injections:
            injection.remove()
        if not has_come:
            scene.lose()
        elif all(each.fired for each in injections):
            self._stage.survived(scene.survive(anyio.current_time()))
        else:
            scene.pass_by()

    async def _ready(self, trouble: Trouble) -> None:
        """Wait until there is something to strike.

        A store that goes back must go back behind what the informer has seen: a version that is
        as high as before, from other writes, nobody can tell from the one before.
        """
        writer, cluster = self._world.writer, self._world.cluster
        if trouble.still:
            writer.still = True
            for _ in range(_LAST_WRITES):
                writer.write()
            await self._comes(writer.beat())
        with anyio.move_on_after(_SYNC):
            while not cluster.open_watches:  # noqa: ASYNC110 - as a client of it would see it
                await anyio.sleep(_TICK)

    async def _strike(self, trouble: Trouble) -> list[Injection]:
        cluster, injections = self._world.cluster, list[Injection]()
        before = cluster.version
        for step in trouble.steps:
            match step:
                case Blow(fault, on, times):
                    injections.append(cluster.inject(fault, on=on, times=times))
                case Outage(seconds):
                    async with self._world.server.down():
                        await anyio.sleep(seconds)
        if cluster.version < before:
            self._world.writer.look_again()
        return injections

    async def _comes(self, beat: str) -> bool:
        """Whether the canary shows this in the cache, within what patience there is."""
        with anyio.move_on_after(self._plan.patience):
            while not self._shows(beat):  # noqa: ASYNC110 - as a reader of the cache would see it
                await anyio.sleep(_TICK)
        return self._shows(beat)

    def _shows(self, beat: str) -> bool:
        canary = self._world.informer.store.meta(CANARY)
        return canary is not None and canary.annotations.get(BEAT) == beat

    async def _write_on(self) -> None:
        writer = self._world.writer
        while True:
            for _ in range(0 if writer.still else _WRITES):
                writer.write()
            await anyio.sleep(_TICK)

    async def _look_on(self) -> None:
        while True:
            self._look()
            await anyio.sleep(_LOOK_EVERY)

    def _look(self) -> None:
        self._scene.look(self._glance())
        self._stage.paint(self._scene, anyio.current_time())

    def _left(self) -> float:
        return self._plan.seconds - self._scene.since(anyio.current_time())

    def _glance(self) -> Glance:
        world, scene = self._world, self._scene
        health, store = world.informer.health, world.informer.store
        at = scene.since(anyio.current_time())
        held = {key: (meta.uid, meta.resource_version) for key, meta in metadata_of(store)}
        earlier = scene.glances[-1] if scene.glances else None
        return Glance(
            at=at,
            state=health.state.value.replace("_", " "),
            version=health.resource_version or "?",
            epoch=health.epoch,
            cached=len(store),
            served=len(world.writer.there),
            served_version=world.cluster.version,
            behind=len(divergent(world.writer.there, held)),
            told=world.mirror.told,
            rate=rate_between(earlier, at, world.mirror.told),
        )


def metadata_of(store: Store) -> Iterator[tuple[str, ObjectMeta]]:
    """Give the metadata of everything that is cached, by key."""
    for key in store:
        meta = store.meta(key)
        if meta is not None:
            yield key, meta
