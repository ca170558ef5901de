"""Laws of a LeaderElector that waits for a lease: when it takes it, and when it does not."""

from contextlib import suppress
from itertools import pairwise

import anyio
import pytest
from structlog.typing import EventDict

from tests.unit.controllers.in_memory import LEASES, Fault, InMemory, refused
from tests.unit.controllers.leading import Work, elector, held_by, lease, seconds, writes
from tests.unit.watching.reading import Clock
from watchkit import InvalidRequest, LeadershipLost
from watchkit.controllers import fencing_token

pytestmark = pytest.mark.anyio


async def test_where_there_is_no_lease_it_is_made_and_held_at_once(api: InMemory) -> None:
    """LE-01: no object: it is created, and main() runs."""
    work = Work(lambda: seconds(1))

    assert await elector(api, "a").run(work) == "done"

    assert work.began == [pytest.approx(0, abs=0.1)]
    created = api.asked[1].body
    assert created is not None
    assert created["spec"]["holderIdentity"] == "a"
    assert created["spec"]["leaseDurationSeconds"] == 15
    assert created["spec"]["leaseTransitions"] == 0
    assert [asked.method for asked in api.asked] == ["GET", "POST", "PUT"]


@pytest.mark.parametrize("spec", [{}, {"holderIdentity": ""}, {"holderIdentity": None}])
async def test_a_lease_that_nobody_holds_is_taken_at_once(
    api: InMemory, spec: dict[str, object]
) -> None:
    """LE-01, LE-03: empty holder, missing and null fields."""
    api.cluster.create({**held_by(""), "spec": spec})
    work = Work(lambda: seconds(1))

    await elector(api, "a").run(work)

    assert work.began == [pytest.approx(0, abs=0.1)]


@pytest.mark.fault("F63")
async def test_a_lease_that_is_held_is_waited_for(api: InMemory, logs: list[EventDict]) -> None:
    """LE-01: taken when it was seen unchanged for its own duration; its times are not looked at."""
    api.cluster.create(held_by("other", leaseDurationSeconds=20))
    work = Work(lambda: seconds(1))

    await elector(api, "a").run(work)

    assert work.began == [pytest.approx(20, abs=0.1)]
    assert [(entry["event"], entry.get("holder")) for entry in logs][:1] == [
        ("lease.waiting", "other")
    ]
    looks = [asked.at for asked in api.asked if asked.at < 20]
    assert all(later - before <= 2.1 for before, later in pairwise(looks))


async def test_a_holder_that_renews_is_waited_for_as_long_as_it_does(api: InMemory) -> None:
    """LE-01: do not acquire while the holder shows signs of life."""
    api.cluster.create(held_by("other"))
    work = Work(lambda: seconds(1))

    async with anyio.create_task_group() as group:
        group.start_soon(elector(api, "a").run, work)
        for second in range(0, 60, 10):
            await anyio.sleep(10)
            spec = {"renewTime": f"2026-01-01T00:01:{second:02}.000000Z"}
            api.cluster.patch(LEASES, "leases", "shop/web", {"spec": spec})

    assert 60 + 15 <= work.began[0] <= 60 + 15 + 2.1


async def test_labels_are_no_sign_of_life(api: InMemory) -> None:
    """Somebody who writes to the Lease all the time does not keep a dead holder alive."""
    api.cluster.create(held_by("other"))
    work = Work(lambda: seconds(1))

    async with anyio.create_task_group() as group:
        group.start_soon(elector(api, "a").run, work)
        for number in range(20):
            await anyio.sleep(1)
            labels = {"n": str(number)}
            api.cluster.patch(LEASES, "leases", "shop/web", {"metadata": {"labels": labels}})

    assert work.began == [pytest.approx(15, abs=0.1)]


async def test_ones_own_lease_is_taken_up_again(api: InMemory) -> None:
    """LE-01: renew own, at once; the count of transitions stays."""
    api.cluster.create(held_by("a"))
    work = Work(lambda: seconds(1))

    await elector(api, "a").run(work)

    assert work.began == [pytest.approx(0, abs=0.1)]
    assert lease(api)["leaseTransitions"] == 3


