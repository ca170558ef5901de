"""What may happen to a server, as the rules of a state machine."""

from abc import abstractmethod

import anyio
import anyio.lowlevel
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.unit.informer.stage import Stage, Step
from tests.unit.informer.world import CONTENTS, FAULTS, NAMES, NAMESPACES, World

NAMESPACE = st.sampled_from(NAMESPACES)
KEY = st.builds("{}/{}".format, NAMESPACE, st.sampled_from(NAMES))
CONTENT = st.sampled_from(CONTENTS)
NUMBER = st.integers(0, 9)
WRITE = st.none() | CONTENT
"""None is a deletion."""

PAUSE = st.sampled_from([0, 1, 3, 0.01, 0.3])
"""Turns of the loop, or seconds."""


async def passing(pause: float) -> None:
    """Let so many turns or seconds pass."""
    if isinstance(pause, int):
        for _ in range(pause):
            await anyio.lowlevel.checkpoint()
    else:
        await anyio.sleep(pause)


class Happenings(RuleBasedStateMachine):
    """A world in which anything happens, on a stage where time stands still between the rules."""

    stage: Stage
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.has_begun = False
        self.is_restored = False
        self.is_audited = False

    def do(self, step: Step) -> None:
        """Do a step on the stage, plain or async."""
        self.stage.do(step)

    # The server.

    @precondition(lambda self: not self.is_restored)
    @rule(writes=st.lists(st.tuples(KEY, WRITE), min_size=1, max_size=6), pause=PAUSE)
    def write(self, writes: list[tuple[str, str | None]], pause: float) -> None:
        """Create, change and delete objects."""
        self.do(lambda: self.happen(writes, pause))

    @precondition(lambda self: not self.is_restored)
    @rule(
        key=KEY,
        contents=st.lists(WRITE, min_size=2, max_size=5),
        times=st.sampled_from([1, 1, 25]),
        pause=PAUSE,
    )
    def rewrite(self, key: str, contents: list[str | None], times: int, pause: float) -> None:
        """Let much happen to one object."""
        self.do(lambda: self.happen([(key, each) for each in contents * times], pause))

    async def happen(self, writes: list[tuple[str, str | None]], pause: float) -> None:
        """Write all that, and then what is there already: nobody is told of nothing."""
        for key, content in writes:
            if content is None:
                self.world.delete(key)
            else:
                self.world.write(key, content)
            await passing(pause)
        self.world.touch_not(writes[0][0])

    @precondition(lambda self: not self.is_restored)
    @rule(fault=st.sampled_from([*FAULTS]))
    def misbehave(self, fault: str) -> None:
        """Whatever goes wrong between here and there."""
        self.do(lambda: self.world.misbehave(fault))

    @rule()
    def expire(self) -> None:
        """What was not told will not be told any more."""
        self.do(self.world.expire)

    @rule()
    def repeat(self) -> None:
        """What was told is told again."""
        self.do(self.world.repeat)

    @rule(which=NUMBER)
    def restore(self, which: int) -> None:
        """Go back; written to again only once that was noticed, or nobody could ever notice."""
        self.is_restored = True
        self.do(lambda: self.world.restore(self.world.earlier(which)))

    @precondition(lambda self: not self.is_restored)
    @rule(key=KEY, content=CONTENT)
    def use_again(self, key: str, content: str) -> None:
        """Go back, and use a version again that was seen, for another content.

        The server is still seen to be behind what was seen.
        """
        self.is_restored = True
        self.do(lambda: self.go_back(key, content))

    async def go_back(self, key: str, content: str) -> None:
        """Write an object, and others; then it is as if that had never been."""
        self.world.write(key, "plain")
        version = self.world.cluster.version
        self.world.write(key, "plain")
        for namespace in NAMESPACES:
            self.world.write(f"{namespace}/{NAMES[-1]}", content)
        await self.converge()
        self.world.restore(version)
        self.world.write(key, content)

    @abstractmethod
    async def converge(self) -> None:
        """Heal the server, free who is stuck, and wait until all is well."""

    @precondition(lambda self: self.is_audited and not self.is_restored)
    @rule()
    def lose(self) -> None:
        """Events get lost; audits find that."""
        self.do(self.world.lose)

    @rule(pause=PAUSE | st.sampled_from([20, 3.0, 45.0]))
    def wait(self, pause: float) -> None:
        """Let time pass."""
        self.do(lambda: passing(pause))
