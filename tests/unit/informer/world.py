"""A world to watch: a cluster, what ever happened in it, and the ways in which it misbehaves."""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from tests.unit.informer.test_periods import Lose
from watchkit import Object
from watchkit.core.events import Added, Change, Deleted, Updated
from watchkit.testing import (
    ApiRequest,
    BadJson,
    CloseAtOnce,
    Disconnect,
    ErrorEvent,
    FakeCluster,
    Forbid,
    Gone,
    Injection,
    NoInitialEventsEnd,
    Refuse,
    Stall,
    Throttle,
    TooLargeVersion,
    TornLine,
    Unavailable,
)

NAMESPACES = ("shop", "lab")
NAMES = ("a", "b", "c", "d")
CONTENTS = ("plain", "x", "y", "odd", "hidden", "bad")
KEYS = len(NAMESPACES) * len(NAMES)

Shown = dict[str, tuple[str, ...]]
"""What is to be seen of each object: uid, version, content and a number that every write moves."""

Step = tuple[str, ...]
"""What happened to one object, once: what, to which, from which version to which."""


def only_good(each: Object) -> Object | None:
    """Leave hidden objects out, fail over bad ones."""
    if each.labels["content"] == "bad":
        raise ValueError("bad")
    return None if each.labels["content"] == "hidden" else each


def by_content(each: Object) -> Iterable[str]:
    """Index by content; fails over odd ones."""
    if each.labels["content"] == "odd":
        raise ValueError("odd")
    return [each.labels["content"], each.name]


def shown(each: Object) -> tuple[str, ...]:
    """What is to be seen of an object."""
    return (each.uid, each.resource_version, each.labels["content"], each.annotations["n"])


FAULTS: dict[str, Callable[[FakeCluster], Injection]] = {
    "reset": lambda it: it.inject(Disconnect(), on="open"),
    "cut": lambda it: it.inject(Disconnect(how="eof"), on="open"),
    "closed": lambda it: it.inject(CloseAtOnce(), on="open"),
    "torn": lambda it: it.inject(TornLine("reset"), on="open"),
    "silent": lambda it: it.inject(Stall(60), on="open"),
    "failing": lambda it: it.inject(ErrorEvent({"kind": "Status", "code": 500}), on="open"),
    "expired": lambda it: it.inject(Gone("event"), on="open"),
    "expired later": lambda it: it.inject(Gone("http"), times=2),
    "expired page": lambda it: it.inject(Gone("page")),
    "refused": lambda it: it.inject(Refuse(), times=2),
    "unavailable": lambda it: it.inject(Unavailable(1), times=3),
    "throttled": lambda it: it.inject(Throttle(1), times=2),
    "forbidden": lambda it: it.inject(Forbid(), times=2),
    "no head": lambda it: it.inject(Stall(60, at="head"), times=2),
    "no mark": lambda it: it.inject(NoInitialEventsEnd()),
    "half a list": lambda it: it.inject(BadJson(), on="list"),
    "too large": lambda it: it.inject(TooLargeVersion()),
}


