"""Audits beside objects that cannot be decoded: nobody is told of those; they are compared too."""

import anyio
import pytest
from structlog.typing import EventDict

from tests.unit.informer.informing import queries, synced
from tests.unit.informer.test_periods import Lose
from tests.unit.watching.reading import pod
from watchkit import ListerWatcher, Object
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing import FakeCluster, Gone, Stall

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


@pytest.mark.parametrize("is_expiring", [False, True])
async def test_an_audit_beside_what_cannot_be_decoded_changes_nothing(
    cluster: FakeCluster, pods: ListerWatcher, logs: list[EventDict], *, is_expiring: bool
) -> None:
    """No list for it, also while such objects come, change and go, and the audit takes its time."""
    slow = Stall(3, at="head")
    cluster.inject(slow, on="list", times=None, when=lambda it: it.view == "metadata")
    async with SharedInformer(pods, transform=only_good, audit_period=10) as informer:
        await synced(informer)
        for n in range(60):
            if is_expiring and n % 10 == 0:
                cluster.inject(Gone("event"), on="open")
            cluster.create(pod(f"p{n}", **{"is": "bad"}))
            cluster.patch("v1", "pods", f"shop/p{n}", {"metadata": {"annotations": {"n": "1"}}})
            if n > 5:
                cluster.delete("v1", "pods", f"shop/p{n - 5}")
            await anyio.sleep(1)
    audits = [each["differences"] for each in logs if each["event"] == "audit.done"]
    assert len(audits) >= 3
    assert set(audits) == {0}
    assert is_expiring or len(queries(cluster, "list")) == len(audits)