async def test_transitions_count_the_changes_of_holder(api: InMemory) -> None:
    """LE-01, LE-03: one more where another takes it; what else the Lease holds is kept."""
    api.cluster.create(held_by("other", strategy="OldestEmulationVersion"))

    await elector(api, "a").run(lambda: seconds(5))

    found = api.cluster.get(LEASES, "leases", "shop/web")
    assert found["spec"]["leaseTransitions"] == 4
    assert found["spec"]["strategy"] == "OldestEmulationVersion"
    assert found["metadata"]["labels"] == {"app": "web"}


async def test_of_two_that_take_it_at_once_one_has_it(api: InMemory) -> None:
    """The write is guarded by the version: the other one waits for its end."""
    works = Work(lambda: seconds(30.5)), Work(lambda: seconds(1))
    api.trouble = lambda asked: 0.5 if asked.method == "POST" and asked.at < 1 else None

    async with anyio.create_task_group() as group:
        for name, work in zip("ab", works, strict=True):
            group.start_soon(elector(api, name).run, work)

    first, second = sorted(works, key=lambda work: work.began)
    assert first.ended[0] <= second.began[0] <= first.ended[0] + 2.1


async def test_what_the_server_will_never_accept_is_raised(api: InMemory) -> None:
    """An invalid name is no reason to wait."""
    api.trouble = lambda asked: refused(422, "Invalid", "no") if writes(asked) else None

    with pytest.raises(InvalidRequest, match="POST lease shop/web: 422 Invalid: no"):
        await elector(api, "a").run(anyio.sleep_forever)


@pytest.mark.parametrize(
    "trouble",
    [refused(403, "Forbidden"), refused(500), refused(404, "NotFound"), Fault.NEVER_SENT],
)
async def test_what_may_pass_is_waited_out(
    api: InMemory, trouble: Fault | Exception, logs: list[EventDict]
) -> None:
    """Rights, a server or a namespace may come."""
    api.trouble = lambda asked: trouble if asked.at < 60 else None
    work = Work(lambda: seconds(1))

    await elector(api, "a").run(work)

    assert 60 <= work.began[0] <= 62.1
    failed = [entry for entry in logs if entry["event"] == "lease.acquire_failed"]
    assert 30 <= len(failed) <= 61
    assert failed[0]["delay"] <= 2
    assert "secret" not in str(failed)


async def test_retry_after_is_heeded_by_those_who_wait(api: InMemory) -> None:
    """As long as the server says, up to a minute."""
    headers = {"Retry-After": "30"}
    api.trouble = lambda asked: refused(429, **headers) if asked.at < 29 else None
    work = Work(lambda: seconds(1))

    await elector(api, "a").run(work)

    assert work.began == [pytest.approx(30, abs=0.1)]


async def test_work_resumes_within_the_lease_and_a_retry_period(api: InMemory) -> None:
    """From the death of a holder, whatever the luck of those who wait."""
    dead, work = InMemory(api.cluster), Work(lambda: seconds(1))
    died = 31.0
    dead.trouble = lambda asked: Fault.LOST if asked.at > died else None

    async def lead() -> None:
        with suppress(LeadershipLost):
            await elector(dead, "a").run(anyio.sleep_forever)

    async with anyio.create_task_group() as group:
        group.start_soon(lead)
        await anyio.sleep(1)
        group.start_soon(elector(api, "b").run, work)

    assert died + 10 <= work.began[0] <= died + 15 + 2 + 0.1


@pytest.mark.fault("F62")
async def test_a_process_that_was_stopped_does_no_work_when_it_is_continued(
    api: InMemory, clock: Clock
) -> None:
    """Its deadline has passed: it is cancelled before anything in it goes on."""
    steps: list[float] = []

    async def work() -> None:
        while True:
            await anyio.sleep(0.5)
            token = fencing_token()
            assert token is not None
            token.check()
            steps.append(anyio.current_time())

    async def stop() -> None:
        await anyio.sleep(5.2)
        clock.block(60)

    async with anyio.create_task_group() as group:
        group.start_soon(stop)
        with pytest.raises(LeadershipLost):
            await elector(api, "a").run(work)

    assert steps == pytest.approx([0.5 * n for n in range(1, 11)], abs=0.1)
