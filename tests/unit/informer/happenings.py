"""What may happen to a server, as the rules of a state machine."""

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
    @rule(key=KEY, content=CONTENT)
    def write(self, key: str, content: str) -> None:
        """Create an object, or change it."""
        self.do(lambda: self.world.write(key, content))

    @precondition(lambda self: not self.is_restored)
    @rule(keys=st.lists(KEY, min_size=3, max_size=9), content=CONTENT)
    def burst(self, keys: list[str], content: str) -> None:
        """Much at once: what is named twice is deleted, what is named three times comes anew."""

        def happen() -> None:
            for n, key in enumerate(keys):
                if key in keys[:n] and keys[:n].count(key) % 2:
                    self.world.delete(key)
                else:
                    self.world.write(key, content)

        self.do(happen)

    @precondition(lambda self: not self.is_restored)
    @rule(key=KEY, content=st.none() | CONTENT)
    def end(self, key: str, content: str | None) -> None:
        """Delete an object, and perhaps create one of its name at once."""

        def happen() -> None:
            self.world.delete(key)
            if content is not None:
                self.world.write(key, content)

        self.do(happen)

    @rule(key=KEY)
    def touch_not(self, key: str) -> None:
        """Nobody is told of nothing."""
        self.do(lambda: self.world.touch_not(key))

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
    def back_up(self) -> None:
        """Keep what the server has."""
        self.do(self.world.back_up)

    @precondition(lambda self: self.has_begun and self.world.backups)
    @rule(which=NUMBER)
    def restore(self, which: int) -> None:
        """Go back; written to again only once that was noticed, or nobody could ever notice."""
        self.is_restored = True
        self.do(lambda: self.world.restore(which))

    @precondition(lambda self: self.is_audited and not self.is_restored)
    @rule()
    def lose(self) -> None:
        """Events get lost; audits find that."""
        self.do(self.world.lose)

    # Time.

    @rule(turns=st.integers(1, 20))
    def turn(self, turns: int) -> None:
        """Let the loop turn a few times."""

        async def pass_by() -> None:
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()

        self.do(pass_by)

    @rule(seconds=st.sampled_from([0.01, 0.3, 3, 45]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.do(lambda: anyio.sleep(seconds))
