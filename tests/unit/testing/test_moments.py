"""When faults strike: on a path, at the n-th time, by chance."""

import json

import pytest

from tests.unit.testing.watching import listing
from watchkit.core.errors import ApiError, ResourceExpired, ServerUnavailable
from watchkit.core.source import ListerWatcher
from watchkit.testing import (
    ApiRequest,
    FakeCluster,
    Gone,
    Throttle,
    Unavailable,
    at_random,
    matching,
    nth,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("pattern", "strikes"),
    [
        ("/api/v1/namespaces/shop/configmaps", True),
        ("/api/*/configmaps", True),
        ("*/shop/*", True),
        ("/api/v1/configmaps", False),
        ("/apis/*", False),
        ("/API/*", False),
    ],
)
async def test_a_path_is_matched(
    cluster: FakeCluster, source: ListerWatcher, pattern: str, *, strikes: bool
) -> None:
    """A star stands for anything, slashes too; letters count as they are."""
    injected = cluster.inject(Unavailable(), when=matching(pattern))

    if strikes:
        with pytest.raises(ServerUnavailable):
            await listing(source)
    else:
        await listing(source)

    assert injected.fired == int(strikes)


async def test_the_nth_of_those_that_fit(cluster: FakeCluster, source: ListerWatcher) -> None:
    """Requests of other verbs do not count."""
    cluster.inject(Unavailable(), on="list", when=nth(2))

    await listing(source)
    (await source.watch({}, idle_timeout=10)).close()
    with pytest.raises(ServerUnavailable):
        await listing(source)
    await listing(source)


async def test_what_the_fault_does_not_fit_does_not_count(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """The second later page is not the second list."""
    cluster.inject(Gone(via="page"), on="list", when=nth(2))
    first = json.loads(await source.list({"limit": "1"}, idle_timeout=10))
    later = {"limit": "1", "continue": first["metadata"]["continue"]}

    await source.list(later, idle_timeout=10)
    with pytest.raises(ResourceExpired):
        await source.list(later, idle_timeout=10)


async def test_the_nth_that_another_fault_takes_is_the_next(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """What others take counts; whose turn that was strikes afterwards, and strikes for sure."""
    cluster.inject(Unavailable(2), on="any")
    first = cluster.inject(Throttle(), on="list", when=nth(1))
    fourth = cluster.inject(Throttle(), on="list", when=nth(4))
    statuses: list[int] = []

    for _ in range(6):
        try:
            statuses.append(await listing(source))
        except ApiError as error:
            statuses.append(error.status)

    assert statuses == [503, 503, 429, 429, 3, 3]
    assert (first.fired, fourth.fired) == (1, 1)


def test_chance_is_the_same_with_the_same_seed() -> None:
    """A seed strikes the same requests in every run, and about as many as were asked for."""
    request = ApiRequest("list", "pods")

    def struck(seed: int) -> list[bool]:
        when = at_random(0.3, seed)
        return [when(request) for _ in range(1000)]

    assert struck(1) == struck(1) != struck(2)
    assert 250 < sum(struck(1)) < 350
