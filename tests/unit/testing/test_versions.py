"""The resourceVersion that a write names: which one it may be, and what it means."""

from typing import Final

import pytest

from watchkit.testing.apply import Terms
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.resources import Resource
from watchkit.testing.state import HAND, State
from watchkit.testing.writes import Author

MAPS: Final = Resource("v1", "configmaps", "ConfigMap")
SHOPS: Final = Resource("x.io/v1", "shops", "Shop", custom=True, status=True, guarded=True)
CLIENT: Final = Author("client", "main")


@pytest.fixture
def state() -> State:
    """Give a state with nothing in it."""
    return State(None)


def versioned(version: str | None, **labels: str) -> Manifest:
    """Give an object that names a version."""
    return {"metadata": {"name": "d", "resourceVersion": version, "labels": labels}}


def refused(state: State, kept: Kept, version: str | None, author: Author = CLIENT) -> int:
    """Update an object, and give the status of the refusal, 200 if there is none."""
    try:
        state.update(kept, versioned(version, colour="red"), author)
    except Refusal as no:
        return no.reply.status
    return 200


@pytest.mark.parametrize(
    ("version", "taken"), [("0", True), ("x", True), ("-1", True), ("7", False)]
)
def test_what_is_created_names_no_version(state: State, version: str, taken: bool) -> None:  # noqa: FBT001
    """None, zero and nonsense are the same there."""
    if taken:
        assert state.create(MAPS, versioned(version), CLIENT).version == 96
        return
    with pytest.raises(Refusal, match="should not be set"):
        state.create(MAPS, versioned(version), CLIENT)


@pytest.mark.parametrize(
    ("version", "of_maps", "of_shops"),
    [
        (None, 200, 422),
        ("", 200, 422),
        ("0", 200, 422),
        ("00", 200, 422),
        ("96", 200, 200),
        ("7", 409, 409),
        ("x", 500, 500),
        ("-1", 500, 500),
        ("\u0667", 500, 500),
    ],
)
def test_zero_names_no_version(
    state: State, version: str | None, of_maps: int, of_shops: int
) -> None:
    """Where one has to be named, it is refused as none."""
    found = [
        refused(state, State(None).create(resource, versioned(None), CLIENT), version)
        for resource in (MAPS, SHOPS)
    ]

    assert found == [of_maps, of_shops]


def test_the_hand_of_a_test_need_not_name_a_version(state: State) -> None:
    """It may write a custom resource without."""
    kept = state.create(SHOPS, versioned(None))

    assert refused(state, kept, None, HAND) == 200


def applied(state: State, version: str, **labels: str) -> int:
    """Apply, and give the status of the refusal, 200 if there is none."""
    try:
        state.apply(MAPS, "default/d", versioned(version, **labels), Terms(CLIENT))
    except Refusal as no:
        return no.reply.status
    return 200


@pytest.mark.parametrize(
    ("version", "to_nothing", "to_another"),
    [("7", 200, 409), ("x", 500, 500), ("0", 200, 200), ("96", 200, 200)],
)
def test_an_apply_may_name_the_version(
    state: State, version: str, to_nothing: int, to_another: int
) -> None:
    """Where there is an object; where there is none, any will do that is a number."""
    assert applied(State(None), version) == to_nothing
    state.create(MAPS, versioned(None))
    assert applied(state, version, a="b") == to_another
