"""Laws of a LeaderElector that has the lease: it renews it, or its work ends in time."""

from contextlib import suppress
from datetime import datetime
from typing import Any

import anyio
import pytest
from structlog.typing import EventDict

from tests.unit.controllers.in_memory import LEASES, Fault, InMemory, refused
from tests.unit.controllers.leading import Work, elector, gather, held_by, lease, seconds
from watchkit import LeadershipLost
from watchkit.controllers import FencingToken, LeaderElector, fencing_token
from watchkit.controllers.fencing import Term
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio


async def test_it_renews_each_retry_period(api: InMemory) -> None:
    """One write a period, without reading first; the times written all differ."""
    candidate = elector(api, "a")
    await candidate.run(lambda: seconds(20.5))

    puts = [asked for asked in api.asked if asked.method == "PUT"]
    assert [asked.at for asked in puts[:10]] == pytest.approx(
        [2 * n for n in range(1, 11)], abs=0.1
    )
    stamps = [asked.body["spec"]["renewTime"] for asked in puts if asked.body]
    assert len(set(stamps)) == len(stamps)
    assert all(datetime.fromisoformat(stamp) for stamp in stamps)
    assert [asked.method for asked in api.asked[2:]] == ["PUT"] * 11
    assert candidate.statistics() == {"acquired": 1, "lost": 0, "renewals": 10, "failures": 0}


@pytest.mark.fault("F62")
@pytest.mark.parametrize(
    "trouble",
    [Fault.LOST, Fault.UNANSWERED, Fault.RESET, Fault.NEVER_SENT, refused(500), refused(403)],
)
async def test_work_is_cancelled_when_the_deadline_passes(
    api: InMemory, trouble: Fault | Exception, logs: list[EventDict]
) -> None:
    """A hanging request can't outlive it: counted from when the last renewal was sent."""
    api.trouble = lambda asked: trouble if asked.at > 7 else None
    work = Work()
    candidate = elector(api, "a")

    with pytest.raises(LeadershipLost, match="lease shop/web: it was not renewed for 10 s") as lost:
        await candidate.run(work)

    assert work.ended == [pytest.approx(16, abs=0.1)]
    assert lost.value.cause is lost.value.__cause__ is not None
    assert not candidate.is_leader
    assert candidate.token is None
    events = [entry["event"] for entry in logs]
    assert events.count("lease.lost") == 1
    assert "lease.renew_failed" in events
    assert "lease.released" not in events
    assert candidate.statistics()["lost"] == 1


async def test_a_renewal_is_tried_again_until_the_deadline(api: InMemory) -> None:
    """One that succeeds in time saves the term."""
    api.trouble = lambda asked: refused(503) if 7 < asked.at < 15 else None
    work = Work(lambda: seconds(40.5))

    assert await elector(api, "a").run(work) == "done"


async def test_after_a_hanging_renewal_there_is_time_for_another(api: InMemory) -> None:
    """A request gets half of the deadline, as in client-go."""
    hanging = iter([Fault.LOST])
    api.trouble = lambda asked: next(hanging, None) if asked.at > 7 else None
    work = Work(lambda: seconds(40.5))

    assert await elector(api, "a").run(work) == "done"


async def test_retry_after_leaves_a_second_try(api: InMemory) -> None:
    """Whatever the server asks for, a holder asks again before its deadline."""
    headers = {"Retry-After": "60"}
    throttled = iter([refused(429, **headers)])
    api.trouble = lambda asked: next(throttled, None) if asked.at > 7 else None
    work = Work(lambda: seconds(40.5))

    assert await elector(api, "a").run(work) == "done"


@pytest.mark.parametrize("trouble", [Fault.UNANSWERED, Fault.RESET, refused(500)])
async def test_a_renewal_whose_answer_was_lost_is_read_back(
    api: InMemory, trouble: Fault | Exception
) -> None:
    """It is known by its holder and its time, and what is read goes on from there."""
    lost = iter([trouble])
    api.trouble = lambda asked: next(lost, None) if asked.at > 7 else None
    work = Work(lambda: seconds(40.5))

    assert await elector(api, "a").run(work) == "done"

    after = [asked.method for asked in api.asked if asked.at > 7]
    assert after[:2] == ["PUT", "GET"]
    assert set(after[2:]) == {"PUT"}


async def test_a_lease_that_others_label_is_renewed_all_the_same(api: InMemory) -> None:
    """LE-06: 409: read, see that it is ours, and write over the version found."""

    async def work() -> object:
        for number in range(10):
            await anyio.sleep(3)
            labels = {"n": str(number)}
            api.cluster.patch(LEASES, "leases", "shop/web", {"metadata": {"labels": labels}})
        return await seconds(1)

    assert await elector(api, "a").run(work) == "done"
    assert api.cluster.get(LEASES, "leases", "shop/web")["metadata"]["labels"] == {"n": "9"}


@pytest.mark.parametrize("holder", ["other", ""])
async def test_a_lease_that_was_taken_is_lost_at_once(api: InMemory, holder: str) -> None:
    """At the next renewal: work ends, and the new holder's lease is left alone."""
    work = Work()

    async def steal() -> None:
        await anyio.sleep(5)
        patch = {"spec": {"holderIdentity": holder}}
        api.cluster.patch(LEASES, "leases", "shop/web", patch)

    with pytest.raises(LeadershipLost, match=f"it is held by {holder or 'nobody'}") as lost:
        await elector(api, "a").run(lambda: gather(work, steal))

    assert work.ended == [pytest.approx(6, abs=0.1)]
    assert lost.value.cause is None
    assert lease(api)["holderIdentity"] == holder


