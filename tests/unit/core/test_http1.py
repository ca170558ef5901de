"""Heads of requests, as they come and as they should not; and how answers are written."""

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.core.http1 import Answer, Asked, head_of, read, refusal, written

KUBELET = (
    b"GET /healthz HTTP/1.1\r\nHost: 10.0.0.7:8080\r\nUser-Agent: kube-probe/1.34\r\n"
    b"Accept: */*\r\nConnection: close\r\n\r\n"
)
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


def asked(request: bytes) -> object:
    """Read a whole request."""
    head = head_of(request)
    assert head is not None
    return read(head)


def test_a_probe_is_understood() -> None:
    """As kubelet sends it."""
    assert asked(KUBELET) == Asked("GET", "/healthz", "*/*")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"HEAD / HTTP/1.0\r\n\r\n", Asked("HEAD", "/")),
        (b"GET /metrics?name[]=up HTTP/1.1\nHost: a\n\n", Asked("GET", "/metrics")),
        (b"GET / HTTP/1.1\r\nACCEPT:a\r\nAccept: \tb \r\n\r\n", Asked("GET", "/", "a,b")),
        (b"POST /x HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody", Asked("POST", "/x")),
        (b"GET / HTTP/1.1\r\nX-Name: \xe4\r\nEmpty:\r\n\r\n", Asked("GET", "/")),
    ],
)
def test_what_is_allowed_is_taken(request_: bytes, expected: Asked) -> None:
    """Either version, either end of line, names in any case, fields that come twice."""
    assert asked(request_) == expected


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"", HTTPStatus.BAD_REQUEST),
        (b"GET /", HTTPStatus.BAD_REQUEST),
        (b"get / HTTP/1.1", HTTPStatus.BAD_REQUEST),
        (b"GET http://a/ HTTP/1.1", HTTPStatus.BAD_REQUEST),
        (b"GET /a b HTTP/1.1", HTTPStatus.BAD_REQUEST),
        (b"GET  / HTTP/1.1", HTTPStatus.BAD_REQUEST),
        (b"GET /\xff HTTP/1.1", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nno field", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nAccept : a", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nAccept: a\r\n folded", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nAccept: a\rSet-Cookie: b", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nAccept: a\x00", HTTPStatus.BAD_REQUEST),
        (b"\x16\x03\x01\x02\x00\x01\x00", HTTPStatus.BAD_REQUEST),  # TLS, to a port without
        (b"PRI * HTTP/2.0", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/2.0", HTTPStatus.HTTP_VERSION_NOT_SUPPORTED),
    ],
)
def test_what_makes_no_sense_is_refused(head: bytes, status: HTTPStatus) -> None:
    """Not guessed at."""
    assert read(head) == refusal(status)


@given(st.integers(0, len(KUBELET)))
def test_a_head_is_whole_at_its_blank_line(cut: int) -> None:
    """However it comes in pieces, and whatever follows."""
    whole = KUBELET.removesuffix(b"\r\n\r\n")
    assert head_of(KUBELET[:cut]) == (whole if cut == len(KUBELET) else None)
    assert head_of(KUBELET + KUBELET[:cut]) == whole


@given(st.binary(max_size=200))
def test_no_bytes_are_too_strange(data: bytes) -> None:
    """Whatever comes is understood or refused."""
    assert isinstance(read(data), (Asked, Answer))


def test_an_answer_says_that_it_is_the_last() -> None:
    """With its length, for HEAD too."""
    answer = Answer(HTTPStatus.OK, b"ok\n")
    head = (
        b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n"
        b"Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )

    assert written(answer, DATE) == head + b"ok\n"
    assert written(answer, DATE, with_body=False) == head


def test_a_refusal_says_what_is_allowed() -> None:
    """As 405 has to."""
    said = written(refusal(HTTPStatus.METHOD_NOT_ALLOWED, allow="GET, HEAD"), DATE)

    assert said.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
    assert b"\r\nAllow: GET, HEAD\r\n\r\nMethod Not Allowed\n" in said
