"""The whole informer through anything that can happen, against dicts: a stateful machine."""

from functools import partial
from inspect import isawaitable
from typing import Any, ClassVar

import anyio
import pytest
from anyio.abc import TaskGroup
from hypothesis import settings as Settings  # noqa: N812 - the informer's are called so
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.unit.informer.happenings import CONTENT, KEY, NAMESPACE, NUMBER, Happenings
from tests.unit.informer.judging import PARTIAL, WHOLE, Judge, Manner
from tests.unit.informer.parties import Party, shows
from tests.unit.informer.stage import Serve, Stage
from tests.unit.informer.world import (
    KEYS,
    NAMESPACES,
    Shown,
    World,
    by_content,
    indexed,
    only_good,
    shown,
)
from watchkit import Backoff, SharedInformer
from watchkit.core.events import Updated
from watchkit.testing import VirtualBackend

BOUND = 600.0
"""Virtual seconds in which an informer catches up once its server is right again, and those who
listen at once; the slowest of them takes a second more for each change.
"""

MANNERS = st.builds(
    Manner,
    wanted=st.sampled_from((*WHOLE, *PARTIAL)),
    delivery=st.sampled_from(["latest", "every"]),
    buffer=st.sampled_from([1, 2, 1000]),
    concurrency=st.integers(1, 3),
    replay=st.booleans(),
    pace=st.sampled_from([None, 0, 0.2, 1.0]),
    raises=st.booleans(),
    calls=st.none() | st.integers(1, 4),
)
SETTINGS = st.fixed_dictionaries(
    {
        "initial_list": st.sampled_from(["auto", "list"]),
        "resync_period": st.sampled_from([None, 30]),
        "audit_period": st.sampled_from([None, 20]),
        "options": st.sampled_from([{}, {"limit": 2}]),
        "transform": st.sampled_from([None, only_good]),
    }
)


