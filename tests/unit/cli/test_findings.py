"""Laws of the doctor's verdicts: what was seen decides the mark, and the line says why."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from watchkit.api.discovery import ApiResource
from watchkit.cli import findings
from watchkit.cli.findings import Finding, Greeting, Identity, Mark, Watched
from watchkit.cli.names import UnknownResource
from watchkit.core.classify import api_error
from watchkit.core.errors import IdleTimeout, TransportError, WatchkitError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DATE = "Thu, 01 Jan 2026 12:00:00 GMT"
BROKEN = TransportError("watch pods: the answer broke off (ClientPayloadError)")


def greeting(*, ahead: float = 0.0, took: float = 0.0, date: str = DATE) -> Greeting:
    """Give an answer of a server whose clock is ahead by so much, and that took so long."""
    halfway = NOON + timedelta(seconds=0.5 - ahead)
    half = timedelta(seconds=took / 2)
    return Greeting("v1.37.1", date, halfway - half, halfway + half)


def refused(status: int) -> WatchkitError:
    """Give the error of an answer with that status."""
    return api_error(status, message="no", doing="ask")


@pytest.mark.parametrize(
    ("seen", "mark", "said"),
    [
        (greeting(took=0.25), Mark.OK, "https://here is Kubernetes v1.37.1, .* in 250 ms"),
        (refused(401), Mark.OK, "does not tell its version"),
        (refused(403), Mark.OK, "does not tell its version"),
        (refused(503), Mark.FAILED, "503"),
        (BROKEN, Mark.FAILED, "broke off"),
    ],
)
def test_any_answer_but_that_of_a_server_in_trouble_is_one(
    seen: Greeting | WatchkitError, mark: Mark, said: str
) -> None:
    """Who is refused has reached it."""
    finding = findings.of_server(seen, "https://here")

    assert (finding.check, finding.mark) == ("server", mark)
    assert re.search(said, finding.line)


@pytest.mark.parametrize(
    ("seen", "mark", "said"),
    [
        (greeting(), Mark.OK, "agree to the second"),
        (greeting(ahead=0.9, took=8), Mark.OK, "agree to the second"),
        (greeting(ahead=7, took=6), Mark.OK, "7.0 s behind the server's"),
        (greeting(ahead=9, took=6), Mark.WARNING, "9 s behind the server's"),
        (greeting(ahead=3), Mark.OK, "3.0 s behind the server's"),
        (greeting(ahead=-3), Mark.OK, "3.0 s ahead of the server's"),
        (greeting(ahead=5.5), Mark.WARNING, "s behind the server's: tokens and leases may fail"),
        (greeting(ahead=-3600), Mark.WARNING, "3600 s ahead of the server's"),
        (greeting(date=""), Mark.UNKNOWN, "does not tell the time"),
        (greeting(date="yesterday"), Mark.UNKNOWN, "does not tell the time"),
        (refused(403), Mark.UNKNOWN, "does not tell the time"),
    ],
)
def test_clocks_are_compared_halfway_through_the_answer(
    seen: Greeting | WatchkitError, mark: Mark, said: str
) -> None:
    """However long it took; a date of another kind is none."""
    finding = findings.of_clock(seen)

    assert (finding.mark, said in finding.line) == (mark, True)


@pytest.mark.parametrize(
    ("seen", "mark", "said"),
    [
        (Identity("alice"), Mark.OK, "knows you as alice"),
        (Identity("a\x1b[2J"), Mark.OK, "knows you as a?[2J"),
        (refused(401), Mark.FAILED, "does not accept your credentials"),
        (refused(404), Mark.UNKNOWN, "before 1.28"),
        (refused(403), Mark.UNKNOWN, "403"),
    ],
)
def test_only_rejected_credentials_are_a_failure(
    seen: Identity | WatchkitError, mark: Mark, said: str
) -> None:
    """Watching takes no name, as long as the rights are there."""
    finding = findings.of_identity(seen)

    assert (finding.mark, said in finding.line) == (mark, True)


def test_a_resource_must_be_there() -> None:
    """And be watchable, which the error says otherwise."""
    pods = ApiResource("", "v1", "pods", "pod", "Pod", True, frozenset())  # noqa: FBT003
    assert findings.of_resource(pods).mark is Mark.OK
    assert findings.of_resource(UnknownResource("none")) == Finding("resource", Mark.FAILED, "none")
    assert findings.of_resource(BROKEN).mark is Mark.FAILED


@pytest.mark.parametrize(
    ("get", "list_", "watch", "mark", "said"),
    [
        (True, True, True, Mark.OK, "you may get, list and watch pods"),
        (False, True, True, Mark.WARNING, "enough for watching"),
        (True, False, True, Mark.FAILED, "you may not list pods"),
        (False, False, False, Mark.FAILED, "you may not get, list or watch pods"),
        (True, True, BROKEN, Mark.UNKNOWN, "does not say what you may do"),
    ],
)
def test_watching_takes_list_and_watch(
    get: bool,  # noqa: FBT001
    list_: bool,  # noqa: FBT001
    watch: bool | WatchkitError,  # noqa: FBT001
    mark: Mark,
    said: str,
) -> None:
    """To get one object is for those who write."""
    finding = findings.of_rights({"get": get, "list": list_, "watch": watch}, "pods")

    assert (finding.mark, said in finding.line) == (mark, True)


def test_a_list_is_a_list() -> None:
    """What came instead is said."""
    assert findings.of_list("7", "pods").mark is Mark.OK
    assert findings.of_list(refused(403), "pods") == Finding("list", Mark.FAILED, "ask: 403: no")


@pytest.mark.parametrize(
    ("version", "mark"), [("7", Mark.OK), ("a7", Mark.WARNING), ("07", Mark.WARNING)]
)
def test_versions_that_cannot_be_compared_are_warned_of(version: str, mark: Mark) -> None:
    """Watching works with them, with fewer guards."""
    assert findings.of_versions(version).mark is mark


@pytest.mark.parametrize(
    ("seen", "mark"),
    [(None, Mark.OK), (refused(410), Mark.OK), (refused(403), Mark.FAILED), (BROKEN, Mark.FAILED)],
)
def test_a_watch_of_a_version_that_expired_was_let_in(
    seen: WatchkitError | None, mark: Mark
) -> None:
    """It was begun before the newest version, which is the doctor's own doing."""
    assert findings.of_watch(seen, "pods").mark is mark


