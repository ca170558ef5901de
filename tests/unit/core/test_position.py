"""Positions, signals and decisions: values, so that a decision can be compared and replayed."""

from typing import Any

import msgspec
import pytest

from watchkit.core import position
from watchkit.core.backoff import Backoff
from watchkit.core.pace import Pace
from watchkit.core.position import Policy, Position, Watch

VALUES = [
    each
    for each in vars(position).values()
    if isinstance(each, type) and each.__module__ == position.__name__
]


@pytest.mark.parametrize("kind", VALUES)
def test_every_one_is_a_frozen_value(kind: Any) -> None:  # noqa: ANN401
    """Nothing changes behind a decision's back; a misspelt field is an error."""
    is_struct = issubclass(kind, msgspec.Struct)
    parameters = kind.__struct_config__ if is_struct else kind.__dataclass_params__

    assert (parameters.frozen, parameters.eq) == (True, True)
    assert is_struct or "__slots__" in vars(kind)


def test_a_position_remembers_nothing_but_what_it_was_told() -> None:
    """A fresh one has no failures, no suspicion, and no memory of the world."""
    at = Position(Watch("5"), Pace())
    facts = msgspec.structs.asdict(at)

    assert {name for name, value in facts.items() if value} == {"next", "pace"}
    assert at == Position(Watch("5"), Pace())


def test_a_policy_is_the_design_where_the_caller_says_nothing() -> None:
    """Defaults of the design: back off as client-go, relist, 150 s of silence."""
    assert Policy() == Policy(Backoff(), "relist", 150.0)