async def test_a_lease_that_was_deleted_is_made_again_by_its_holder(api: InMemory) -> None:
    """The term goes on; who waits for it lets the holder do so first."""
    works = Work(lambda: seconds(30.5)), Work(lambda: seconds(1))
    second = elector(api, "b")

    async with anyio.create_task_group() as group:
        group.start_soon(elector(api, "a").run, works[0])
        await anyio.sleep(1)
        group.start_soon(second.run, works[1])
        await anyio.sleep(10.7)
        api.cluster.delete(LEASES, "leases", "shop/web")

    assert works[0].ended == [pytest.approx(30.5, abs=0.1)]
    assert works[1].began[0] >= works[0].ended[0]
    assert second.holder is None


async def test_a_deleted_lease_does_not_end_its_holder(api: InMemory) -> None:
    """Who makes it anew, having known it, works only after it was his for the whole duration."""
    works = Work(), Work(lambda: seconds(1))
    deaf = InMemory(api.cluster)
    deaf.trouble = lambda asked: Fault.LOST if asked.at > 10.5 else None

    async def lead() -> None:
        with suppress(LeadershipLost):
            await elector(deaf, "a").run(works[0])

    async with anyio.create_task_group() as group:
        group.start_soon(lead)
        await anyio.sleep(1)
        group.start_soon(elector(api, "b").run, works[1])
        await anyio.sleep(10)
        api.cluster.delete(LEASES, "leases", "shop/web")

    assert works[0].ended == [pytest.approx(20, abs=0.1)]
    assert 11 + 15 <= works[1].began[0] <= 11 + 2 + 2 + 15 + 2.1


async def test_the_token_is_in_the_context_of_all_that_main_starts(api: InMemory) -> None:
    """It names the term; nobody else has it, and it is worth nothing afterwards."""
    api.cluster.create(held_by("other", leaseDurationSeconds=1))
    seen: list[FencingToken | None] = []

    async def work() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(child)

    async def child() -> None:
        await anyio.sleep(1)
        seen.append(fencing_token())
        assert candidate.token is seen[0]
        assert seen[0] is not None
        seen[0].check()

    candidate = elector(api, "a")
    assert fencing_token() is None
    await candidate.run(work)

    assert fencing_token() is None
    (token,) = seen
    assert token is not None
    assert (token.lease, token.identity, token.transitions) == ("shop/web", "a", 4)
    assert int(token.version) < api.cluster.version
    assert repr(token) == f"<FencingToken shop/web transitions=4 at={token.version}>"
    with pytest.raises(LeadershipLost, match="the term of a is over"):
        token.check()


async def test_its_repr_says_how_things_are(api: InMemory) -> None:
    """One line: idle, waiting for whom, leading."""
    api.cluster.create(held_by("other"))
    candidate = elector(api, "a")
    assert repr(candidate) == "<LeaderElector shop/web a, idle>"

    async with anyio.create_task_group() as group:
        group.start_soon(candidate.run, anyio.sleep_forever)
        await anyio.sleep(1)
        assert repr(candidate) == "<LeaderElector shop/web a, waiting for other>"
        assert (candidate.holder, candidate.is_leader) == ("other", False)
        await anyio.sleep(20)
        assert repr(candidate) == "<LeaderElector shop/web a, leading>"
        assert (candidate.holder, candidate.is_leader) == ("a", True)
        group.cancel_scope.cancel()


async def test_a_term_that_is_over_is_not_extended(api: InMemory) -> None:
    """By an answer that was under way."""
    term = Term(anyio.current_time() + 1)
    term.end()
    term.extend(anyio.current_time() + 1)

    assert term.deadline < anyio.current_time()


async def test_work_that_does_not_heed_its_cancellation_is_told_of(api: InMemory) -> None:
    """LE-07: for a liveness probe, some time after its term."""
    api.trouble = lambda asked: Fault.LOST if asked.at > 7 else None
    candidate = elector(api, "a")
    lives: list[tuple[float, bool]] = []

    async def probe() -> None:
        while True:
            await anyio.sleep(10)
            lives.append((anyio.current_time(), candidate.is_live(tolerance=20)))

    async with anyio.create_task_group() as group:
        group.start_soon(probe)
        with pytest.raises(LeadershipLost):
            await candidate.run(Work(unwinds=50))
        group.cancel_scope.cancel()

    assert [live for _, live in lives] == [True, True, True, False, False, False]
    assert candidate.is_live()


def test_the_default_identity_is_nobody_elses(cluster: FakeCluster) -> None:
    """The host's name and chance."""
    one, two = (LeaderElector(InMemory(cluster), "web", namespace="shop") for _ in range(2))

    assert one.identity != two.identity


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"lease_duration": 10}, "lease_duration .10 s. must be longer than renew_deadline"),
        ({"retry_period": 8.4}, "renew_deadline .10 s. must be longer than 1.2 times"),
        ({"lease_duration": 15.5}, "whole seconds"),
        ({"retry_period": 0}, "retry_period is in seconds, above 0"),
        ({"renew_deadline": float("inf")}, "renew_deadline is in seconds"),
        ({"identity": ""}, "identity"),
        ({"name": "a/b"}, "name must be a name"),
        ({"namespace": ""}, "namespace must be a name"),
    ],
)
def test_what_does_not_go_together_is_refused(
    cluster: FakeCluster, settings: dict[str, Any], said: str
) -> None:
    """LE-05: client-go's rules, said when it is made."""
    given: dict[str, Any] = {"name": "web", "namespace": "shop", **settings}
    with pytest.raises(ValueError, match=said):
        LeaderElector(InMemory(cluster), **given)


def test_it_needs_a_client() -> None:
    """Not one of another library, nor a list method."""
    api: Any = object()
    with pytest.raises(TypeError, match="an ApiClient is needed, not object"):
        LeaderElector(api, "web", namespace="shop")