class Machine(Happenings):
    """A server with two namespaces, an informer of them, those who listen to it."""

    backend: ClassVar[VirtualBackend]
    tasks: TaskGroup
    informer: SharedInformer
    tap: Party

    def __init__(self) -> None:
        super().__init__()
        self.parties: list[Party] = []
        self.watched = [*NAMESPACES]
        self.indexes = {"content"}

    @initialize(
        settings=SETTINGS,
        pods=st.dictionaries(KEY, CONTENT),
        manners=st.lists(MANNERS, max_size=3),
    )
    def start(self, settings: dict[str, Any], pods: dict[str, str], manners: list[Manner]) -> None:
        """Set the scene; the informer is made, and begins to run."""
        self.has_begun = True
        self.is_audited = settings["audit_period"] is not None
        self.world = World(transforms=settings["transform"] is not None)
        for key, content in pods.items():
            self.world.write(key, content)
        self.sources = {each: self.world.cluster.source("v1", "pods", each) for each in NAMESPACES}
        self.stage = Stage(self.backend, partial(self.live, settings))
        self.do(lambda: None)
        for manner in manners:
            self.add_handler(manner)

    async def live(self, settings: dict[str, Any], serve: Serve) -> None:
        """Run the informer and all who listen, and do what is to be done."""
        self.informer = SharedInformer(
            [*self.sources.values()],
            indexers={"content": by_content},
            backoff=Backoff(0.5, 2.0, 4.0),
            idle_timeout=20,
            **settings,
        )
        self.tap = Party(Judge(Manner(delivery="every", buffer=10**6)))
        self.add(self.tap)
        async with anyio.create_task_group() as self.tasks, self.informer:
            await serve()
            self.tasks.cancel_scope.cancel()

    # Who listens.

    def add(self, party: Party) -> None:
        """Add a handler."""
        judge, manner = party.judge, party.judge.manner
        judge.restores = lambda: self.world.restores
        party.registration = self.informer.add_event_handler(
            judge,
            delivery=manner.delivery,
            buffer=manner.buffer,
            concurrency=manner.concurrency,
            predicate=judge.wants,
            replay=manner.replay,
        )
        party.begins(self.informer)
        judge.quit = lambda: self.remove(party)
        self.parties.append(party)

    def remove(self, party: Party) -> None:
        """Remove who listens; nothing may come from now on."""
        if party.registration is not None:
            party.registration.remove()
        if party.scope is not None:
            party.scope.cancel()
        party.ends()

    @precondition(lambda self: len(self.parties) < 9)
    @rule(manner=MANNERS)
    def add_handler(self, manner: Manner) -> None:
        """At any time."""
        self.do(lambda: self.add(Party(Judge(manner), self.tap)))

    @precondition(lambda self: len(self.parties) < 9)
    @rule(manner=MANNERS)
    def subscribe(self, manner: Manner) -> None:
        """At any time; a subscription is read one by one, and always begins with what is there."""
        words = {**vars(manner), "concurrency": 1, "replay": True, "raises": False, "calls": None}
        party = Party(Judge(Manner(**words)), self.tap)
        self.parties.append(party)
        self.do(lambda: self.tasks.start_soon(self.read, party))

    async def read(self, party: Party) -> None:
        """Consume a subscription until it is given up."""
        judge, manner = party.judge, party.judge.manner
        judge.restores = lambda: self.world.restores
        changes = self.informer.subscribe(
            delivery=manner.delivery, buffer=manner.buffer, predicate=judge.wants
        )
        with anyio.CancelScope() as party.scope:
            async with changes:
                party.begins(self.informer)
                async for change in changes:
                    if judge.is_removed:
                        break
                    result = judge.on_change(change)
                    if isawaitable(result):
                        await result

    @precondition(lambda self: len(self.parties) > 1)
    @rule(which=NUMBER)
    def leave(self, which: int) -> None:
        """At any time, whatever waits; who is listening to all stays."""
        party = self.parties[1 + which % (len(self.parties) - 1)]
        self.do(lambda: self.remove(party))

    @precondition(lambda self: len(self.parties) > 1)
    @rule(which=NUMBER)
    def stick(self, which: int) -> None:
        """Somebody does not come back from a call."""
        judge = self.parties[1 + which % (len(self.parties) - 1)].judge

        def shut() -> None:
            judge.gate = judge.gate or anyio.Event()

        if judge.manner.pace is not None:
            self.do(shut)

    # Indexes and sources.

    @rule(name=st.sampled_from(["content", "more", "other"]))
    def switch_index(self, name: str) -> None:
        """Add an index, or remove it."""
        if name in self.indexes:
            self.do(lambda: self.informer.remove_indexer(name))
        else:
            self.do(lambda: self.informer.add_indexers({name: by_content}))
        self.indexes ^= {name}

    @rule(namespace=NAMESPACE)
    def switch_source(self, namespace: str) -> None:
        """Watch a namespace, or watch it no longer."""
        if namespace in self.watched:
            self.do(lambda: self.informer.remove_source(namespace))
            self.watched.remove(namespace)
        else:
            self.do(lambda: self.informer.add_source(self.sources[namespace]))
            self.watched.append(namespace)

    # What must hold.

    @rule()
    def catch_up(self) -> None:
        """Once the server is right again and nobody is stuck, all have heard of all there is.

        Who is stuck keeps nobody else, unless every change is to come to it.
        """
        free = any(each.blocks for each in self.parties)
        self.do(lambda: self.converge(free=free))
        self.is_restored = False

    async def converge(self, *, free: bool = True) -> None:
        """Heal the server, and wait until all is well; then nothing comes any more."""
        self.world.heal()
        for party in self.parties if free else ():
            party.judge.free()
        pause = 0.01
        with anyio.move_on_after(self.bound):
            for namespace in {*self.watched} & self.world.latest.keys():
                await self.informer.wait_for_version(self.world.latest[namespace])
            await anyio.sleep(pause)
            while not self.is_well():
                pause = min(2 * pause, 2.0)
                await anyio.sleep(pause)
        self.check_all()
        await self.sync()
        told = len(self.tap.told())
        await anyio.sleep(3)
        assert len(self.tap.told()) == told, "told of nothing new"
        self.check_all()

    async def sync(self) -> None:
        """Nobody waits for a handler to have handled what was there: it has."""
        for party in self.parties:
            if party.registration is not None and party.until is None and not party.judge.gate:
                await party.registration.wait_for_sync(self.bound)

    @property
    def bound(self) -> float:
        """The virtual seconds after which all must be well."""
        return BOUND + self.world.happened.total()

    def is_well(self) -> bool:
        """Whether the cache is what the server has, and all who are not stuck know it."""
        return (
            all(map(self.world.was_noticed, self.watched))
            and self.cached() == self.world.shows(self.watched)
            and self.informer.store.undecodable.keys() == self.world.bad(self.watched)
            and shows(self.tap.judge.shown) == shows(self.informer.store)
            and all(each.has_all() for each in self.parties if each.judge.gate is None)
        )

    def cached(self) -> Shown:
        """What the cache shows."""
        return {key: shown(each) for key, each in self.informer.store.items()}

    def check_all(self) -> None:
        """Hold everything against everything."""
        assert self.cached() == self.world.shows(self.watched)
        assert self.informer.store.undecodable.keys() == self.world.bad(self.watched)
        assert shows(self.tap.judge.shown) == shows(self.informer.store)
        self.world.check(self.tap.judge.told)
        for party in self.parties:
            if party.judge.gate is None:
                party.check()

    @invariant()
    def each_call_is_right_and_counted(self) -> None:
        """A call follows from those before; what came was handled, runs, waits or was merged."""
        for party in self.parties:
            assert party.judge.wrong == []
            party.check_statistics(KEYS)

    @invariant()
    def an_index_finds_what_is_there(self) -> None:
        """At any time: no more and no less."""
        if not self.has_begun:
            return
        store = self.informer.store
        for value, want in indexed(store).items():
            for name in self.indexes:
                assert {*store.keys_by_index(name, value)} == want.keys()
                assert all(each is want[each.key] for each in store.by_index(name, value))

    def teardown(self) -> None:
        """In the end all is well, and nothing is left."""
        if not self.has_begun:
            return
        try:
            self.do(self.converge)
        finally:
            self.stage.close()
        assert self.world.cluster.open_watches == 0
        assert all(not each.judge.running for each in self.parties)


