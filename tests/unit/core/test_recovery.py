"""What a failure leads to: the rows of the design's table (5) that are about failures.

Each docstring begins with the row's own words.
"""

import pytest

from tests.unit.core.driving import (
    BUSY,
    DELAYS,
    GARBAGE,
    IDLE,
    RESET,
    Driver,
)
from watchkit.core import errors
from watchkit.core.classify import status_error
from watchkit.core.position import Dead, Failed, List, Listed, Moved, Opened, Watch

FATAL = [
    errors.InvalidRequest(400),
    errors.InvalidRequest(405),
    errors.InvalidRequest(406),
    errors.InvalidRequest(422),
    errors.Redirected(302),
]
TRANSIENT = [
    RESET,
    errors.TransportError("refused", reached=False),
    *(status_error(b"", code) for code in (408, 500, 502, 503, 504)),
    status_error(b"<html>Bad Gateway</html>", 502),
    status_error(b"etcdserver: leader changed", 500),
    status_error(b"", 204),
    errors.Conflict(409),
    errors.ApiError(500),
]


@pytest.mark.fault("F01", "F02", "F03", "F11")
@pytest.mark.parametrize("error", TRANSIENT, ids=str)
def test_what_may_heal_backs_off_at_the_same_version(error: errors.WatchkitError) -> None:
    """Connection refused, DNS, TLS, timeout, 500/502/503/504, HTML bodies: back off, keep version.

    Never relist for that alone, however often it comes.
    """
    driver = Driver("5")

    for delay in DELAYS * 4:
        decision = driver.fail(error)
        assert driver.next() == Watch("5")
        assert decision.error is None
        assert decision.said is not None
        assert decision.said.event == "watch.retrying"
        assert driver.delay == pytest.approx(delay) or driver.at.attempt > len(DELAYS)
    assert driver.delay == 30.0
    assert driver.at.failures == 32
    assert driver.at.cause is error


@pytest.mark.fault("F25")
def test_a_reset_resumes_at_the_last_version_taken() -> None:
    """Reset, EOF in a chunk, malformed HTTP...: back off, reconnect at the last version taken."""
    driver = Driver("5")
    driver.watch("6", "8")
    driver.see(Failed(RESET, opened=True), after=10)

    assert driver.next() == Watch("8")
    assert driver.delay == pytest.approx(0.8)
    assert (driver.at.attempt, driver.at.failures) == (1, 1)


# Frames that cannot be read.


@pytest.mark.fault("F36")
@pytest.mark.parametrize("error", [GARBAGE, errors.FrameTooLarge("8 MiB")], ids=str)
def test_the_third_bad_frame_at_one_version_is_expiry_the_fourth_raises(
    error: errors.ProtocolError,
) -> None:
    """A frame that is undecodable...: treated as a reset; the 3rd in a row ... is expiry.

    The count runs on over that relist, the 4th raises ProtocolError.
    """
    driver = Driver("5")

    for _ in range(2):
        assert driver.fail(error, opened=True).error is None
        assert driver.next() == Watch("5")
    assert driver.fail(error, opened=True).error is None
    assert driver.next() == List(gap=True)

    driver.list("9")
    decision = driver.fail(error, opened=True)
    assert decision.error is error
    assert decision.said is not None
    assert decision.said.event == "watch.failed"
    assert driver.next() == Watch("9"), "iterating again resumes"
    assert driver.fail(error, opened=True).error is error, "and raises again"
    assert driver.delay > 0


def test_bad_frames_with_progress_between_them_are_not_in_a_row() -> None:
    """The 3rd in a row at one version: progress begins a new row, before and after a relist."""
    driver = Driver("5")
    for version in range(6, 20):
        driver.fail(GARBAGE, opened=True)
        driver.fail(GARBAGE, opened=True)
        driver.watch(str(version))

    for _ in range(3):
        driver.see(Failed(GARBAGE, opened=True))
        driver.start()
    driver.see(Listed("30"))
    driver.watch("31")
    assert driver.see(Failed(GARBAGE, opened=True)).error is None
    assert driver.next() == Watch("31")


def test_three_bad_frames_raise_expiry_where_the_caller_wants_it_raised() -> None:
    """Expiry is one path, however it arrives."""
    driver = Driver("5", on_expired="raise")
    decisions = [driver.fail(GARBAGE, opened=True) for _ in range(3)]

    assert isinstance(decisions[-1].error, errors.ResourceExpired)
    assert isinstance(driver.next(), Dead)


def test_a_list_that_is_none_is_listed_again() -> None:
    """Pages with different versions, duplicate keys...: listed again, with backoff."""
    driver = Driver(None)
    delays = []
    for _ in range(8):
        assert driver.fail(errors.ProtocolError("two versions")).error is None
        assert driver.next() == List(gap=False)
        delays.append(driver.delay)

    assert delays == pytest.approx(DELAYS)


@pytest.mark.fault("F58")
def test_a_page_of_one_object_that_is_too_large_raises() -> None:
    """Page body 64 MiB (halve the limit down to 1, then raise); again only after a wait."""
    driver = Driver(None)
    error = errors.PageTooLarge("64 MiB")

    assert driver.fail(error).error is error
    assert driver.next() == List(gap=False)
    assert driver.delay == pytest.approx(0.8)


# Silence.


