"""Laws of set_condition: what changes, what stays, and when the transition time moves."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.core.conditions import set_condition

NOW = datetime(2026, 5, 4, 3, 2, 1, 99, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
READY: dict[str, Any] = {
    "type": "Ready",
    "status": "False",
    "reason": "Starting",
    "message": "",
    "lastTransitionTime": "2026-05-04T03:02:01Z",
}


def test_a_new_condition_is_appended() -> None:
    """Behind the others, which stay as they are."""
    other: dict[str, Any] = {"type": "Other", "status": "True", "x": 1}
    conditions = [other]

    assert set_condition(conditions, "Ready", "False", reason="Starting", now=NOW)
    assert conditions == [{"type": "Other", "status": "True", "x": 1}, READY]


def test_the_same_again_changes_nothing() -> None:
    """However much later."""
    conditions = [dict(READY)]

    assert not set_condition(conditions, "Ready", "False", reason="Starting", now=LATER)
    assert conditions == [READY]


def test_the_transition_time_moves_with_the_status() -> None:
    """To now, in whole seconds of UTC."""
    conditions = [dict(READY)]
    there = timezone(timedelta(hours=5))

    assert set_condition(conditions, "Ready", "True", reason="Up", now=LATER.astimezone(there))
    assert conditions[0]["lastTransitionTime"] == "2026-05-04T04:02:01Z"


@pytest.mark.parametrize(
    "change",
    [{"reason": "Waiting"}, {"message": "soon"}, {"observed_generation": 7}],
)
def test_the_transition_time_stays_where_the_status_does(change: dict[str, Any]) -> None:
    """A reason, a message or a generation is a change, but no transition."""
    conditions = [dict(READY)]

    assert set_condition(
        conditions, "Ready", "False", **{"reason": "Starting", **change}, now=LATER
    )
    assert conditions[0]["lastTransitionTime"] == READY["lastTransitionTime"]


def test_a_generation_that_is_not_said_stays() -> None:
    """And what else is in a condition."""
    conditions = [{**READY, "observedGeneration": 3, "more": "x"}]

    set_condition(conditions, "Ready", "True", reason="Up", now=LATER)

    assert conditions[0]["observedGeneration"] == 3
    assert conditions[0]["more"] == "x"


def test_a_bool_is_a_status() -> None:
    """True and False are written as the API writes them."""
    conditions: list[dict[str, Any]] = []
    is_ready = False

    set_condition(conditions, "Ready", is_ready, reason="Starting", now=NOW)

    assert conditions == [READY]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"status": "yes"}, "status is True, False or Unknown"),
        ({"type": ""}, "a type and a reason"),
        ({"reason": ""}, "a type and a reason"),
        ({"now": NOW.replace(tzinfo=None)}, "its zone"),
    ],
)
def test_what_the_api_would_refuse_is_refused(wrong: dict[str, Any], said: str) -> None:
    """And nothing is changed."""
    conditions: list[dict[str, Any]] = []
    right: dict[str, Any] = {"type": "Ready", "status": "True", "reason": "Up", "now": NOW}
    asked = {**right, **wrong}

    with pytest.raises(ValueError, match=said):
        set_condition(conditions, asked.pop("type"), asked.pop("status"), **asked)
    assert conditions == []


@given(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(["True", "False", "Unknown"]))))
def test_there_is_one_of_each_type_and_its_time_is_that_of_its_last_change(
    said: list[tuple[str, Any]],
) -> None:
    """Whatever is said in whatever order."""
    conditions: list[dict[str, Any]] = []
    changed: dict[str, tuple[str, str]] = {}
    for hours, (kind, status) in enumerate(said):
        now = NOW + timedelta(hours=hours)
        if changed.get(kind, ("", ""))[0] != status:
            changed[kind] = status, now.strftime("%Y-%m-%dT%H:%M:%SZ")
        set_condition(conditions, kind, status, reason="Because", now=now)

    assert {
        each["type"]: (each["status"], each["lastTransitionTime"]) for each in conditions
    } == changed
    assert len(conditions) == len(changed)
