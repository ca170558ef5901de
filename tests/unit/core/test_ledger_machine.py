"""The ledger against a model: a server whose store is a dict, and a reader who believes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.core.ledgers import SIGNS, a_list
from tests.unit.core.manifests import an_object
from watchkit.core.decoding import Verb
from watchkit.core.events import Added, Deleted, ObjectEvent
from watchkit.core.ledger import Ledger


@dataclass
class Reader:
    """Whoever believes the events: it checks the order that C2 promises."""

    world: dict[str, tuple[str, str]] = field(default_factory=dict)

    def take(self, events: Sequence[ObjectEvent], *, replayed: bool = False) -> None:
        """Believe events one by one; none may be a duplicate, or out of order."""
        for each in events:
            known = self.world.get(each.key)
            match each:
                case Deleted():
                    assert known is None or known[0] == each.uid
                    self.world.pop(each.key, None)
                case Added() if known is not None:
                    assert known[0] == each.uid, "a Deleted comes before a successor's Added"
                    assert int(each.resource_version) > int(known[1])
                case _ if known is not None:
                    assert known[0] == each.uid
                    assert int(each.resource_version) > int(known[1]), "versions only rise"
            if not isinstance(each, Deleted):
                self.world[each.key] = (each.uid, each.resource_version)


names = st.sampled_from("abc")


class LedgerMachine(RuleBasedStateMachine):
    """A server writes; a watch delivers, repeats, breaks; lists close the gaps."""

    def __init__(self) -> None:
        super().__init__()
        self.version = 10
        self.births = 0
        self.store: dict[str, tuple[str, str]] = {}
        self.log: list[tuple[Verb, str, str, str]] = []
        self.delivered = 0
        self.asked = "10"
        self.ledger = Ledger()
        self.reader = Reader()
        self.reader.take(self.ledger.replace(a_list(version="10"), initial=True))

    def _write(self, verb: Verb, name: str, uid: str) -> None:
        self.version += 1
        if verb == "DELETED":
            del self.store[name]
        else:
            self.store[name] = (uid, str(self.version))
        self.log.append((verb, name, uid, str(self.version)))

    @rule(name=names)
    def create_or_update(self, name: str) -> None:
        """Write an object that lives, or give birth to one."""
        if name in self.store:
            self._write("MODIFIED", name, self.store[name][0])
        else:
            self.births += 1
            self._write("ADDED", name, f"u{self.births}")

    @precondition(lambda self: self.store)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """Delete one of those that live."""
        name = data.draw(st.sampled_from(sorted(self.store)))
        self._write("DELETED", name, self.store[name][0])

    @rule(count=st.integers(1, 5))
    def deliver(self, count: int) -> None:
        """The watch gives its next events."""
        for verb, name, uid, version in self.log[self.delivered : self.delivered + count]:
            events = self.ledger.apply(verb, an_object(name, uid=uid, version=version), self.asked)
            self.reader.take(events)
            self.delivered += 1

    @rule(count=st.integers(1, 5))
    def repeat(self, count: int) -> None:
        """A server that is wrong gives earlier events again: none gets through."""
        for verb, name, uid, version in self.log[: self.delivered][-count:]:
            subject = an_object(name, uid=uid, version=version)
            self.asked = str(max(int(self.asked), int(self.log[self.delivered - 1][3])))
            assert self.ledger.apply(verb, subject, self.asked) == ()

    @rule()
    def relist(self) -> None:
        """The gap is closed: what the reader believes is what the store has."""
        for again in range(2):
            objects = [an_object(n, uid=u, version=v) for n, (u, v) in self.store.items()]
            listing = a_list(*objects, version=str(self.version), memory=self.ledger)
            before = dict(self.reader.world)
            events = self.ledger.replace(listing, initial=False)
            assert not again or not events, "a second list of the same has nothing to say"
            self._is_net_effect(before, events)
            self.reader.take(events)
        self.delivered = len(self.log)
        self.asked = str(self.version)
        assert self.reader.world == {f"shop/{name}": each for name, each in self.store.items()}

    def _is_net_effect(
        self, before: dict[str, tuple[str, str]], events: Sequence[ObjectEvent]
    ) -> None:
        signs = [SIGNS[type(each)] for each in events]
        after = {f"shop/{name}": each for name, each in self.store.items()}
        gone = {key for key, held in before.items() if after.get(key, ("",))[0] != held[0]}
        assert {each.key for each in events if isinstance(each, Deleted)} == gone
        assert sorted(signs, key=lambda sign: sign != "-") == signs, "deletions first"
        assert {each.key for each in events} == {
            key for key in before | after if before.get(key) != after.get(key)
        }
        assert all(each.inferred for each in events)

    @invariant()
    def nothing_is_missed(self) -> None:
        """Once all is delivered, reader and store agree."""
        if self.delivered == len(self.log):
            world = {f"shop/{name}": each for name, each in self.store.items()}
            assert self.reader.world == world
        assert len(self.ledger) == len(self.reader.world)


TestLedger = LedgerMachine.TestCase
