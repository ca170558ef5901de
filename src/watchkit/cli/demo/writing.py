"""What happens in the demo's cluster: pods come, change, go and are replaced by namesakes."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal, TypeAlias

from watchkit.cli.demo.judging import Identity, Manifest, identity_of, key_of
from watchkit.testing import FakeCluster

Deed: TypeAlias = Literal["change", "create", "delete", "replace"]

CANARY: Final = "shop/canary"
"""The pod whose writes tell that what comes after a trouble arrives."""
BEAT: Final = "demo.watchkit/beat"
"""The annotation that is another one with each of those writes."""

_APPS: Final = ("web", "cart", "search", "mail", "ledger")
_NAMESPACES: Final = ("shop", "bank", "press", "lab")
_PHASES: Final = ("Pending", "Running", "Succeeded", "Failed")
_NODES: Final = 12


@dataclass(frozen=True, slots=True)
class Pod:
    """A name and what is in it."""

    namespace: str
    name: str

    @property
    def key(self) -> str:
        """As the cluster names it."""
        return f"{self.namespace}/{self.name}"

    def manifest(self, luck: Random) -> dict[str, Any]:
        """A pod of that name, with contents of chance."""
        app = self.name.partition("-")[0]
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": self.name, "namespace": self.namespace, "labels": {"app": app}},
            "spec": {
                "nodeName": f"node-{luck.randrange(_NODES)}",
                "containers": [{"name": app, "image": f"{app}:{luck.randrange(100)}"}],
            },
            "status": {"phase": "Pending"},
        }


def deed(luck: float, count: int, wanted: int) -> Deed:
    """Choose what to do next, so that there stay about as many objects as wanted."""
    if luck < 0.7:  # noqa: PLR2004 - most writes of a cluster are changes of a status
        return "change"
    if luck < 0.8:  # noqa: PLR2004 - what a StatefulSet does: the same name, another pod
        return "replace"
    return "create" if count < wanted * (luck + 0.1) else "delete"  # 90 to 110 % of it


class Writer:
    """Writes to a cluster, and knows the identity of everything in it.

    `still` says that nobody may write now; `writes` counts those since it was made.
    """

    def __init__(self, cluster: FakeCluster, seed: int, wanted: int) -> None:
        self.still = False
        self.writes = 0
        self.there: dict[str, Identity] = {}
        self._cluster = cluster
        self._luck = Random(seed)  # noqa: S311 - a schedule, no secret
        self._wanted = wanted
        self._pods: list[Pod] = []
        self._names = 0
        self._beats = 0
        namespace, _, name = CANARY.partition("/")
        self._know(cluster.create(Pod(namespace, name).manifest(self._luck)))
        for _ in range(wanted - 1):
            self._create()
        cluster.compact()  # no backup is older than this
        self.writes = 0

    def write(self) -> None:
        """Write once, something of chance."""
        match deed(self._luck.random(), len(self._pods), self._wanted):
            case "create":
                self._create()
            case "delete":
                self._delete(self._any())
            case "replace":
                pod = self._luck.choice(self._pods)
                self._forget(pod)
                self._know(self._cluster.create(pod.manifest(self._luck)))
            case "change":
                key = self._luck.choice(self._pods).key
                self._know(self._cluster.patch("v1", "pods", key, self._change()))

    def beat(self) -> str:
        """Write to the canary; give what it shows from now on."""
        self._beats += 1
        patch = {"metadata": {"annotations": {BEAT: str(self._beats)}}}
        self._know(self._cluster.patch("v1", "pods", CANARY, patch))
        return str(self._beats)

    def look_again(self) -> None:
        """Know what is there, after somebody else changed it."""
        listed = self._cluster.list("v1", "pods")
        self.there = {key_of(each): identity_of(each) for each in listed}
        keys = [key.partition("/") for key in self.there if key != CANARY]
        self._pods = [Pod(namespace, name) for namespace, _, name in keys]

    def _create(self) -> None:
        self._names += 1
        pod = Pod(self._luck.choice(_NAMESPACES), f"{self._luck.choice(_APPS)}-{self._names}")
        self._know(self._cluster.create(pod.manifest(self._luck)))
        self._pods.append(pod)

    def _delete(self, at: int) -> None:
        pod = self._pods[at]
        self._pods[at] = self._pods[-1]
        self._pods.pop()
        self._forget(pod)

    def _forget(self, pod: Pod) -> None:
        self._cluster.delete("v1", "pods", pod.key)
        del self.there[pod.key]
        self.writes += 1

    def _change(self) -> dict[str, Any]:
        phase = self._luck.choice(_PHASES)
        restarts = [{"restartCount": self._luck.randrange(1000)}]
        return {"status": {"phase": phase, "containerStatuses": restarts}}

    def _any(self) -> int:
        return self._luck.randrange(len(self._pods))

    def _know(self, written: Manifest) -> None:
        self.there[key_of(written)] = identity_of(written)
        self.writes += 1
