"""Request and Result: two values."""

import math

import pytest

from tests.unit.core.manifests import an_object
from watchkit.controllers import Request, Result


@pytest.mark.parametrize(
    ("request_", "key"), [(Request("shop", "web"), "shop/web"), (Request(None, "n1"), "n1")]
)
def test_a_request_has_the_key_of_its_object(request_: Request, key: str) -> None:
    """As caches name it."""
    assert request_.key == key


def test_requests_are_equal_where_they_ask_for_the_same() -> None:
    """So a queue holds one of them."""
    assert len({Request("shop", "web"), Request("shop", "web"), Request("blog", "web")}) == 2
    assert Request("shop", "web").key == an_object("web").key


@pytest.mark.parametrize("after", [-1, math.inf, math.nan])
def test_a_result_is_looked_at_again_in_a_finite_time(after: float) -> None:
    """Anything else is a mistake."""
    with pytest.raises(ValueError, match="requeue_after is in seconds"):
        Result(requeue_after=after)


def test_a_result_says_nothing_unless_told_to() -> None:
    """None means: when something changes; 0 means at once."""
    assert Result() == Result(None)
    assert Result(0).requeue_after == 0
