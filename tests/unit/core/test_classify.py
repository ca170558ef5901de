"""What an answer means: real bodies of a real API server, and what else comes over a wire."""

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes_asyncio.client import ApiException

from tests.unit.core.answers import FATAL, RECORDED, RELIST, RETRY, TOO_LARGE, status
from watchkit.core import classify as table
from watchkit.core import errors
from watchkit.core.classify import (
    ETCD_TRANSIENT,
    Verdict,
    api_error,
    classify,
    object_error,
    status_error,
    too_large_version,
)


@pytest.mark.parametrize("case", RECORDED)
def test_an_answer_becomes_the_error_of_its_reason_or_code(case: str) -> None:
    """With the HTTP status as its status, and its verdict."""
    code, body, kind, verdict = RECORDED[case]

    error = status_error(body, code, doing="list pods")

    assert type(error) is kind
    assert error.status == code
    assert error.doing == "list pods"
    assert classify(error) is verdict


@pytest.mark.parametrize("case", RECORDED)
def test_the_errors_of_kubernetes_asyncio_mean_the_same(case: str) -> None:
    """Its ApiException, with the body as text or as bytes, or anything of its shape."""
    code, body, kind, verdict = RECORDED[case]
    text = ApiException(status=code, reason="whatever it says")
    text.body = body.decode(errors="replace")  # type: ignore[assignment]  # as rest.py has it
    raw = ApiException(status=code)
    raw.body = body
    duck = type("Duck", (Exception,), {"status": code, "body": body, "headers": {}})()

    for error in (text, raw, duck):
        assert classify(error) is verdict
        assert type(table.as_ours(error)) is kind


@pytest.mark.fault("F60")
@pytest.mark.parametrize("message", ETCD_TRANSIENT)
@pytest.mark.parametrize("reason", ["", "InternalError", "Unknown", "BadRequest"])
@pytest.mark.parametrize("code", [400, 409, 500, 503])
def test_the_transient_messages_of_etcd_are_retried_whatever_their_code(
    message: str, reason: str, code: int
) -> None:
    """With and without a reason, alone or wrapped; in a Status, or bare."""
    for text in (message, f"rpc error: code = Unknown desc = {message}, possibly due to x"):
        error = status_error(status(text, reason, code), code)
        assert isinstance(error, errors.ServerUnavailable)
        assert classify(error) is RETRY
    assert classify(status_error(message.encode(), code)) is RETRY


def test_an_expired_version_stays_expired_whatever_its_message() -> None:
    """To retry it would be to ask for the same version again."""
    error = status_error(status("etcdserver: leader changed", "Expired", 410), 410)

    assert classify(error) is RELIST


@pytest.mark.parametrize("reason", ["Expired", "Gone"])
def test_expiry_by_reason_is_expiry_whatever_the_code(reason: str) -> None:
    """Old servers said Gone, some proxies change the code."""
    assert classify(api_error(500, reason=reason)) is RELIST
    assert classify(api_error(410, reason="SomethingNew")) is RELIST


@pytest.mark.fault("F54")
@pytest.mark.parametrize(
    "error",
    [
        object_error(status("Timeout", "Timeout", 504, details=TOO_LARGE)),
        object_error(
            status(
                "Timeout",
                "Timeout",
                504,
                details={"causes": [5, {"message": "Too large resource version"}]},
            )
        ),
        status_error(status("Too large resource version: 9, current: 5", "Timeout", 504), 504),
        status_error(b"Too large resource version: 9, current: 5", 504),
    ],
)
def test_a_version_ahead_of_the_server_is_known_in_all_its_shapes(error: errors.ApiError) -> None:
    """By cause (1.19 on), by the cause's message (1.17 to 1.18.5), by text (before)."""
    assert too_large_version(error)


@pytest.mark.parametrize(
    "error",
    [
        object_error(status("Timeout", "Timeout", 504)),
        object_error(status("Timeout", "Timeout", 504, details={"causes": "x"})),
        object_error(status("Timeout", "Timeout", 504, details={"causes": [{}]})),
        status_error(status("Too large resource version", "Invalid", 422), 422),
        errors.TransportError("Too large resource version"),
        ValueError("Too large resource version"),
    ],
)
def test_other_errors_say_nothing_of_a_version_ahead(error: Exception) -> None:
    """Only what time may heal, or a list."""
    assert not too_large_version(error)


def test_retry_after_is_taken_from_the_header_else_from_the_details() -> None:
    """In seconds; a hint of nothing is no hint."""
    hint = status("slow", "TooManyRequests", 429, details={"retryAfterSeconds": 3})

    assert status_error(hint, 429).retry_after == 3.0
    assert status_error(hint, 429, retry_after=7.0).retry_after == 7.0
    assert status_error(hint, 429, retry_after=0.0).retry_after == 0.0
    assert object_error(hint).retry_after == 3.0
    for nothing in (0, -1, "3", None):
        body = status("slow", "TooManyRequests", 429, details={"retryAfterSeconds": nothing})
        assert status_error(body, 429).retry_after is None


