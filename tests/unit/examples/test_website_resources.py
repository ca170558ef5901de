"""What a website asks for, and what is said of it, as plain values."""

from datetime import UTC, datetime
from typing import Any

import pytest

from examples.website.resources import (
    State,
    deployment_of,
    laid_over,
    service_of,
    state_of,
    status_of,
)
from watchkit import Object

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def website(**spec: object) -> Object:
    """Give a website as it was read."""
    return Object(
        {
            "apiVersion": "example.com/v1",
            "kind": "Website",
            "metadata": {"namespace": "shop", "name": "front", "uid": "u1", "generation": 3},
            "spec": {"image": "web:1", **spec},
        }
    )


def deployment(generation: int, **status: int) -> Object:
    """Give a Deployment of generation 2."""
    seen: dict[str, Any] = {"observedGeneration": generation, **status}
    return Object({"metadata": {"name": "front", "generation": 2}, "status": seen})


@pytest.mark.parametrize(
    ("there", "wanted", "after"),
    [
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 3}]}, {"a": [{"b": 3, "c": 2}]}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_what_is_not_asked_for_stays(there: object, wanted: object, after: object) -> None:
    """And what is asked for is there afterwards; a second time changes nothing."""
    assert laid_over(there, wanted) == after
    assert laid_over(after, wanted) == after


def test_what_is_asked_for_has_an_owner_and_labels() -> None:
    """By which caches select it, and its changes lead back to the website."""
    for made in (deployment_of(website()), service_of(website())):
        metadata = made["metadata"]
        assert (metadata["namespace"], metadata["name"]) == ("shop", "front")
        assert metadata["labels"] == {"app.kubernetes.io/managed-by": "website-controller"}
        assert metadata["ownerReferences"][0]["uid"] == "u1"


def test_no_replicas_are_some_wish_too() -> None:
    """0 is not "not said"."""
    assert deployment_of(website(replicas=0))["spec"]["replicas"] == 0
    assert deployment_of(website())["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    ("found", "ready"),
    [
        (deployment(2, replicas=2, updatedReplicas=2, availableReplicas=2), True),
        (deployment(1, replicas=2, updatedReplicas=2, availableReplicas=2), False),
        (deployment(2, replicas=3, updatedReplicas=2, availableReplicas=2), False),
        (deployment(2, replicas=2, updatedReplicas=1, availableReplicas=2), False),
        (deployment(2, replicas=2, updatedReplicas=2, availableReplicas=1), False),
        (deployment(2, replicas=1, updatedReplicas=1, availableReplicas=1), False),
        (deployment(2), False),
        (Object({"metadata": {"name": "front", "generation": 2}}), False),
    ],
)
def test_it_is_ready_when_the_rollout_has_ended(found: Object, *, ready: bool) -> None:
    """All replicas are there, available, of the newest spec, and no older ones."""
    assert state_of(website(replicas=2), found).ready is ready


def test_a_website_of_no_replicas_is_ready() -> None:
    """Nothing is to be there, and nothing is."""
    assert state_of(website(replicas=0), deployment(2)).ready


def test_a_status_that_says_so_already_stays_as_it_is() -> None:
    """Also later: the time of a transition is that of a change."""
    state = State(ready=True, reason="Available", message="2 of 2")
    found = deployment(2, replicas=2)
    first = status_of(website(), state, found, NOW)
    site = Object({**website().to_dict(), "status": first})

    assert status_of(site, state, found, datetime(2031, 1, 1, tzinfo=UTC)) == first
    assert first["replicas"] == 2
    assert first["observedGeneration"] == 3
    assert [(each["type"], each["status"]) for each in first["conditions"]] == [
        ("Ready", "True"),
        ("Progressing", "False"),
    ]
    assert {each["observedGeneration"] for each in first["conditions"]} == {3}


def test_conditions_of_others_stay() -> None:
    """Only the two that are ours are set."""
    theirs = {"type": "Paid", "status": "True", "reason": "Paid", "message": ""}
    site = Object({**website().to_dict(), "status": {"conditions": [theirs], "other": 1}})
    made = status_of(site, State(ready=False, reason="Failed", message="no"), None, NOW)

    assert made["conditions"][0] == theirs
    assert made["other"] == 1
    assert made["replicas"] == 0
