"""Conditions: whether an object is ready or gone, and questions made of questions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.conditions import all_of, any_of, is_deleted, is_ready, not_
from watchkit.core.objects import Object

YES, NO, UNKNOWN = "True", "False", "Unknown"


def an_object(
    *conditions: object, observed: object = None, generation: int | None = None, **metadata: object
) -> Object:
    """Make an object whose status has these conditions."""
    metadata |= {"name": "web", "generation": generation}
    return Object(
        {"metadata": metadata, "status": {"conditions": conditions, "observedGeneration": observed}}
    )


def condition(kind: str, status: str) -> dict[str, str]:
    """Make a condition as metav1 has it."""
    return {"type": kind, "status": status}


@pytest.mark.parametrize("kind", ["Ready", "Available", "Established"])
@pytest.mark.parametrize(("status", "ready"), [(YES, True), (NO, False), (UNKNOWN, False)])
def test_ready_is_what_the_condition_says(kind: str, status: str, *, ready: bool) -> None:
    """Pods and nodes say Ready, Deployments Available, CRDs Established."""
    others = [condition("Progressing", YES), condition("Initialized", NO)]

    assert is_ready(an_object(*others, condition(kind, status))) is ready


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        ([condition("Available", YES), condition("Ready", NO)], False),
        ([condition("Established", NO), condition("Available", YES)], True),
    ],
)
def test_of_several_conditions_the_most_telling_is_judged(
    conditions: list[object], *, ready: bool
) -> None:
    """Ready before Available before Established, in whatever order they stand."""
    assert is_ready(an_object(*conditions)) is ready
    assert is_ready(an_object(*reversed(conditions))) is ready


@pytest.mark.parametrize(
    ("observed", "generation", "ready"),
    [(1, 2, False), (2, 2, True), (3, 2, True), (None, 2, True), (1, None, True), ("1", 2, True)],
)
def test_a_status_older_than_the_spec_is_not_believed(
    observed: object, generation: int | None, *, ready: bool
) -> None:
    """It speaks of the spec before."""
    obj = an_object(condition("Available", YES), observed=observed, generation=generation)

    assert is_ready(obj) is ready


def test_what_is_being_deleted_is_not_ready() -> None:
    """Whatever its status still says."""
    obj = an_object(condition("Ready", YES), deletionTimestamp="2026-11-21T07:15:38Z")

    assert not is_ready(obj)


@pytest.mark.parametrize(
    "source",
    [
        {"metadata": {}},
        {"metadata": {}, "status": None},
        {"metadata": {}, "status": {}},
        {"metadata": {}, "status": {"conditions": None}},
        {"metadata": {}, "status": {"conditions": "Ready"}},
        {"metadata": {}, "status": {"conditions": ["Ready", None, {}, {"type": "Ready"}]}},
    ],
)
def test_what_says_nothing_of_it_is_not_ready(source: dict[str, object]) -> None:
    """Missing, null or of another shape: not ready, and no error."""
    assert not is_ready(Object(source))


def test_nothing_is_not_ready_but_deleted() -> None:
    """None stands for no such object."""
    obj = an_object(condition("Ready", YES))

    assert (is_ready(None), is_deleted(None)) == (False, True)
    assert (is_ready(obj), is_deleted(obj)) == (True, False)


@given(st.lists(st.booleans(), max_size=5))
def test_questions_combine_as_all_any_and_not(answers: list[bool]) -> None:
    """Judged in their order, and no further than need be."""
    asked: list[int] = []

    def question(number: int) -> bool:
        asked.append(number)
        return answers[number]

    questions = [lambda _, number=number: question(number) for number in range(len(answers))]

    assert all_of(*questions)(None) == all(answers)
    assert asked == list(range(len(answers)))[: answers.index(False) + 1 if False in answers else 9]
    asked.clear()
    assert any_of(*questions)(None) == any(answers)
    assert asked == list(range(len(answers)))[: answers.index(True) + 1 if True in answers else 9]
    assert [not_(each)(None) for each in questions] == [not each for each in answers]


def test_questions_are_asked_of_the_object() -> None:
    """All of them of the same one."""
    obj = an_object(condition("Ready", YES))

    assert all_of(is_ready, not_(is_deleted))(obj)
    assert not any_of(is_deleted, not_(is_ready))(obj)