@pytest.mark.fault("F20")
def test_the_first_silence_reconnects_at_once_the_next_ones_back_off() -> None:
    """No complete frame for idle_timeout: reconnect at the same version, the first time at once."""
    driver = Driver("5")
    delays = []
    for _ in range(4):
        decision = driver.fail(IDLE, opened=True, after=150)
        assert decision.said is not None
        assert decision.said.event == "watch.idle"
        assert driver.next() == Watch("5")
        delays.append(driver.delay)
    assert delays == pytest.approx([0.0, 0.8, 1.6, 3.2])

    driver.watch("6")
    driver.see(Failed(IDLE, opened=True), after=150)
    assert driver.delay == 0.0, "after progress it is the first time again"


@pytest.mark.fault("F22")
def test_a_silent_head_or_body_counts_as_well() -> None:
    """No answer's head, or no byte of a list body, for as long."""
    driver = Driver(None)
    driver.fail(IDLE, after=150)

    assert (driver.next(), driver.delay) == (List(gap=False), 0.0)
    driver.fail(IDLE, after=150)
    assert driver.delay == pytest.approx(0.8)
    assert driver.at.silent_watches == 0, "only an open watch tells whether bookmarks come"


# Who may not, or need not ask.


@pytest.mark.fault("F05")
def test_rejected_credentials_are_tried_again_at_once_once() -> None:
    """401: refresh credentials, one immediate retry per run of failures, then back off."""
    driver = Driver("5")
    delays = []
    for _ in range(4):
        driver.fail(errors.Unauthorized(401))
        assert driver.next() == Watch("5")
        delays.append(driver.delay)
    assert delays == pytest.approx([0.0, 0.8, 1.6, 3.2])

    driver.watch("6")
    driver.see(Failed(errors.Unauthorized(401), opened=True), after=60)
    assert driver.delay == 0.0, "progress ends the run"


def test_a_list_does_not_end_a_run_of_rejected_credentials() -> None:
    """A list that passes is no progress: list, 401, list, 401 ... backs off."""
    driver = Driver(None)
    driver.fail(errors.Unauthorized(401))
    driver.list("9")
    driver.fail(errors.Unauthorized(401), after=10)

    assert driver.delay == pytest.approx(0.8)


@pytest.mark.fault("F07", "F08")
@pytest.mark.parametrize("error", [errors.Forbidden(403), errors.NotFound(404)], ids=str)
@pytest.mark.parametrize("version", ["5", None])
def test_forbidden_and_not_served_are_retried_at_the_cap(
    error: errors.ApiError, version: str | None
) -> None:
    """403: keep the cache, FORBIDDEN, retry at the cap. 404: NOT_SERVED, retry at the cap."""
    driver = Driver(version)
    before = driver.next()
    for _ in range(3):
        assert driver.fail(error).error is None
        assert (driver.next(), driver.delay, driver.at.cause) == (before, 30.0, error)


@pytest.mark.fault("F09")
@pytest.mark.parametrize("error", FATAL, ids=str)
@pytest.mark.parametrize("version", ["5", None])
@pytest.mark.parametrize("opened", [False, True])
def test_a_wrong_request_is_raised(
    error: errors.ApiError, version: str | None, *, opened: bool
) -> None:
    """400, 405, 406, 422: raise ...; no loop. Server sends 3xx: refused, FATAL."""
    driver = Driver(version)
    before = driver.next()

    for delay in DELAYS:
        decision = driver.fail(error, opened=opened)
        assert decision.error is error
        assert decision.said is not None
        assert decision.said.level == "warning"
        assert driver.next() == before, "iterating again resumes"
        assert driver.delay == pytest.approx(delay), "but not in a loop"


def test_an_error_of_another_kind_is_raised() -> None:
    """What the machine does not know it does not swallow."""
    error = errors.WatchkitError("?")

    assert Driver("5").fail(error).error is error


# Errors that an open watch gives.


@pytest.mark.fault("F39")
def test_five_error_events_at_one_version_relist() -> None:
    """200 with a Status body; ERROR events...: back off, keep the version; after 5, relist."""
    driver = Driver("5")
    for delay in DELAYS[:4]:
        driver.fail(BUSY, opened=True)
        assert driver.next() == Watch("5")
        assert driver.delay == pytest.approx(delay)

    driver.fail(BUSY, opened=True)
    assert driver.next() == List(gap=True)
    driver.list("9")
    for _ in range(4):
        driver.fail(BUSY, opened=True)
        assert driver.next() == Watch("9"), "after the relist they are counted anew"


def test_error_events_at_other_versions_are_not_counted() -> None:
    """After 5 at one version: progress is another one."""
    driver = Driver("5")
    for version in range(6, 20):
        for _ in range(4):
            driver.fail(BUSY, opened=True)
        driver.watch(str(version))
        driver.see(Failed(RESET, opened=True))

    assert driver.next() == Watch("19")


def test_refused_watches_are_no_error_events() -> None:
    """A 503 in the head says nothing of the version, however often."""
    driver = Driver("5")
    for _ in range(20):
        driver.fail(BUSY)

    assert driver.at.stream_errors == 0


# Suspicion.


@pytest.mark.parametrize(
    ("error", "suspicious"),
    [(RESET, True), (IDLE, True), (GARBAGE, True), (BUSY, False), (errors.Forbidden(403), False)],
    ids=str,
)
def test_a_broken_connection_makes_the_next_one_suspect(
    error: errors.WatchkitError, *, suspicious: bool
) -> None:
    """The first watch answered after a refused, reset or idle-timed-out connection: a probe."""
    driver = Driver("5")
    driver.fail(error)
    driver.start()

    assert driver.see(Opened()).probe == ("5" if suspicious else None)
    assert driver.see(Moved("6")).probe is None
