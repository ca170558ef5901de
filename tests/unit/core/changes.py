"""Changes of one key for tests: any history that a cache can have, in short."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.unit.core.manifests import an_object
from watchkit.core.events import Added, Change, Deleted, Updated
from watchkit.core.objects import Object

Step = tuple[str, bool]
"""What happens next to the key: "change", "end", "replace" or "replay"; whether it is inferred."""

STEPS: st.SearchStrategy[Step] = st.tuples(
    st.sampled_from(["change", "change", "end", "replace", "replay"]), st.booleans()
)


@dataclass
class History:
    """One key in a cache, as it comes and goes; each state has a version of its own."""

    key_now: Object | None = None
    version: int = 0
    life: int = 0

    def play(self, step: Step) -> list[Change]:
        """Do the next thing that can be done, and give the changes that tell of it."""
        act, inferred = step
        now = self.key_now
        if now is None:
            return [] if act in {"end", "replay"} else [self._added(inferred=inferred)]
        match act:
            case "end":
                return [self._deleted(now, inferred=inferred)]
            case "replace":
                gone = self._deleted(now, inferred=inferred)
                return [gone, self._added(inferred=inferred)]
            case "replay":
                return [Updated(now, now, now.meta, replayed=True)]
            case _:
                self.key_now = new = self._state()
                return [Updated(now, new, new.meta, inferred=inferred)]

    def _added(self, *, inferred: bool) -> Added:
        self.life += 1
        self.key_now = new = self._state()
        return Added(new, new.meta, inferred=inferred)

    def _deleted(self, last: Object, *, inferred: bool) -> Deleted:
        self.key_now = None
        return Deleted(last, last.meta, inferred=inferred)

    def _state(self) -> Object:
        self.version += 1
        return an_object("web", uid=f"u{self.life}", version=str(self.version))
