"""Laws of a LeaderElector whose work ends: what is raised, and what becomes of the lease."""

from contextlib import suppress

import anyio
import pytest
from structlog.typing import EventDict

from tests.unit.controllers.in_memory import LEASES, Fault, InMemory
from tests.unit.controllers.leading import Work, elector, fails, held_by, lease, seconds
from watchkit import LeadershipLost

pytestmark = pytest.mark.anyio


async def test_the_lease_is_released_when_main_returns(
    api: InMemory, logs: list[EventDict]
) -> None:
    """LE-04: nobody's, for a second, so that others take it at once."""
    await elector(api, "a").run(lambda: seconds(5))

    assert (lease(api)["holderIdentity"], lease(api)["leaseDurationSeconds"]) == ("", 1)
    assert [entry["event"] for entry in logs if entry["log_level"] == "info"] == [
        "lease.acquired",
        "lease.released",
    ]


async def test_what_main_raises_is_raised_as_it_is(api: InMemory) -> None:
    """Never in an ExceptionGroup; the lease is released."""
    with pytest.raises(KeyError, match="mine") as caught:
        await elector(api, "a").run(fails)

    assert caught.value.__context__ is None
    assert lease(api)["holderIdentity"] == ""


async def test_what_a_cancelled_main_raises_is_the_cause_of_the_loss(api: InMemory) -> None:
    """The loss came first, and nothing is hidden."""
    api.trouble = lambda asked: Fault.LOST if asked.at > 7 else None

    async def work() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise KeyError("while unwinding")

    with pytest.raises(LeadershipLost) as lost:
        await elector(api, "a").run(work)

    assert isinstance(lost.value.__cause__, KeyError)


async def test_a_main_that_swallows_its_cancellation_has_lost_all_the_same(api: InMemory) -> None:
    """What it gives then was made without the lease."""
    api.trouble = lambda asked: Fault.LOST if asked.at > 7 else None

    async def work() -> str:
        with suppress(anyio.get_cancelled_exc_class()):
            await anyio.sleep_forever()
        return "made up"

    with pytest.raises(LeadershipLost):
        await elector(api, "a").run(work)


@pytest.mark.fault("F62")
async def test_cancelled_it_renews_until_the_work_has_ended_and_then_releases(
    api: InMemory,
) -> None:
    """Work has ended before the lease is released, and nobody else begins in between."""
    first, second = Work(unwinds=25), Work(lambda: seconds(1))

    async def lead() -> None:
        with anyio.move_on_after(5):
            await elector(api, "a").run(first)

    async with anyio.create_task_group() as group:
        group.start_soon(lead)
        await anyio.sleep(1)
        group.start_soon(elector(api, "b").run, second)

    assert first.ended == [pytest.approx(30, abs=0.1)]
    assert first.ended[0] <= second.began[0] <= first.ended[0] + 2.1


async def test_while_cancelled_work_winds_up_the_lease_is_renewed(api: InMemory) -> None:
    """For longer than the lease lasts; released right after its end."""
    work = Work(unwinds=30)

    with anyio.move_on_after(5) as scope:
        await elector(api, "a").run(work)

    assert scope.cancelled_caught
    assert work.ended == [pytest.approx(35, abs=0.1)]
    renewals = [asked.at for asked in api.asked if asked.method == "PUT"]
    assert len(renewals) == 18
    assert renewals[-1] == pytest.approx(35, abs=0.1)
    assert lease(api)["holderIdentity"] == ""


async def test_cancelled_while_it_waits_it_leaves_nothing(api: InMemory) -> None:
    """LE-04: it has not got the lease, and does not touch it."""
    api.cluster.create(held_by("other"))

    with anyio.move_on_after(5):
        await elector(api, "a").run(anyio.sleep_forever)

    assert {asked.method for asked in api.asked} == {"GET"}
    assert anyio.current_time() == pytest.approx(5, abs=0.1)


async def test_cancelled_while_it_takes_the_lease_it_gives_it_back(api: InMemory) -> None:
    """LE-04: the write may have been done: it is read back, and released."""
    api.trouble = lambda asked: Fault.UNANSWERED if asked.method == "POST" else None

    with anyio.move_on_after(2):
        await elector(api, "a").run(anyio.sleep_forever)

    assert [asked.method for asked in api.asked] == ["GET", "POST", "GET", "PUT"]
    assert lease(api)["holderIdentity"] == ""


async def test_a_release_is_bounded_in_time(api: InMemory, logs: list[EventDict]) -> None:
    """A server that hangs keeps nobody from ending; half of the deadline, as any request."""
    api.trouble = lambda asked: Fault.LOST if asked.at > 4.5 else None

    await elector(api, "a").run(lambda: seconds(5))

    assert anyio.current_time() == pytest.approx(10, abs=0.1)
    assert logs[-1]["event"] == "lease.release_failed"


async def test_a_release_that_met_a_conflict_is_tried_again(api: InMemory) -> None:
    """LE-04: over the version that is there by now, as long as it is ours."""

    async def work() -> None:
        await anyio.sleep(5)
        labels = {"n": "1"}
        api.cluster.patch(LEASES, "leases", "shop/web", {"metadata": {"labels": labels}})

    await elector(api, "a").run(work)

    assert lease(api)["holderIdentity"] == ""


async def test_a_lease_of_somebody_else_is_not_released(api: InMemory) -> None:
    """LE-04: it was taken just before."""

    async def work() -> None:
        await anyio.sleep(5)
        patch = {"spec": {"holderIdentity": "other"}}
        api.cluster.patch(LEASES, "leases", "shop/web", patch)

    await elector(api, "a").run(work)

    assert lease(api)["holderIdentity"] == "other"


async def test_it_can_be_run_again(api: InMemory) -> None:
    """After a loss as after an end; each term has a token that is younger."""
    candidate, work = elector(api, "a"), Work()
    api.trouble = lambda asked: Fault.LOST if 7 < asked.at < 30 else None

    with pytest.raises(LeadershipLost):
        await candidate.run(work)
    with anyio.move_on_after(60):
        await candidate.run(work)

    assert len(work.began) == 2
    first, second = work.tokens
    assert first is not None
    assert second is not None
    assert int(second.version) > int(first.version)
    assert not first.is_valid


async def test_it_runs_one_thing_at_a_time(api: InMemory) -> None:
    """Two mains under one identity would both be the holder's."""
    candidate = elector(api, "a")

    async with anyio.create_task_group() as group:
        group.start_soon(candidate.run, anyio.sleep_forever)
        await anyio.sleep(1)
        with pytest.raises(RuntimeError, match="make another one"):
            await candidate.run(anyio.sleep_forever)
        group.cancel_scope.cancel()
