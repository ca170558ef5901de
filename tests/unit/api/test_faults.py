"""Laws of Retry-After, and of what is said about foreign errors."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import pytest

from watchkit.api.faults import retry_after, transport_error
from watchkit.core.errors import TransportError

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("9" * 400, 1e9),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0.0),
        ("Wed, 21 Oct 2026 07:28:30 -0000", 30.0),
        ("", None),
        ("-3", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Wed, 99 Oct 2026 07:28:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    """A date counts from the answer's own Date; nonsense counts as nothing said."""
    assert retry_after({"Retry-After": header, "Date": DATE}) == seconds


def test_without_a_date_the_clock_of_this_machine_judges() -> None:
    """An answer without a Date, or with a broken one, is judged from now."""
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)

    for date in ({}, {"Date": "yesterday"}):
        assert retry_after({"Retry-After": until, **date}) == pytest.approx(100, abs=5)


def test_no_retry_after_is_none() -> None:
    """An answer that asks for nothing gives None."""
    assert retry_after({}) is None


def test_what_a_foreign_error_says_is_not_repeated() -> None:
    """Its class is named; its text, which may hold headers and URLs, is not."""
    for error in (
        RuntimeError("Authorization: Bearer canary"),
        ValueError("https://user:canary@host"),
        aiohttp.ClientPayloadError("canary"),
        aiohttp.ClientError("canary"),
    ):
        ours = transport_error(error, "list pods")

        assert type(ours) is TransportError
        assert str(ours).startswith("list pods: ")
        assert type(error).__name__ in str(ours)
        assert "canary" not in repr(ours)


def test_what_the_system_says_is_repeated() -> None:
    """The text of errno tells a user what is wrong, and holds no secret."""
    text = str(transport_error(ConnectionResetError(104, "Connection reset by peer"), "list pods"))

    assert text == (
        "list pods: the connection broke: Connection reset by peer (ConnectionResetError)"
    )
