"""A world to watch: a cluster, what ever happened in it, and the ways in which it misbehaves."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from tests.unit.informer.misfortunes import FAULTS, Lose, Repeat
from watchkit import Object
from watchkit.core.events import Added, Change, Deleted, Updated
from watchkit.testing import ApiRequest, Disconnect, FakeCluster, Injection, Refuse

NAMESPACES = ("shop", "lab")
NAMES = ("a", "b", "c")
CONTENTS = ("plain", "x", "y", "odd", "hidden", "bad")
KEYS = len(NAMESPACES) * len(NAMES)

FIRST_VERSION = 95
"""Where a cluster begins."""

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


def indexed(found: Mapping[str, Object]) -> dict[str, dict[str, Object]]:
    """What is to be found by each content and name."""
    want: dict[str, dict[str, Object]] = {each: {} for each in (*CONTENTS, *NAMES)}
    for key, each in found.items():
        for value in () if each.labels["content"] == "odd" else by_content(each):
            want[value][key] = each
    return want


class World:
    """A cluster with pods in two namespaces, and a count of all that ever happened there."""

    def __init__(self, *, transforms: bool) -> None:
        self.cluster = FakeCluster()
        self.happened: Counter[Step] = Counter()
        self.past: list[tuple[int, str, bytes]] = []
        """The version, namespace and line of every event."""
        self.restores = 0
        self.latest: dict[str, dict[str, Any]] = {}
        self.is_lossy = False
        self._transforms = transforms
        self._writes = 0
        self._compacted = 0
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
            self._tell("DELETED", gone)
            del self._last[key]

    def _note(self, key: str, before: dict[str, Any] | None, made: dict[str, Any]) -> None:
        uid, version = made["metadata"]["uid"], made["metadata"]["resourceVersion"]
        if before is None or not self._is_visible(before):
            self.happened["+", key, uid, version] += 1
        else:
            was = before["metadata"]["resourceVersion"]
            self.happened["~", key, uid, was, version] += 1
        self._last[key] = made
        self._tell("ADDED" if before is None else "MODIFIED", made)

    def _tell(self, verb: str, pod: dict[str, Any]) -> None:
        namespace = pod["metadata"]["namespace"]
        self.latest[namespace] = pod
        line = msgspec.json.encode({"type": verb, "object": pod})
        self.past.append((self.cluster.version, namespace, line))

    # Misfortunes.

    def expire(self) -> None:
        """Compact, and cut the watches."""
        self.cluster.compact()
        self._compacted = self.cluster.version
        self.cluster.inject(Disconnect(), on="open")

    def repeat(self) -> None:
        """Let the next watch begin with events of before its start."""
        self._faults.append(self.cluster.inject(Repeat(tuple(self.past[-5:]))))

    def misbehave(self, fault: str) -> None:
        """Go wrong in this way."""
        self._faults.append(FAULTS[fault](self.cluster))

    def heal(self) -> None:
        """Be right again; save that who comes to a restored server finds it away once."""
        for fault in self._faults:
            fault.remove()
        self._faults.clear()

    def earlier(self, which: int) -> int:
        """Give a version that can be restored."""
        earlier = [each for each, _, _ in self.past if each >= self._compacted]
        return [self._compacted or FIRST_VERSION, *earlier][-1 - which % (len(earlier) + 1)]

    def restore(self, version: int) -> None:
        """Go back to an earlier version; the server is away meanwhile."""
        self.past = [each for each in self.past if each[0] <= version]
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