class World:
    """A cluster with pods in two namespaces, and a count of all that ever happened there."""

    def __init__(self, *, transforms: bool) -> None:
        self.cluster = FakeCluster()
        self.happened: Counter[Step] = Counter()
        self.backups: list[int] = []
        self.restores = 0
        self.latest: dict[str, dict[str, Any]] = {}
        self.is_lossy = False
        self._transforms = transforms
        self._writes = 0
        self._faults: list[Injection] = []
        self._last: dict[str, dict[str, Any]] = {}

    # Writes.

    def write(self, key: str, content: str) -> dict[str, Any]:
        """Create a pod, or change it."""
        self._writes += 1
        namespace, _, name = key.partition("/")
        said = {"labels": {"content": content}, "annotations": {"n": str(self._writes)}}
        if key in self._last:
            made = self.cluster.patch("v1", "pods", key, {"metadata": said})
        else:
            metadata = {"name": name, "namespace": namespace, **said}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}}
            made = self.cluster.create(pod)
        self._note(key, self._last.get(key), made)
        return made

    def touch_not(self, key: str) -> None:
        """Write what is there already: that makes no version and no event."""
        if key in self._last:
            self.cluster.patch("v1", "pods", key, {})

    def delete(self, key: str) -> None:
        """Delete a pod, if there is one."""
        if key in self._last:
            gone = self.cluster.delete("v1", "pods", key)
            metadata = gone["metadata"]
            self.happened["-", key, metadata["uid"], metadata["resourceVersion"]] += 1
            self.latest[metadata["namespace"]] = gone
            del self._last[key]

    def _note(self, key: str, before: dict[str, Any] | None, made: dict[str, Any]) -> None:
        uid, version = made["metadata"]["uid"], made["metadata"]["resourceVersion"]
        if before is None or not self._is_visible(before):
            self.happened["+", key, uid, version] += 1
        else:
            was = before["metadata"]["resourceVersion"]
            self.happened["~", key, uid, was, version] += 1
        self.latest[made["metadata"]["namespace"]] = self._last[key] = made

    # Misfortunes.

    def expire(self) -> None:
        """Compact, and cut the watches."""
        self.cluster.compact()
        self.backups.clear()
        self.cluster.inject(Disconnect(), on="open")

    def back_up(self) -> None:
        """Keep this version in mind."""
        self.backups.append(self.cluster.version)

    def misbehave(self, fault: str) -> None:
        """Go wrong in this way."""
        self._faults.append(FAULTS[fault](self.cluster))

    def heal(self) -> None:
        """Be right again; save that who comes to a restored server finds it away once."""
        for fault in self._faults:
            fault.remove()
        self._faults.clear()

    def restore(self, which: int) -> None:
        """Go back to a version kept in mind; the server is away meanwhile."""
        version = self.backups[which % len(self.backups)]
        self.backups = [each for each in self.backups if each <= version]
        self.heal()  # the one list that would tell of it must not fail
        self.cluster.restore(version)
        for namespace in NAMESPACES:
            self.cluster.inject(Refuse(), on="watch", when=partial(_is_in, namespace))
        self.restores += 1
        self.latest.clear()
        pods = [*self.cluster.list("v1", "pods")]
        self._last = {f"{m['namespace']}/{m['name']}": it for it in pods if (m := it["metadata"])}

    def lose(self) -> None:
        """Let the watches that are open tell of nothing any more, as long as they are."""
        self.is_lossy = True
        self.cluster.inject(Lose(), on="open")

    # What is to be seen.

    def shows(self, namespaces: Iterable[str]) -> Shown:
        """Give what an informer of these namespaces is to have."""
        found = [Object(each) for each in self._last.values() if self._is_visible(each)]
        wanted = {*namespaces}
        return {each.key: shown(each) for each in found if each.namespace in wanted}

    def bad(self, namespaces: Iterable[str]) -> set[str]:
        """Give the keys of what it cannot decode."""
        if not self._transforms:
            return set()
        contents = {key: it["metadata"]["labels"]["content"] for key, it in self._last.items()}
        wanted = {*namespaces}
        return {
            key for key, it in contents.items() if it == "bad" and key.partition("/")[0] in wanted
        }

    def _is_visible(self, pod: dict[str, Any]) -> bool:
        return not self._transforms or pod["metadata"]["labels"]["content"] not in {"hidden", "bad"}

    def check(self, told: Iterable[Change[Any]]) -> None:
        """Hold what was told as it happened against what happened: no more often, no gap."""
        if self.is_lossy:
            return
        at_once = [each for each in told if not (each.initial or each.inferred or each.replayed)]
        assert Counter(map(_step, at_once)) - self.happened == Counter()


def _is_in(namespace: str, request: ApiRequest) -> bool:
    return request.namespace == namespace


def _step(change: Change[Any]) -> Step:
    of, version = (change.key, change.uid), change.resource_version
    match change:
        case Added():
            return ("+", *of, version)
        case Updated(old):
            return ("~", *of, old.resource_version, version)
        case Deleted():
            return ("-", *of, version)
