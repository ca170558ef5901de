"""The store and its handlers, held against plain dicts through anything that can happen."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.informer.caches import Told, obj
from watchkit.core.coalescing import merged
from watchkit.core.decoding import Page, Verb
from watchkit.core.events import Added, Bookmark, Change, Deleted, Updated
from watchkit.core.listing import Listing
from watchkit.core.objects import Object

NAMES = st.sampled_from("abcd")
CONTENTS = st.sampled_from(["plain", "x", "y", "hidden", "bad"])


def only_good(each: Object) -> Object | None:
    """Drop hidden objects, fail over bad ones, keep all others."""
    if each["content"] == "bad":
        raise RuntimeError("bad")
    return None if each["content"] == "hidden" else each


class Handler:
    """One handler of the informer: slow, coalescing; it keeps what it was shown in a dict."""

    def __init__(self, present: Sequence[Object]) -> None:
        self.shown: dict[str, Object] = {}
        self.pending: dict[str, tuple[Change, ...]] = {
            each.key: (Added(each, each.meta, initial=True),) for each in present
        }

    def put(self, change: Change) -> None:
        """Queue a change."""
        self.pending[change.key] = merged(self.pending.get(change.key, ()), change)

    def handle(self, key: str) -> None:
        """Handle what is pending for a key: nothing is shown twice, nothing ends unseen."""
        for change in self.pending.pop(key):
            before = self.shown.get(key)
            match change:
                case Added(new):
                    assert before is None
                    self.shown[key] = new
                case Updated(old, new):
                    assert old is before
                    assert old.uid == new.uid
                    self.shown[key] = new
                case Deleted(last):
                    assert before is not None
                    assert before.uid == last.uid
                    del self.shown[key]


class Convergence(RuleBasedStateMachine):
    """A server, a watch that tells of it in order, gaps, restores, and handlers of every pace."""

    def __init__(self) -> None:
        super().__init__()
        self.told = Told.of(transform=only_good, indexers={"content": lambda e: [e["content"]]})
        self.told.lists(version="1", initial=True)
        self.world: dict[str, Object] = {}
        self.mirror: dict[str, Object] = {}
        self.version, self.lives = 1, 0
        self.untold: list[tuple[Verb, Object]] = []
        self.past: list[tuple[Verb, Object]] = []
        self.backup: tuple[int, dict[str, Object]] = (1, {})
        self.handlers: list[Handler] = []

    # The server.

    def happened(self, verb: Verb, subject: Object) -> None:
        """Let the watch tell of it in due time."""
        self.untold.append((verb, subject))

    @rule(name=NAMES, content=CONTENTS)
    def write(self, name: str, content: str) -> None:
        """Create an object, or change it."""
        self.version += 1
        held = self.world.get(name)
        if held is None:
            self.lives += 1
        uid = held.uid if held is not None else f"u{self.lives}"
        new = obj(name, uid, str(self.version), content=content)
        self.world[name] = new
        self.happened("ADDED" if held is None else "MODIFIED", new)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        """Delete an object, if there is one."""
        held = self.world.pop(name, None)
        if held is not None:
            self.version += 1
            last = obj(name, held.uid, str(self.version), content=held["content"])
            self.happened("DELETED", last)

    @rule()
    def back_up(self) -> None:
        """Keep what the server has, to be restored later."""
        self.backup = (self.version, dict(self.world))

    # What the cache is told.

    @precondition(lambda self: self.untold)
    @rule(count=st.integers(1, 5))
    def tell(self, count: int) -> None:
        """Let the watch go on for a while."""
        for verb, subject in self.untold[:count]:
            changes = self.told.memory.apply(verb, subject, self.told.asked)
            assert changes
            self.spread(changes)
            self.past.append((verb, subject))
            if verb == "DELETED":
                self.mirror.pop(subject.name, None)
            else:
                self.mirror[subject.name] = subject
        del self.untold[:count]

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def tell_again(self, data: st.DataObject) -> None:
        """A new watch repeats an event of before its start: it is stale, whatever it says."""
        self.told.asked = self.told.store.resource_version
        verb, subject = data.draw(st.sampled_from(self.past))

        held = self.told.store.get(subject.key)
        if verb == "DELETED" and held is not None and held.uid == subject.uid:
            return
        changes = self.told.memory.apply(verb, subject, self.told.asked)

        assert not [each for each in changes if not isinstance(each, Bookmark)]

    @rule(stream=st.booleans())
    def relist(self, *, stream: bool) -> None:
        """A gap: whatever was not told is not told any more, a list comes in its place."""
        memory = self.told.memory
        listing = Listing((lambda each: each) if stream else memory.keep)
        listing.add(Page(str(self.version), "", tuple(self.world.values())))
        changes = memory.replace(listing, initial=False)

        self.untold.clear()
        self.mirror = dict(self.world)
        ends = [isinstance(each, Deleted) for each in changes]
        assert ends == sorted(ends, reverse=True)
        assert all(each.inferred for each in changes)
        self.spread(changes)
        assert not memory.replace(listing, initial=False)

    @rule(name=NAMES, content=CONTENTS, stream=st.booleans())
    def restore(self, name: str, content: str, *, stream: bool) -> None:
        """The server's store goes back; versions are used again, for other contents."""
        self.version, world = self.backup[0], dict(self.backup[1])
        self.world = world
        self.untold.clear()
        self.past.clear()
        self.write(name, content)
        self.told.memory.forget_versions()
        self.told.asked = None
        self.relist(stream=stream)

    # The handlers.

    @rule()
    def add_handler(self) -> None:
        """At any time: it begins with what is cached."""
        self.handlers.append(Handler([*self.told.store.values()]))

    @precondition(lambda self: any(each.pending for each in self.handlers))
    @rule(data=st.data())
    def handle(self, data: st.DataObject) -> None:
        """Let a handler do some of its work."""
        busy = [each for each in self.handlers if each.pending]
        handler = data.draw(st.sampled_from(busy))
        handler.handle(data.draw(st.sampled_from(sorted(handler.pending))))

    @precondition(lambda self: self.handlers)
    @rule(data=st.data())
    def remove_handler(self, data: st.DataObject) -> None:
        """At any time, whatever it has not handled."""
        self.handlers.pop(data.draw(st.integers(0, len(self.handlers) - 1)))

    def spread(self, changes: Sequence[Change | Bookmark]) -> None:
        """Give changes to every handler."""
        for change in changes:
            if not isinstance(change, Bookmark):
                for handler in self.handlers:
                    handler.put(change)

    # What holds at any time.

    def visible(self) -> dict[str, Object]:
        """Give what readers are to see of what the cache was told."""
        shown = self.mirror.values()
        return {each.key: each for each in shown if each["content"] not in {"hidden", "bad"}}

    @invariant()
    def the_store_is_what_it_was_told(self) -> None:
        """To the byte, and no more."""
        want = self.visible()
        assert {key: each.raw for key, each in self.told.store.items()} == {
            key: each.raw for key, each in want.items()
        }
        bad = {each.key for each in self.mirror.values() if each["content"] == "bad"}
        assert self.told.store.undecodable.keys() == bad

    @invariant()
    def an_index_finds_what_is_there(self) -> None:
        """No more and no less, and no value without objects is kept."""
        want: dict[Any, set[str]] = {}
        for key, each in self.visible().items():
            want.setdefault(each["content"], set()).add(key)
        for content in ("plain", "x", "y"):
            found = self.told.store.keys_by_index("content", content)
            assert set(found) == want.get(content, set())
        assert self.told.cache.indexes.sizes() == {"content": len(want)}

    @invariant()
    def pending_work_is_bounded_by_keys(self) -> None:
        """One entry per key: the net effect, of two changes at most."""
        for handler in self.handlers:
            assert all(len(each) <= 2 for each in handler.pending.values())
            assert len(handler.pending) <= 4

    def teardown(self) -> None:
        """In the end every handler has been shown just what is cached."""
        for handler in self.handlers:
            for key in [*handler.pending]:
                handler.handle(key)
            assert handler.shown.keys() == self.told.store.keys()
            assert all(each is self.told.store[key] for key, each in handler.shown.items())


TestConvergence = Convergence.TestCase
