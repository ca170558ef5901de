"""What the table of answers says of calls: what may pass, was left undone, or is an outage."""

import copy
import pickle

import pytest

from watchkit.core import errors
from watchkit.core.classify import (
    api_error,
    as_ours,
    left_undone,
    may_pass,
    shows_outage,
    status_error,
)
from watchkit.core.telling import told


@pytest.mark.parametrize(
    ("error", "passes", "undone"),
    [
        (api_error(500), True, False),
        (api_error(501), False, False),
        (api_error(403, reason="TooManyRequests"), False, True),
        (api_error(429), False, True),
        (api_error(503, retry_after=0.0), False, True),
        (api_error(503), False, False),
        (api_error(504, retry_after=1.0), False, False),
        (api_error(400, message="x: etcdserver: leader changed"), True, True),
        (
            api_error(500, message="rpc error: code = Unknown desc = raft proposal dropped"),
            True,
            True,
        ),
        (api_error(501, message="etcdserver: too many requests"), True, False),
        (api_error(501, message="malformed header: missing HTTP content-type"), True, False),
        (api_error(410, reason="Expired", message="etcdserver: leader changed"), False, True),
    ],
)
def test_what_passes_and_what_was_left_undone(
    error: errors.ApiError,
    passes: bool,  # noqa: FBT001
    undone: bool,  # noqa: FBT001
) -> None:
    """By the caller's codes or etcd's words; undone where the server says so, and nowhere else."""
    assert may_pass(error, {500}) is passes
    assert left_undone(error) is undone


@pytest.mark.fault("F10", "F83")
@pytest.mark.parametrize(
    ("error", "ill"),
    [
        (api_error(500), True),
        (api_error(599), True),
        (api_error(499), False),
        (api_error(429), False),
        (errors.TransportError("x"), True),
        (errors.IdleTimeout("x"), True),
        (ConnectionResetError(), True),
        (errors.CircuitOpen(1.0), False),
        (errors.ProtocolError("x"), False),
        (ValueError(), False),
    ],
    ids=repr,
)
def test_an_outage_is_a_fault_or_5xx(error: Exception, ill: bool) -> None:  # noqa: FBT001
    """Everything else shows a server that works."""
    assert shows_outage(error) is ill


def test_etcds_words_count_in_a_body_of_any_shape() -> None:
    """Status or text, with or without a reason."""
    words = b"rpc error: code = Unavailable desc = etcdserver: leader changed"
    bodies = [
        words,
        b'{"message":"' + words + b'"}',
        b'{"kind":"Status","reason":"InternalError","message":"' + words + b'"}',
    ]

    for body in bodies:
        error = status_error(body, 418)
        assert type(error) is errors.ServerUnavailable
        assert left_undone(error)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (errors.TransportError("get it: reset"), "get it: reset"),
        (KeyError("secret"), "KeyError"),
        (OSError("secret"), "OSError"),
    ],
)
def test_a_foreign_error_is_told_by_its_class(error: Exception, text: str) -> None:
    """Its own text may hold anything."""
    assert told(error) == text


@pytest.mark.parametrize(
    "error",
    [
        errors.AmbiguousWrite("put it", errors.TransportError("reset")),
        errors.RetriesExhausted(3, KeyError("a")),
        errors.CircuitOpen(7.0, "pods"),
    ],
    ids=repr,
)
def test_the_errors_of_calls_cross_processes(error: errors.WatchkitError) -> None:
    """Pickled or copied, each has its class, its fields and its text."""
    for other in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):  # noqa: S301 - our own
        assert type(other) is type(error)
        assert str(other) == str(error)
        assert vars(other).keys() == vars(error).keys()


def test_what_is_ours_stays_itself() -> None:
    """No translation of what needs none, and none of what nobody knows."""
    for error in (errors.TransportError("x"), KeyError("x")):
        assert as_ours(error) is error
