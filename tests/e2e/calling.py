"""A load of calls with a ledger: what was asked, what came, and what was done in truth."""

import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api

from watchkit import AmbiguousWrite, is_conflict, is_not_found, is_retryable
from watchkit.core.classify import as_ours, left_undone
from watchkit.core.errors import ApiError, TransportError
from watchkit.core.telling import told

from .harness import Cluster

KINDS: Final = ("create", "patch", "update", "delete", "read")
GUARDED: Final = ("update", "delete", "read")
"""What reaches a caller without any error that time would have healed."""

RATE: Final = 20.0
"""Calls a second of each kind: a hundred in all."""

AT_ONCE: Final = 100
"""Calls of one kind under way at most: an outage of 7 s would else pile up far more."""

SLOTS: Final = 20


@dataclass
class Ledger:
    """What became of each call, by kind; the errors by kind and what they said."""

    ok: Counter[str] = field(default_factory=Counter)
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    retryable: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    created: dict[str, str | None] = field(default_factory=dict)
    patched: dict[str, bool] = field(default_factory=dict)

    def failed(self, kind: str, error: Exception) -> None:
        """Note an error that reached the caller."""
        said = "ambiguous" if isinstance(error, AmbiguousWrite) else _shortly(error)
        self.errors[kind, said] += 1
        if is_retryable(error):
            self.retryable[kind] += 1
        ours = as_ours(error)
        if isinstance(ours, ApiError) and left_undone(ours):
            self.wrong.append(f"{kind}: {said} should have been sent again")


