"""Long lists: told of piece by piece, so that whatever else runs has its turn between."""

import pytest

from tests.unit.informer.informing import Recorder, cached, listed, synced
from tests.unit.watching.reading import pod
from watchkit import ListerWatcher
from watchkit.core.events import Change
from watchkit.core.objects import Object
from watchkit.informer.handler import Handler
from watchkit.informer.registration import Registration
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio

HANDLERS = 40
PODS = 300


class Watchful(Handler[Object]):
    """Notes what it had been told of when it was called first, and whether all was synced."""

    def __init__(self, informer: SharedInformer[Object]) -> None:
        self.told_at_first: int | None = None
        self.late = Recorder()
        self.registration: Registration[Object] | None = None
        self._informer = informer

    def on_change(self, change: Change[Object]) -> None:
        """Handle the first one; let another handler come right then."""
        if self.told_at_first is None and self.registration is not None:
            self.told_at_first = self.registration.statistics().received
            self._informer.add_event_handler(self.late)


async def test_a_long_list_is_told_piece_by_piece(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """The more handlers, the smaller the pieces; who comes between gets all of it, once."""
    for number in range(PODS):
        cluster.create(pod(f"pod-{number:03}"))
    async with SharedInformer(pods) as informer:
        first = Watchful(informer)
        first.registration = informer.add_event_handler(first)
        others = [Recorder() for _ in range(HANDLERS - 1)]
        for each in others:
            informer.add_event_handler(each)
        await synced(informer)
        cluster.delete("v1", "pods", "shop/pod-000")
        await synced(informer)
        await first.registration.wait_for_sync()

        assert cached(informer) == listed(cluster)

    assert first.told_at_first is not None
    assert 0 < first.told_at_first < PODS
    for recorder in [*others, first.late]:
        assert recorder.words[:2] == ["+pod-000!", "+pod-001!"]
        assert recorder.cached() == listed(cluster)


async def test_no_handler_waits_for_room_in_anothers_buffer_before_the_list_is_told(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """A list is there already: holding the watch back would only keep it from the others."""
    for number in range(PODS):
        cluster.create(pod(f"pod-{number:03}"))
    async with SharedInformer(pods) as informer:

        async def waits_for_all(_: Change[Object]) -> None:
            await informer.wait_for_sync()

        informer.add_event_handler(on_change=waits_for_all, delivery="every", buffer=1)
        recorders = [Recorder() for _ in range(HANDLERS)]
        for each in recorders:
            informer.add_event_handler(each)
        await synced(informer)

        for each in recorders:
            assert each.cached() == listed(cluster)
