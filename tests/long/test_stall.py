"""A stalled handler at the full rate: ten minutes, a thousand changes a second, nothing lost.

Time is virtual; the 600,000 changes are real. What it took is printed.
"""

import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from watchkit import Change, Registration, SharedInformer
from watchkit.testing import VIRTUAL_BACKENDS, FakeCluster, VirtualBackend, run_virtual

KEYS = 1000
SECONDS = 600
BURSTS = 10
"""So many times a second a tenth of the keys changes."""
BOUND = 600.0
"""Virtual seconds in which anything here comes to pass; nothing is asserted of how fast."""


class Seen:
    """What a handler was told last of each key, and how often it was told."""

    def __init__(self) -> None:
        self.versions: dict[str, str] = {}
        self.calls = 0

    def on_change(self, change: Change[Any]) -> None:
        """Keep it; versions only rise."""
        self.calls += 1
        assert int(self.versions.get(change.key, "0")) < int(change.resource_version)
        self.versions[change.key] = change.resource_version


class World:
    """A thousand pods, one of which changes every millisecond."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.changes = 0
        for n in range(KEYS):
            metadata = {"name": f"p{n}", "namespace": "shop"}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}}
            self.cluster.create(pod)

    def burst(self) -> None:
        """Change the next tenth of them."""
        for _ in range(KEYS // BURSTS):
            said = {"metadata": {"annotations": {"n": str(self.changes)}}}
            self.cluster.patch("v1", "pods", f"shop/p{self.changes % KEYS}", said)
            self.changes += 1
        if self.changes % (10 * KEYS) == 0:  # as etcd is compacted; the watch is far beyond
            self.cluster.compact(self.cluster.version - 5 * KEYS)

    def versions(self) -> dict[str, str]:
        """What every handler is to know in the end."""
        metas = [each["metadata"] for each in self.cluster.list("v1", "pods")]
        return {f"shop/{each['name']}": each["resourceVersion"] for each in metas}


async def passed(holds: Callable[[], bool]) -> float:
    """Wait until something holds; give the virtual seconds that it took."""
    began = anyio.current_time()
    with anyio.fail_after(BOUND):
        while not holds():  # noqa: ASYNC110 - nobody tells of a handler's progress
            await anyio.sleep(0.01)
    return anyio.current_time() - began


async def stalled_for_ten_minutes() -> dict[str, float]:
    """Stall one handler of two, change and change, let it go; give what was measured."""
    world, gate = World(), anyio.Event()
    seen, sibling_seen = Seen(), Seen()

    async def stall(change: Change[Any]) -> None:
        await gate.wait()
        seen.on_change(change)

    async with SharedInformer(world.cluster.source("v1", "pods", "shop")) as informer:
        stuck = informer.add_event_handler(on_change=stall)
        sibling = informer.add_event_handler(on_change=sibling_seen.on_change)
        await sibling.wait_for_sync(BOUND)
        behind = await changing(world, stuck, sibling)
        late = await passed(lambda: sibling_seen.versions == world.versions())
        queued = stuck.statistics().queued
        gate.set()
        caught_up = await passed(lambda: seen.versions == world.versions())
        told = (stuck.statistics(), sibling.statistics())
    assert world.changes == SECONDS * KEYS
    assert queued <= KEYS
    assert told[0].peak <= KEYS
    assert [each.received for each in told] == [KEYS + world.changes] * 2
    assert sibling_seen.calls == told[1].handled
    assert [each.queued + each.running + each.failed for each in told] == [0, 0]
    return {
        "changes": world.changes,
        "queued": queued,
        "peak": told[0].peak,
        "told to the stalled one": seen.calls,
        "told to its sibling": sibling_seen.calls,
        "peak of its sibling": told[1].peak,
        "longest that its sibling was behind, virtual s": behind,
        "sibling had all, virtual s": late,
        "the stalled one had all, virtual s": caught_up,
    }


async def changing(world: World, stuck: Registration[Any], sibling: Registration[Any]) -> float:
    """Let ten minutes of changes happen; give for how long at most the sibling was behind."""
    began = anyio.current_time()
    behind_since, longest = began, 0.0
    for burst in range(SECONDS * BURSTS):
        world.burst()
        await anyio.sleep_until(began + (burst + 1) / BURSTS)
        now = sibling.statistics()
        if now.received == KEYS + world.changes and now.queued + now.running == 0:
            behind_since = anyio.current_time()
        longest = max(longest, anyio.current_time() - behind_since)
        assert stuck.statistics().queued <= KEYS
        assert stuck.statistics().handled == 0
    return longest


@pytest.mark.parametrize("backend", VIRTUAL_BACKENDS)
def test_ten_minutes_of_stalling_at_the_full_rate(
    backend: VirtualBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    """C7, W8: the queue holds a key once; nobody else is held up; each last state comes."""
    began = time.perf_counter()
    figures = run_virtual(stalled_for_ten_minutes, backend=backend)
    figures["real s"] = round(time.perf_counter() - began, 1)
    with capsys.disabled():
        print(f"\n{backend}")  # noqa: T201 - figures
        for what, value in figures.items():
            print(f"  {what:50} {value:>10,.6g}")  # noqa: T201 - figures
