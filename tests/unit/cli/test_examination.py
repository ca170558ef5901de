"""Laws of the doctor's run: the order of its checks, what stops it, and the bound of its time."""

import math
from collections.abc import Sequence

import anyio
import pytest

from tests.unit.cli.examples import manifest
from watchkit.cli import findings
from watchkit.cli.examination import Examination, of_source
from watchkit.cli.findings import Finding, Mark
from watchkit.core.errors import IdleTimeout, Unauthorized, WatchkitError
from watchkit.core.source import ListerWatcher
from watchkit.testing import (
    VIRTUAL_BACKENDS,
    FakeCluster,
    Fault,
    Forbid,
    NoBookmarks,
    NoInitialEventsEnd,
    Refuse,
    Stall,
    VirtualBackend,
    virtual_backend,
)

pytestmark = pytest.mark.anyio

CHECKS = ["list", "versions", "watch", "bookmarks", "streaming"]


class Heard:
    """A report that is kept."""

    def __init__(self) -> None:
        self.found: list[Finding] = []

    def find(self, finding: Finding) -> None:
        """Keep it."""
        self.found.append(finding)

    def end(self, findings: Sequence[Finding], grants: Sequence[dict[str, object]]) -> None:
        """Nothing is to be done."""


@pytest.fixture(params=VIRTUAL_BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    """Run in virtual time, on both backends."""
    name: VirtualBackend = request.param
    return virtual_backend(name)


@pytest.fixture
def source(cluster: FakeCluster) -> ListerWatcher:
    """Give all pods of the cluster."""
    return cluster.source("v1", "pods")


async def marks(source: ListerWatcher, timeout: float = 30) -> dict[str, Mark]:
    """Examine a source; give the marks by the checks' names, in order."""
    examination = Examination(Heard(), timeout)
    await of_source(examination, source, "pods")
    return {each.check: each.mark for each in examination.findings}


async def test_all_is_well_with_a_server_that_is(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """Every check is made, in order, and nothing is left open."""
    assert await marks(source) == dict.fromkeys(CHECKS, Mark.OK)
    assert cluster.open_watches == 0
    assert {request.verb for request in cluster.requests} == {"list", "watch"}


@pytest.mark.parametrize(
    ("fault", "on", "worse"),
    [
        (Forbid(), "list", {"list": Mark.FAILED} | dict.fromkeys(CHECKS[1:], Mark.UNKNOWN)),
        (
            Forbid(),
            "watch",
            {"watch": Mark.FAILED} | dict.fromkeys(CHECKS[3:], Mark.UNKNOWN),
        ),
        (NoBookmarks(), "watch", {"bookmarks": Mark.WARNING}),
        (NoInitialEventsEnd(), "watch", {"streaming": Mark.WARNING}),
        (Refuse(), "list", {"list": Mark.FAILED} | dict.fromkeys(CHECKS[1:], Mark.UNKNOWN)),
    ],
)
async def test_what_fails_is_found_and_what_it_hides_is_said(
    cluster: FakeCluster,
    source: ListerWatcher,
    fault: Fault,
    on: str,
    worse: dict[str, Mark],
) -> None:
    """No check is left out without a word; a warning stops nothing."""
    cluster.inject(fault, on="list" if on == "list" else "watch", times=None)

    assert await marks(source) == dict.fromkeys(CHECKS, Mark.OK) | worse
    assert cluster.open_watches == 0


async def test_a_silent_server_takes_the_time_that_was_given_and_no_more(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """All checks together have one bound."""
    cluster.inject(Stall(at="head"), on="any", times=None)
    began = anyio.current_time()

    assert (await marks(source, 7))["list"] is Mark.FAILED
    assert anyio.current_time() - began == pytest.approx(7, abs=0.2)


async def test_a_watch_that_outlives_the_time_tells_nothing(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """It may have ended with a bookmark, as others do: that is no warning. It is closed."""
    cluster.inject(Stall(math.inf), on="watch")

    assert (await marks(source, 3))["bookmarks"] is Mark.UNKNOWN
    assert cluster.open_watches == 0


async def test_rejected_credentials_are_refreshed_once() -> None:
    """A plugin may have kept a token that the server no longer takes; a second 401 counts."""
    examination = Examination(Heard(), 30)
    no = Unauthorized(401)
    answers: list[str | Exception] = [no, "yes", no, no]

    async def ask() -> str:
        await anyio.lowlevel.checkpoint()
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert await examination.attempt(ask) == "yes"
    assert isinstance(await examination.attempt(ask), Unauthorized)
    assert answers == []


async def test_the_time_is_named_when_it_is_over() -> None:
    """With the option that gives more."""
    examination = Examination(Heard(), 2)
    late = await examination.attempt(anyio.sleep_forever)

    assert isinstance(late, IdleTimeout)
    assert "the 2 s for all checks are over (--timeout)" in str(late)
    assert examination.left > 0


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([], 0),
        ([findings.of_versions("opaque")], 0),
        ([findings.of_list(WatchkitError("no"), "pods")], 1),
        ([findings.of_server(WatchkitError("no"), "")], 2),
    ],
)
async def test_the_exit_status_is_that_of_what_failed(found: list[Finding], status: int) -> None:
    """Warnings are none; without a cluster there is nothing to examine."""
    report = Heard()
    examination = Examination(report, 30)
    for finding in found:
        examination.find(finding)

    assert examination.status == status
    assert report.found == examination.findings == found


async def test_events_do_not_disturb_it(cluster: FakeCluster, source: ListerWatcher) -> None:
    """Something happens all the time where one wants to know."""
    async with anyio.create_task_group() as tasks:

        async def churn() -> None:
            for number in range(1000):
                cluster.create(manifest(f"pod-{number}"))
                await anyio.sleep(0.3)

        tasks.start_soon(churn)
        assert await marks(source) == dict.fromkeys(CHECKS, Mark.OK)
        tasks.cancel_scope.cancel()