def test_details_are_kept_as_plain_values() -> None:
    """Who wants to know more finds it there; what is no object counts as none."""
    details = {"name": "c1", "kind": "configmaps", "causes": [{"field": "x"}]}

    assert status_error(status("m", "Conflict", 409, details=details), 409).details == details
    assert status_error(status("m", "Conflict", 409, details=[1]), 409).details == {}


@pytest.mark.parametrize(
    "body",
    [
        b"<html>hunter2</html>",
        b"hunter2 " * 100_000,
        b'{"message":"hunter2","reason":"hunter2","details":{"a":"hunter2"}}',
        b'["hunter2"]',
        b'{"kind":"Pod","status":{"phase":"hunter2"}}',
        b"\xff\xfehunter2",
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("code", [403, 500])
def test_a_body_that_is_no_status_stays_unsaid(body: bytes, code: int) -> None:
    """It may be a proxy's, with a token in it."""
    error = status_error(body, code)

    assert error.status == code
    assert "hunter2" not in f"{error!s}{error!r}{error.args}"


@pytest.mark.fault("F96")
def test_what_is_quoted_is_short_and_on_one_line() -> None:
    """A server cannot forge log lines, nor fill the log."""
    error = status_error(status("a\n\tb " + "x" * 5000, "R\n" + "y" * 5000, 500), 500)

    assert error.message.startswith("a b xxx")
    assert len(error.message) == 1024
    assert len(error.reason) == 64
    assert "\n" not in str(error)
    assert str(status_error(b"404 page not found\n", 404)) == "404: 404 page not found"


@given(body=st.binary(max_size=80), code=st.integers(100, 999))
def test_any_bytes_are_an_error_of_their_code(body: bytes, code: int) -> None:
    """Whatever comes, the status is what HTTP said."""
    error = status_error(body, code)

    assert error.status == code
    assert classify(error) in Verdict


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (errors.TransportError("reset"), RETRY),
        (errors.IdleTimeout("silence"), RETRY),
        (errors.ProtocolError("no JSON"), FATAL),
        (errors.FrameTooLarge("8 MiB"), FATAL),
        (errors.ConditionTimeout("5 s"), FATAL),
        (errors.WatchkitError("?"), FATAL),
        (ConnectionResetError(), RETRY),
        (ConnectionRefusedError(), RETRY),
        (TimeoutError(), RETRY),
        (OSError("TLS"), RETRY),
        (ValueError("mine"), FATAL),
        (KeyboardInterrupt(), FATAL),
        (ApiException(status=0, reason="no answer"), FATAL),
        (SimpleNamespace(status=503), FATAL),
        (type("HasStatus", (Exception,), {"status": 503})(), FATAL),
    ],
)
def test_errors_without_an_answer_have_a_verdict_too(error: Any, verdict: Verdict) -> None:  # noqa: ANN401
    """Transport faults may heal; what is not about the server is the caller's affair."""
    assert classify(error) is verdict


PREDICATES = {
    "is_expired": {"410 list", "410 page"},
    "is_not_found": {"404 object", "404 group, in text"},
    "is_conflict": {"409 conflict"},
    "is_already_exists": {"409 exists"},
    "is_too_many_requests": {"429 in text", "429 at shutdown", "429 initializing"},
    "is_timeout": {"504 too large", "504 without kind", "408"},
    "is_server_error": {case for case, (code, *_) in RECORDED.items() if 500 <= code <= 599},
    "is_forbidden": {"403"},
    "is_unauthorized": {"401"},
    "is_retryable": {case for case, (*_, verdict) in RECORDED.items() if verdict is RETRY},
}


@pytest.mark.parametrize("name", PREDICATES)
def test_each_question_has_its_answers(name: str) -> None:
    """The same on errors of ours and of kubernetes_asyncio, and no on all others."""
    ask = getattr(table, name)
    for case, (code, body, _, _) in RECORDED.items():
        theirs = ApiException(status=code)
        theirs.body = body
        expected = case in PREDICATES[name]
        assert ask(status_error(body, code)) is expected, case
        assert ask(theirs) is expected, case
    assert not ask(ValueError())


def test_a_timeout_here_is_a_timeout() -> None:
    """Ours, Python's and the server's."""
    assert table.is_timeout(errors.IdleTimeout("x"))
    assert table.is_timeout(TimeoutError())
    assert table.is_timeout(api_error(500, reason="ServerTimeout"))
    assert not table.is_timeout(errors.TransportError("x"))
    assert table.is_retryable(errors.TransportError("x"))


def test_every_question_is_tested() -> None:
    """A new predicate needs its line above."""
    found = {name for name, _ in inspect.getmembers(table, inspect.isfunction)}

    assert {name for name in found if name.startswith("is_")} == set(PREDICATES)
