"""Laws of the cells: what an object tells of itself, in a word or two."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.cli.examples import pod
from watchkit.cli.status import age_of, printable, span, status_of, tidy


def conditions(**by_type: str) -> dict[str, Any]:
    """Give a status with these conditions."""
    return {"conditions": [{"type": name, "status": status} for name, status in by_type.items()]}


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({}, ""),
        ({"status": {}}, ""),
        ({"status": {"phase": "Pending"}}, "Pending"),
        ({"status": {"phase": "Running"} | conditions(Ready="True")}, "Running"),
        ({"status": {"phase": "Running"} | conditions(Ready="False")}, "Running, not ready"),
        ({"status": {"phase": "Succeeded"} | conditions(Ready="False")}, "Succeeded"),
        ({"spec": {"replicas": 3}, "status": {"readyReplicas": 1}}, "1/3 ready"),
        ({"spec": {"replicas": 3}}, "0/3 ready"),
        ({"status": conditions(Ready="True", Other="False")}, "Ready"),
        ({"status": conditions(Ready="False")}, "not ready"),
        ({"status": conditions(Ready="Unknown")}, "unknown"),
        ({"status": conditions(Available="True", Ready="False")}, "not ready"),
        ({"status": conditions(Complete="True")}, "Complete"),
        ({"status": conditions(Complete="False", Failed="True")}, "Failed"),
        ({"status": conditions(Established="True")}, "Established"),
        ({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, "Terminating"),
    ],
)
def test_an_object_is_summed_up(sections: dict[str, Any], said: str) -> None:
    """Deletion before phase before replicas before conditions."""
    assert status_of(pod(**sections)) == said


@pytest.mark.parametrize(
    "status",
    [7, "x", [], None, {"phase": 3}, {"conditions": {}}, {"conditions": [1, None, {"type": 2}]}],
)
def test_a_status_of_any_shape_is_no_error(status: object) -> None:
    """A custom resource may have anything there."""
    assert status_of(pod(spec=None, status=status)) == ""


def test_an_unreadable_object_is_said_to_be_so() -> None:
    """A status that breaks off or nests too deep ends no watch."""
    nested: list[Any] = []
    for _ in range(600):
        nested = [nested]

    assert status_of(pod(status={"phase": nested})) == "unreadable"


def test_a_phase_cannot_move_the_cursor() -> None:
    """Anybody's text is shown as text."""
    assert status_of(pod(status={"phase": "\x1b[2JGone\n"})) == "?[2JGone"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0s"),
        (59.9, "59s"),
        (60, "60s"),
        (119, "119s"),
        (120, "2m"),
        (130, "2m10s"),
        (599, "9m59s"),
        (600, "10m"),
        (3599, "59m"),
        (3600, "1h"),
        (3660, "1h1m"),
        (36_000, "10h"),
        (86_399, "23h"),
        (86_400, "1d"),
        (90_000, "1d1h"),
        (864_000, "10d"),
    ],
)
def test_a_span_is_said_in_one_or_two_units(seconds: float, said: str) -> None:
    """As kubectl shortens ages."""
    assert span(seconds) == said


def test_an_age_is_never_negative() -> None:
    """The server's clock may be ahead of this one's."""
    now = datetime(2026, 1, 1, tzinfo=UTC)

    assert age_of(now + timedelta(seconds=5), now) == "0s"
    assert age_of(now - timedelta(seconds=5), now) == "5s"
    assert age_of(None, now) == ""


@given(st.text())
def test_printable_text_is_one_line_without_controls(text: str) -> None:
    """Whatever is in it."""
    assert printable(text).isprintable()


def test_a_failed_connection_names_its_address_once() -> None:
    """Asyncio's own words repeat it."""
    cause = "cannot connect to 127.0.0.1:6443: Connect call failed ('127.0.0.1', 6443) (Error)"

    assert tidy(cause) == "cannot connect to 127.0.0.1:6443 (Error)"