class Load:
    """The calls of one client in one namespace, a hundred a second while the server is well."""

    def __init__(self, api: ApiClient, namespace: str) -> None:
        self._v1 = CoreV1Api(api)
        self._namespace = namespace
        self._versions: dict[str, str] = {}
        self._doomed: list[tuple[str, str]] = []
        self._free: list[str] = []
        self._numbers = itertools.count()
        self.ledger = Ledger()

    async def prepare(self) -> None:
        """Create the objects that are updated, patched and read."""
        for number in range(SLOTS):
            for prefix in ("slot", "list"):
                name = f"{prefix}-{number}"
                made = await self._create({"name": name}, {"n": "0"})
                self._versions[name] = made.metadata.resource_version
        self._free = [f"slot-{number}" for number in range(SLOTS)]

    async def run(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        """Call until cancelled: then what is under way is still waited for."""
        async with anyio.create_task_group() as calls:
            room = {kind: anyio.CapacityLimiter(AT_ONCE) for kind in KINDS}
            task_status.started()
            with anyio.CancelScope() as self.scope:
                for kind in itertools.cycle(KINDS):
                    calls.start_soon(self._call, kind, room[kind])
                    await anyio.sleep(1 / (RATE * len(KINDS)))

    def stop(self) -> None:
        """Begin no further call."""
        self.scope.cancel()

    async def _call(self, kind: str, room: anyio.CapacityLimiter) -> None:
        try:
            room.acquire_on_behalf_of_nowait(token := object())
        except anyio.WouldBlock:
            return
        try:
            if await getattr(self, f"_{kind}_one")():
                self.ledger.ok[kind] += 1
        except Exception as error:  # noqa: BLE001 - all of them are counted
            self.ledger.failed(kind, error)
        finally:
            room.release_on_behalf_of(token)

    async def _create_one(self) -> bool:
        number = str(next(self._numbers))
        self.ledger.created[number] = None
        made = await self._create({"generateName": "made-", "labels": {"op": number}}, {})
        self.ledger.created[number] = made.metadata.uid
        self._doomed.append((made.metadata.name, made.metadata.uid))
        return True

    async def _patch_one(self) -> bool:
        """Append to a list: done twice, it would be seen twice."""
        number = next(self._numbers)
        mark = f"watchkit.test/op-{number}"
        self.ledger.patched[mark] = False
        patch: Any = [{"op": "add", "path": "/metadata/finalizers/-", "value": mark}]
        name = f"list-{number % SLOTS}"
        await self._v1.patch_namespaced_config_map(name, self._namespace, patch)
        self.ledger.patched[mark] = True
        return True

    async def _update_one(self) -> bool:
        """Replace an object that only this load writes, at the version that it had."""
        if not self._free:
            return False
        name = self._free.pop()
        metadata = {"name": name, "resourceVersion": self._versions[name]}
        body: Any = {"metadata": metadata, "data": {"n": str(next(self._numbers))}}
        try:
            made: Any = await self._v1.replace_namespaced_config_map(name, self._namespace, body)
            self._versions[name] = made.metadata.resource_version
        except Exception as error:
            held: Any = await self._read_version(name)
            done = held.data["n"] == body["data"]["n"]
            self._versions[name] = held.metadata.resource_version
            if done and is_conflict(error):
                return True  # an attempt whose answer was lost had done it
            raise
        finally:
            self._free.append(name)
        return True

    async def _delete_one(self) -> bool:
        if len(self._doomed) < SLOTS:
            return False
        name, uid = self._doomed.pop(0)
        body: Any = {"preconditions": {"uid": uid}}
        try:
            await self._v1.delete_namespaced_config_map(name, self._namespace, body=body)
        except ApiException as error:
            if not is_not_found(error):  # an attempt whose answer was lost had done it
                raise
        return True

    async def _read_one(self) -> bool:
        name = f"slot-{next(self._numbers) % SLOTS}"
        await self._v1.read_namespaced_config_map(name, self._namespace)
        return True

    async def _read_version(self, name: str) -> object:
        with anyio.fail_after(120):
            while True:
                try:
                    return await self._v1.read_namespaced_config_map(name, self._namespace)
                except Exception:  # noqa: BLE001 - only of the load without the transport
                    await anyio.sleep(0.2)

    async def _create(self, metadata: dict[str, object], data: dict[str, str]) -> Any:  # noqa: ANN401 - V1ConfigMap
        if "name" in metadata and str(metadata["name"]).startswith("list"):
            metadata["finalizers"] = ["watchkit.test/first"]
        body: Any = {"metadata": metadata, "data": data}
        return await self._v1.create_namespaced_config_map(self._namespace, body)


async def reconcile(cluster: Cluster, namespace: str, ledger: Ledger) -> Counter[str]:
    """Compare what callers were told with what there is; raise where they were told a lie."""
    answer = await cluster.call("GET", f"/api/v1/namespaces/{namespace}/configmaps")
    metas = [item["metadata"] for item in answer["items"]]
    by_op: dict[str, list[str]] = {}
    marks = Counter[str]()
    for meta in metas:
        if "op" in meta.get("labels", {}):
            by_op.setdefault(meta["labels"]["op"], []).append(meta["uid"])
        marks.update(meta.get("finalizers", []))
    truth = Counter[str]()
    for number, uid in ledger.created.items():
        uids = by_op.get(number, [])
        assert len(uids) <= 1, f"create {number} was done {len(uids)} times"
        assert uid is None or uids in ([], [uid]), f"create {number} made another object"
        truth["create unanswered, done" if uid is None and uids else "create as told"] += 1
    for mark, is_told in ledger.patched.items():
        done = marks[mark]
        assert done <= 1, f"patch {mark} was done {done} times"
        assert done == 1 or not is_told, f"patch {mark} was lost"
        truth["patch unanswered, done" if done and not is_told else "patch as told"] += 1
    return truth


@asynccontextmanager
async def loading(load: Load) -> AsyncIterator[Load]:
    """Run a load for the time of the block, and wait until its last call has ended."""
    await load.prepare()
    async with anyio.create_task_group() as tasks:
        await tasks.start(load.run)
        try:
            yield load
        finally:
            load.stop()


def _shortly(error: Exception) -> str:
    ours = as_ours(error)
    match ours:
        case ApiError():
            return f"{ours.status} {ours.reason or ours.message[:60]}"
        case TransportError():
            return type(error).__name__
        case _:
            return told(error)
