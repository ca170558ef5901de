"""Audits and objects that cannot be decoded: nobody is told of those, but they are compared too."""

import anyio
import pytest
from structlog.typing import EventDict

from tests.unit.informer.informing import queries, synced
from tests.unit.informer.test_periods import Lose
from tests.unit.watching.reading import pod
from watchkit import ListerWatcher, Object
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio


def only_good(each: Object) -> Object:
    """Fail over bad ones."""
    if each.labels.get("is") == "bad":
        raise ValueError("bad")
    return each


async def test_an_audit_finds_what_cannot_be_decoded_and_has_gone(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Its DELETED got lost: it is undecodable no longer."""
    cluster.create(pod("a", **{"is": "bad"}))
    async with SharedInformer(pods, transform=only_good, audit_period=300) as informer:
        await synced(informer)
        cluster.inject(Lose(), on="open")
        cluster.delete("v1", "pods", "shop/a")
        await anyio.sleep(299)
        assert [*informer.store.undecodable] == ["shop/a"]
        await anyio.sleep(10)
        assert [*informer.store.undecodable] == []


async def test_an_audit_beside_what_cannot_be_decoded_changes_nothing(
    cluster: FakeCluster, pods: ListerWatcher, logs: list[EventDict]
) -> None:
    """No list but its own, also while such objects come, change and go."""
    async with SharedInformer(pods, transform=only_good, audit_period=10) as informer:
        await synced(informer)
        for n in range(60):
            cluster.create(pod(f"p{n}", **{"is": "bad"}))
            cluster.patch("v1", "pods", f"shop/p{n}", {"metadata": {"annotations": {"n": "1"}}})
            if n > 5:
                cluster.delete("v1", "pods", f"shop/p{n - 5}")
            await anyio.sleep(1)
    audits = [each["differences"] for each in logs if each["event"] == "audit.done"]
    assert len(audits) >= 4
    assert set(audits) == {0}
    assert len(queries(cluster, "list")) == len(audits)
