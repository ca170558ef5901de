"""What a controller logs: as documented, with an id for each reconcile, and without bodies."""

from collections import defaultdict

import anyio
import pytest
import structlog
from structlog.testing import LogCapture, capture_logs
from structlog.typing import EventDict

from tests.unit.controllers.reconciling import Reconciler, gives, raises, sleeps
from tests.unit.observe.test_documented import documented
from watchkit import TerminalError
from watchkit.controllers import Controller, ItemExponential, Request, Result, WorkQueue
from watchkit.observe.reconciling import ControllerObserver, ReconcileObserver
from watchkit.testing import run_virtual

FAMILIES = ("controller", "enqueue", "reconcile")


async def live() -> None:
    """Let a controller do all that there is to log."""
    queue: WorkQueue[Request] = WorkQueue(ItemExponential(1, 60, jitter="none"))
    reconciler = Reconciler()
    reconciler.when("shop/a", raises(ValueError("no")), raises(KeyError()), gives(Result(5)))
    reconciler.when("shop/b", raises(TerminalError("never")))
    reconciler.when("shop/c", sleeps(1000))
    for name in "abc":
        queue.add(Request("shop", name))
    controller = Controller(reconciler, name="shop", workers=2, queue=queue)
    with anyio.move_on_after(10):
        await controller.run()
    send, receive = anyio.create_memory_object_stream[int](1)
    controller.watches(receive, lambda number: [Request(None, str(1 // number))])
    async with send, receive:
        send.send_nowait(0)
        with pytest.raises(ZeroDivisionError):
            await controller.run()


@pytest.fixture(scope="module")
def logs() -> list[EventDict]:
    """Give what that logged."""
    with capture_logs() as captured:
        run_virtual(live)
    return captured


def test_levels_and_keys_are_as_documented(logs: list[EventDict]) -> None:
    """Of each event, as it really comes."""
    levels: dict[str, set[str]] = defaultdict(set)
    for entry in logs:
        event = entry["event"]
        levels[event].add(entry["log_level"])
        always = {"event", "log_level", "controller"}
        if event.startswith("reconcile."):
            always |= {"key", "reconcile_id"}
        assert set(entry) >= always
        assert set(entry) - always == documented()[event][1]

    expected = {event: levels for event, (levels, _) in documented(*FAMILIES).items()}
    assert levels == expected


def test_failures_are_told_with_what_follows(logs: list[EventDict]) -> None:
    """For the how manieth time, when it is tried again, and why."""
    failed = [each for each in logs if each["event"] == "reconcile.failed"]

    told = [(each["key"], each["attempt"], each["delay"], each["cause"]) for each in failed]
    assert told == [("shop/a", 1, 1.0, "ValueError: no"), ("shop/a", 2, 2.0, "KeyError: ")]
    (given_up,) = [each for each in logs if each["event"] == "reconcile.given_up"]
    assert (given_up["key"], given_up["cause"]) == ("shop/b", "never")


def test_each_reconcile_has_an_id_of_its_own(logs: list[EventDict]) -> None:
    """What began and what ended it have the same."""
    begun = [each["reconcile_id"] for each in logs if each["event"] == "reconcile.started"]
    ended = [
        each["reconcile_id"]
        for each in logs
        if each["event"].startswith("reconcile.") and each["event"] != "reconcile.started"
    ]

    assert len(begun) == len(set(begun)) == 6
    assert sorted(begun) == sorted(ended)


def test_what_a_reconcile_logs_carries_its_keys() -> None:
    """Through structlog's context; nothing is left of that after it, or beside it."""
    captured = LogCapture()

    async def reconcile(request: Request) -> None:
        structlog.get_logger().info("mine", step=1)
        await anyio.sleep(1)
        structlog.get_logger().info("mine", step=2)

    async def two_at_once() -> None:
        queue: WorkQueue[Request] = WorkQueue()
        for name in "ab":
            queue.add(Request("shop", name))
        queue.close()
        await Controller(reconcile, name="shop", workers=2, queue=queue).run()
        assert structlog.contextvars.get_contextvars() == {}

    before = structlog.get_config()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, captured])
    try:
        run_virtual(two_at_once)
    finally:
        structlog.configure(**before)

    ids = {
        each["key"]: each["reconcile_id"]
        for each in captured.entries
        if each["event"] == "reconcile.done"
    }
    mine = [each for each in captured.entries if each["event"] == "mine"]
    assert sorted((each["key"], each["step"]) for each in mine) == [
        ("shop/a", 1),
        ("shop/a", 2),
        ("shop/b", 1),
        ("shop/b", 2),
    ]
    assert all(each["reconcile_id"] == ids[each["key"]] for each in mine)
    assert {each["controller"] for each in mine} == {"shop"}


class ApiException(Exception):
    """As kubernetes_asyncio's: its text is all of the answer."""

    status = 409
    reason = "Conflict"
    headers = ("Authorization: s3cr3t",)
    body = '{"kind":"Status","code":409,"reason":"Conflict","message":"old","data":"s3cr3t"}'

    def __str__(self) -> str:
        return f"({self.status}) {self.headers} {self.body}"


def refuse() -> None:
    """Raise it, in a place that a traceback names."""
    raise ApiException


def test_an_answer_of_the_server_is_told_without_its_body() -> None:
    """C9: neither in the cause nor in the traceback, which still shows where it was raised."""
    captured = LogCapture()
    before = structlog.get_config()
    structlog.configure(processors=[structlog.processors.format_exc_info, captured])
    with pytest.raises(ApiException) as raised:
        refuse()
    error = raised.value
    try:
        reconcile = ReconcileObserver("shop", "shop/a", "1")
        reconcile.failed(0.0, 1, 5.0, error)
        reconcile.given_up(0.0, error)
        ControllerObserver("shop").failed(error)
        ControllerObserver("shop").enqueue_failed("shop/a", error)
    finally:
        structlog.configure(**before)

    assert [each["cause"] for each in captured.entries] == ["409 Conflict: old"] * 4
    assert "s3cr3t" not in str(captured.entries)
    assert all("in refuse" in each["exception"] for each in captured.entries)