class OnAsyncio(Machine):
    """The machine on asyncio."""

    backend = "asyncio"


class OnTrio(Machine):
    """The machine on trio."""

    backend = "trio"


# Where the examples are the same each time a few of them do; new ones are what finds more.
EXAMPLES = 50 if Settings().derandomize else 3000
LONG = Settings(max_examples=EXAMPLES, stateful_step_count=40)
OnAsyncio.TestCase.settings = OnTrio.TestCase.settings = LONG

TestOnAsyncio = pytest.mark.timeout(900)(OnAsyncio.TestCase)
TestOnTrio = pytest.mark.timeout(900)(OnTrio.TestCase)

# What new examples once found, done by hand.

DEFAULTS: dict[str, Any] = {
    "initial_list": "auto",
    "resync_period": None,
    "audit_period": None,
    "options": {},
    "transform": None,
}


@pytest.mark.parametrize("backend", [OnAsyncio, OnTrio], ids=["asyncio", "trio"])
def test_what_happened_over_a_restore_is_merged_with_it(backend: type[OnAsyncio | OnTrio]) -> None:
    """Who is stuck while a server goes back, and forth again, is told of one state after that."""
    machine = backend()
    stuck = Manner(pace=0)
    machine.start(DEFAULTS, {}, [Manner(), stuck])
    machine.use_again("shop/a", "plain")
    machine.catch_up()
    machine.use_again("shop/a", "plain")
    machine.restore(2)
    machine.stick(1)
    machine.catch_up()
    machine.use_again("shop/a", "plain")
    machine.each_call_is_right_and_counted()
    (judge,) = (each.judge for each in machine.parties if each.judge.manner is stuck)
    machine.teardown()
    versions = [
        (int(each.old.resource_version), int(each.new.resource_version))
        for each in judge.told
        if isinstance(each, Updated) and not each.inferred
    ]
    assert any(old >= new for old, new in versions)


@pytest.mark.parametrize("backend", [OnAsyncio, OnTrio], ids=["asyncio", "trio"])
def test_the_slowest_who_wants_every_change_gets_all_of_them(
    backend: type[OnAsyncio | OnTrio],
) -> None:
    """However long it takes."""
    machine = backend()
    machine.start(DEFAULTS, {}, [Manner(delivery="every", buffer=1, pace=1.0)])
    for _ in range(8):
        machine.rewrite("shop/a", ["x", None, "plain", None], 25, 0)
    machine.teardown()
