"""A controller that mirrors what it sees ends with a true mirror, whatever happened on the way."""

from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.docs.world import pod
from tests.unit.controllers.reconciling import running
from tests.unit.informer.informing import touch
from watchkit import SharedInformer
from watchkit.controllers import Controller, ItemExponential, Request, Result
from watchkit.testing import VIRTUAL_BACKENDS, Disconnect, FakeCluster, VirtualBackend, run_virtual

NAMES = st.sampled_from("abc")
STEPS = st.one_of(
    st.tuples(st.just("change"), NAMES),
    st.tuples(st.just("delete"), NAMES),
    st.tuples(st.just("wait"), st.sampled_from(["0.3", "2", "40"])),
    st.just(("restart", "")),
    st.just(("disconnect", "")),
    st.just(("compact", "")),
)
OUTCOMES = st.sampled_from(["well", "well", "raise", "slow", "again"])


@dataclass
class Mirror:
    """The state that a reconcile makes be, as it goes well or not."""

    cluster: FakeCluster
    outcomes: list[str]
    informer: SharedInformer = field(init=False)
    held: dict[str, str] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)

    async def reconcile(self, request: Request) -> Result | None:
        """Copy the version of one pod, or that there is none; at times fail before or after."""
        assert request.key not in self.busy
        self.busy.add(request.key)
        try:
            outcome = self.outcomes.pop() if self.outcomes else "well"
            obj = self.informer.store.get(request)
            await anyio.sleep(45 if outcome == "slow" else 0.5)
            if outcome == "raise":
                raise ValueError(outcome)
            self.held.pop(request.key, None)
            if obj is not None:
                self.held[request.key] = obj.resource_version
        finally:
            self.busy.remove(request.key)
        return Result(7) if outcome == "again" else None

    async def play(self, steps: list[tuple[str, str]]) -> None:
        """Let everything happen; then let it come to rest."""
        source = self.cluster.source("v1", "pods", "shop")
        controller = Controller(
            self.reconcile,
            name="mirror",
            workers=2,
            timeout=30,
            grace=10,
            rate_limiter=ItemExponential(1, 20),
        )
        async with SharedInformer(source) as self.informer:
            controller.watches(self.informer)
            is_over = False
            while not is_over:
                async with running(controller):
                    is_over = await self.happen(steps)

    async def happen(self, steps: list[tuple[str, str]]) -> bool:
        """Let one thing happen after the other; False where the controller is to be restarted."""
        while steps:
            step, name = steps.pop()
            match step:
                case "restart":
                    return False
                case "wait":
                    await anyio.sleep(float(name))
                case "disconnect":
                    self.cluster.inject(Disconnect())
                case "compact":
                    self.cluster.compact()
                case _:
                    self.write(step, name)
        await anyio.sleep(1000)
        return True

    def write(self, step: str, name: str) -> None:
        """Create, change or delete a pod, as it can be."""
        is_there = f"shop/{name}" in listed(self.cluster)
        if step == "delete":
            if is_there:
                self.cluster.delete("v1", "pods", f"shop/{name}")
        elif is_there:
            touch(self.cluster, name, self.cluster.version)
        else:
            self.cluster.create(pod("shop", name))


def listed(cluster: FakeCluster) -> dict[str, str]:
    """What the cluster has: versions by key."""
    metas = [each["metadata"] for each in cluster.list("v1", "pods")]
    return {f"{each['namespace']}/{each['name']}": each["resourceVersion"] for each in metas}


@pytest.mark.parametrize("backend", VIRTUAL_BACKENDS)
@given(steps=st.lists(STEPS, max_size=25), outcomes=st.lists(OUTCOMES, max_size=20))
def test_what_is_reconciled_is_the_last_state(
    backend: VirtualBackend, steps: list[tuple[str, str]], outcomes: list[str]
) -> None:
    """Failures, timeouts, restarts, disconnects and expiry delay it, and no more."""
    mirror = Mirror(FakeCluster(), outcomes)
    run_virtual(mirror.play, steps[::-1], backend=backend)

    there = listed(mirror.cluster)
    if ("restart", "") in steps:  # what goes while nobody runs, nobody is told of
        assert mirror.held.items() >= there.items()
    else:
        assert mirror.held == there