@pytest.mark.parametrize(
    ("seen", "mark"),
    [
        (Watched(5, 1), Mark.OK),
        (Watched(5, 2), Mark.OK),
        (Watched(5, 0), Mark.WARNING),
        (Watched(5, 0, 1), Mark.UNKNOWN),
        (Watched(5, 1, 3), Mark.OK),
        (BROKEN, Mark.WARNING),
        (refused(410), Mark.UNKNOWN),
        (IdleTimeout("over"), Mark.UNKNOWN),
    ],
)
def test_a_watch_without_bookmarks_works_less_well(
    seen: Watched | WatchkitError, mark: Mark
) -> None:
    """One that was not waited for to its end tells nothing."""
    assert findings.of_bookmarks(seen).mark is mark


@pytest.mark.parametrize(
    ("seen", "mark"),
    [(True, Mark.OK), (False, Mark.WARNING), (refused(422), Mark.WARNING), (BROKEN, Mark.WARNING)],
)
def test_without_streams_there_are_pages(seen: bool | WatchkitError, mark: Mark) -> None:  # noqa: FBT001
    """Which costs the server more, and works."""
    finding = findings.of_stream(seen)

    assert finding.mark is mark
    assert ("in pages instead" in finding.line) == (mark is Mark.WARNING)


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ([Mark.OK, Mark.UNKNOWN], "all is well"),
        ([Mark.OK, Mark.WARNING], "watching works; 1 check of 2 could be better"),
        ([Mark.FAILED, Mark.WARNING, Mark.FAILED], "2 checks of 3 failed"),
    ],
)
def test_the_verdict_is_that_of_the_worst(marks: list[Mark], said: str) -> None:
    """And counts it."""
    assert findings.verdict([Finding("x", mark, "") for mark in marks]) == said
