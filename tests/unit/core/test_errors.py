"""Errors: one tree with one root, texts that say what was done and what came back."""

import copy
import pickle

import pytest

from watchkit.core import errors
from watchkit.core.objects import Object

TREE = {
    errors.ApiError: errors.WatchkitError,
    errors.ResourceExpired: errors.ApiError,
    errors.TooManyRequests: errors.ApiError,
    errors.ServerUnavailable: errors.ApiError,
    errors.Conflict: errors.ApiError,
    errors.AlreadyExists: errors.Conflict,
    errors.NotFound: errors.ApiError,
    errors.Forbidden: errors.ApiError,
    errors.Unauthorized: errors.ApiError,
    errors.InvalidRequest: errors.ApiError,
    errors.Redirected: errors.ApiError,
    errors.TransportError: errors.WatchkitError,
    errors.IdleTimeout: errors.TransportError,
    errors.ProtocolError: errors.WatchkitError,
    errors.FrameTooLarge: errors.ProtocolError,
    errors.PageTooLarge: errors.ProtocolError,
    errors.AmbiguousWrite: errors.WatchkitError,
    errors.RetriesExhausted: errors.WatchkitError,
    errors.CircuitOpen: errors.WatchkitError,
    errors.ConditionTimeout: errors.WatchkitError,
    errors.SyncTimeout: errors.WatchkitError,
    errors.TerminalError: errors.WatchkitError,
    errors.LeadershipLost: errors.WatchkitError,
}


@pytest.mark.parametrize(("kind", "parent"), TREE.items())
def test_each_error_has_its_place_in_the_tree(kind: type, parent: type) -> None:
    """One `except` takes in a whole branch."""
    assert kind.__bases__[0] is parent


def test_every_error_is_in_the_tree() -> None:
    """There is no error outside of it: `except WatchkitError` takes in all."""
    defined = {each for each in vars(errors).values() if isinstance(each, type)}

    assert defined - set(TREE) == {errors.WatchkitError}


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (errors.ApiError(500), "500"),
        (errors.NotFound(404, "NotFound"), "404 NotFound"),
        (errors.Forbidden(403, "", "not you"), "403: not you"),
        (errors.Conflict(409, "Conflict", "old", doing="put it"), "put it: 409 Conflict: old"),
        (
            errors.AmbiguousWrite("put it: no answer", errors.TransportError("")),
            "put it: no answer",
        ),
        (errors.RetriesExhausted(1), "given up after 1 attempt"),
        (
            errors.RetriesExhausted(3, KeyError("secret")),
            "given up after 3 attempts, the last one with KeyError",
        ),
        (errors.CircuitOpen(7.0), "the circuit is open: too many of the last calls failed"),
        (
            errors.CircuitOpen(7.0, "pods"),
            "the circuit of pods is open: too many of the last calls failed",
        ),
    ],
)
def test_a_text_says_what_was_asked_and_what_came_back(error: Exception, text: str) -> None:
    """What is missing leaves no traces such as stray colons."""
    assert str(error) == text


def test_an_api_error_crosses_processes() -> None:
    """Pickled or copied, it has its class and all of its fields."""
    error = errors.TooManyRequests(429, "TooManyRequests", "slow", 3.0, {"kind": "pods"}, "list")

    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own
        assert type(twin) is errors.TooManyRequests
        assert vars(twin) == vars(error)
        assert str(twin) == str(error)


def test_details_are_a_mapping_always() -> None:
    """An error without details has empty ones: nobody need ask."""
    assert errors.ApiError(500).details == {}
    assert errors.ApiError(500, details={"name": "x"}).details == {"name": "x"}


def test_a_transport_error_says_whether_the_request_may_have_arrived() -> None:
    """Unless it surely did not leave, it may have."""
    assert errors.TransportError("reset").reached
    assert not errors.TransportError("refused", reached=False).reached
    assert errors.IdleTimeout("silence").reached


def test_a_condition_timeout_has_the_last_object_and_is_a_timeout() -> None:
    """Code that knows nothing of watchkit catches it as TimeoutError."""
    last = Object({"metadata": {"name": "web"}})
    error = errors.ConditionTimeout("waited 5 s", last)

    assert isinstance(error, TimeoutError)
    assert error.last is last
    assert str(error) == "waited 5 s"
    assert errors.ConditionTimeout("waited").last is None
