"""Laws of the start: what never worked ends at once, what once worked is retried for ever."""

import pytest

from watchkit.cli.starting import CannotStart, Starting
from watchkit.core.errors import Forbidden, NotFound, ServerUnavailable, TransportError
from watchkit.testing import FakeCluster, Fault, Forbid, Refuse, Unavailable

pytestmark = pytest.mark.anyio


def starting(cluster: FakeCluster, plural: str = "pods") -> Starting:
    """Give a source of the cluster's that must work at the first try."""
    return Starting(cluster.source("v1", plural, "shop"))


@pytest.mark.parametrize("fault", [Refuse(), Forbid()])
async def test_what_waiting_does_not_heal_ends_the_start(fault: Fault) -> None:
    """No connection, no right: one line that says what was asked and what came back."""
    cluster = FakeCluster()
    cluster.inject(fault, on="any", times=None)

    with pytest.raises(CannotStart, match="list pods in shop"):
        await starting(cluster).list({}, idle_timeout=60)
    with pytest.raises(CannotStart, match="watch pods in shop"):
        await starting(cluster).watch({"resourceVersion": "99"}, idle_timeout=60)


async def test_what_is_not_served_ends_the_start() -> None:
    """It was there a moment ago, when it was discovered; it may never come back."""
    with pytest.raises(CannotStart, match="404"):
        await starting(FakeCluster(), "nothings").list({}, idle_timeout=60)


async def test_what_passes_by_itself_is_left_to_be_retried() -> None:
    """A server that is starting says so; the next try may still fail the start."""
    cluster = FakeCluster()
    cluster.inject(Unavailable(), on="list")
    source = starting(cluster)

    with pytest.raises(ServerUnavailable):
        await source.list({}, idle_timeout=60)
    cluster.inject(Forbid(), on="list")
    with pytest.raises(CannotStart):
        await source.list({}, idle_timeout=60)


@pytest.mark.parametrize(("fault", "error"), [(Refuse(), TransportError), (Forbid(), Forbidden)])
async def test_after_the_first_answer_all_is_passed_on(
    fault: Fault, error: type[Exception]
) -> None:
    """From then on nothing ends the watch that would not end it anyway."""
    cluster = FakeCluster()
    source = starting(cluster)
    begun = [source.has_begun]
    await source.list({}, idle_timeout=60)
    assert [*begun, source.has_begun] == [False, True]
    cluster.inject(fault, on="any", times=None)

    with pytest.raises(error):
        await source.list({}, idle_timeout=60)
    with pytest.raises(error):
        await source.watch({"resourceVersion": "99"}, idle_timeout=60)


async def test_a_definition_may_go_and_come_back_later() -> None:
    """Once it was served, its absence is waited out."""
    cluster = FakeCluster()
    cluster.add_resource("x.io/v1", "shops", "Shop")
    source = Starting(cluster.source("x.io/v1", "shops"))
    await source.list({}, idle_timeout=60)
    cluster.remove_resource("x.io/v1", "shops")

    with pytest.raises(NotFound):
        await source.list({}, idle_timeout=60)


async def test_it_is_about_what_its_source_is_about() -> None:
    """Logs and errors name the resource and the namespace."""
    source = starting(FakeCluster())

    assert (source.resource, source.namespace) == ("pods", "shop")
