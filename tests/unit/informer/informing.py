"""How these tests look at an informer: what a handler was told, in words, and the cache."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import anyio

from watchkit.core.events import Added, Change, Deleted, Updated
from watchkit.informer.handler import Handler
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing import FakeCluster

_FLAGS = {"initial": "!", "inferred": "?", "replayed": "*"}


def word(change: Change[Any]) -> str:
    """Say a change in a word: "+a", "~a", "-a"; "!" initial, "?" inferred, "*" replayed."""
    sign = {Added: "+", Updated: "~", Deleted: "-"}[type(change)]
    flags = "".join(mark for flag, mark in _FLAGS.items() if getattr(change, flag))
    return f"{sign}{change.name}{flags}"


class Recorder(Handler[Any]):
    """A handler that keeps what it was told."""

    def __init__(self) -> None:
        self.changes: list[Change[Any]] = []

    def on_change(self, change: Change[Any]) -> None:
        """Keep it."""
        self.changes.append(change)

    @property
    def words(self) -> list[str]:
        """All of it, in words."""
        return [word(each) for each in self.changes]

    def cached(self) -> dict[str, tuple[str, str]]:
        """What is there, to believe what was told; fails where that contradicts itself."""
        return replayed(self.changes)


def replayed(changes: list[Change[Any]]) -> dict[str, tuple[str, str]]:
    """Apply changes to nothing: uid and version by key."""
    held: dict[str, tuple[str, str]] = {}
    for change in changes:
        key, now = change.key, (change.uid, change.resource_version)
        match change:
            case Added():
                assert key not in held, f"{change} of what is there"
                held[key] = now
            case Updated(old):
                assert held[key] == (old.uid, old.resource_version), f"{change} of another old"
                held[key] = now
            case Deleted():
                assert held.pop(key)[0] == change.uid
    return held


def listed(
    cluster: FakeCluster, namespace: str | None = None, plural: str = "pods"
) -> dict[str, tuple[str, str]]:
    """What the cluster has: uid and version by key."""
    metas = [each["metadata"] for each in cluster.list("v1", plural, namespace)]
    return {f"{m['namespace']}/{m['name']}": (m["uid"], m["resourceVersion"]) for m in metas}


def cached(informer: SharedInformer[Any]) -> dict[str, tuple[str, str]]:
    """What the informer has: uid and version by key."""
    metas = {key: informer.store.meta(key) for key in informer.store}
    return {key: (m.uid, m.resource_version) for key, m in metas.items() if m is not None}


async def synced(informer: SharedInformer[Any], seconds: float = 600) -> None:
    """Wait for the first list, and let handlers handle it."""
    await informer.wait_for_sync(seconds)
    await settle()


async def caught_up(informer: SharedInformer[Any], obj: Mapping[str, Any]) -> None:
    """Wait until the cache is as new as this object, and let handlers handle it.

    The watch may just be between two requests: what `settle` alone does not wait for.
    """
    await informer.wait_for_version(obj, 600)
    await settle()


async def settle(seconds: float = 0.01) -> None:
    """Let everything run that can."""
    await anyio.sleep(seconds)


def touch(
    cluster: FakeCluster, name: str, value: object, namespace: str = "shop"
) -> dict[str, Any]:
    """Change a pod: its annotation n."""
    patch: Mapping[str, Any] = {"metadata": {"annotations": {"n": str(value)}}}
    return cluster.patch("v1", "pods", f"{namespace}/{name}", dict(patch))


def queries(cluster: FakeCluster, verb: str) -> list[Mapping[str, str]]:
    """The queries of all requests of this verb."""
    return [each.query for each in cluster.requests if each.verb == verb]


@contextmanager
def raises_itself(error: type[BaseException], match: str = "") -> Iterator[None]:
    """Expect an error as itself: `pytest.raises` would take a subclass, and a group not."""
    found: BaseException | None = None
    try:
        yield
    except BaseException as raised:  # noqa: BLE001 - looked at
        found = raised
    assert type(found) is error, repr(found)
    assert match in str(found)


Check = Callable[[], bool]
