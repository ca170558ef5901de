"""Errors say what was done, to what, and, where the request is wrong, with which options."""

import pytest

from watchkit.core import errors
from watchkit.core.naming import named
from watchkit.core.options import ListOptions

DOING = "watch pods in shop"
OPTIONS = ListOptions(label_selector="app==", limit=7)
PLAIN = ListOptions()


@pytest.mark.parametrize(
    "error",
    [
        errors.TransportError("reset"),
        errors.TransportError("refused", reached=False),
        errors.IdleTimeout("nothing came for 150 s"),
        errors.ProtocolError("a watch event that cannot be read"),
        errors.FrameTooLarge("longer than 8 MiB"),
        errors.PageTooLarge("longer than 64 MiB"),
    ],
)
def test_a_fault_gets_what_was_done_before_its_text(error: errors.WatchkitError) -> None:
    """Its class and all else stay; it is said once only; options are not to blame."""
    once = named(error, DOING, OPTIONS)

    assert type(once) is type(error)
    assert str(once) == f"{DOING}: {error}"
    assert named(once, DOING, OPTIONS) is once
    assert vars(once) == vars(error)


def test_an_error_of_the_server_gets_what_was_done_unless_it_says_so() -> None:
    """With every field as it was: an error of the edge knows better."""
    error = errors.ServerUnavailable(503, "ServiceUnavailable", "later", 3.0, {"kind": "pods"})

    told = named(error, DOING, OPTIONS)

    assert type(told) is errors.ServerUnavailable
    assert vars(told) == vars(error) | {"doing": DOING}
    assert named(told, "something else", OPTIONS) is told


@pytest.mark.parametrize(
    ("options", "doing", "text"),
    [
        (OPTIONS, "", f"{DOING} with label_selector='app==', limit=7"),
        (OPTIONS, "list pods", "list pods with label_selector='app==', limit=7"),
        (PLAIN, "", DOING),
    ],
)
def test_a_wrong_request_names_the_callers_options(
    options: ListOptions, doing: str, text: str
) -> None:
    """400, 405, 406, 422: raise, naming the caller's options."""
    error = errors.InvalidRequest(400, "BadRequest", "cannot parse", doing=doing)

    assert str(named(error, DOING, options)) == f"{text}: 400 BadRequest: cannot parse"


def test_other_errors_are_as_they_are() -> None:
    """What is not about a request has no request to name."""
    error = errors.ConditionTimeout("5 s")

    assert named(error, DOING, OPTIONS) is error
