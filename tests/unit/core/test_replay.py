"""Rule 8 as a table: what was asked, what came, and what becomes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit import ApiError, Backoff, RetryPolicy, TransportError
from watchkit.core.classify import api_error
from watchkit.core.replay import Again, Call, Failure, Fate, Held, Over, Tries, decide, judge

READ = Call("GET")
GUARDED = Call("PUT", guarded=True)
WRITE = Call("POST")
POLICY = RetryPolicy(backoff=Backoff(jitter="none"))

REPLAY, RAISE, AMBIGUOUS = Fate.REPLAY, Fate.RAISE, Fate.AMBIGUOUS

RESET = TransportError("reset")
REFUSED = TransportError("refused", reached=False)


def answer(
    status: int, message: str = "", reason: str = "", after: float | None = None
) -> ApiError:
    """Make the error of an answer."""
    return api_error(status, reason=reason, message=message, retry_after=after)


TABLE: list[tuple[Failure, Fate, Fate, Fate]] = [
    # what came                                          read    guarded other write
    (REFUSED, REPLAY, REPLAY, REPLAY),
    (RESET, REPLAY, REPLAY, AMBIGUOUS),
    (Held("the circuit is open", 1.0), REPLAY, REPLAY, REPLAY),
    (answer(429), REPLAY, REPLAY, REPLAY),
    (answer(429, after=3), REPLAY, REPLAY, REPLAY),
    (answer(503), REPLAY, REPLAY, RAISE),
    (answer(503, after=1), REPLAY, REPLAY, REPLAY),
    (answer(500), REPLAY, REPLAY, RAISE),
    (answer(500, after=1), REPLAY, REPLAY, RAISE),
    (answer(502), REPLAY, REPLAY, RAISE),
    (answer(504, reason="Timeout"), REPLAY, REPLAY, RAISE),
    (answer(504, after=1), REPLAY, REPLAY, RAISE),
    (answer(408), REPLAY, REPLAY, RAISE),
    (answer(500, "etcdserver: leader changed"), REPLAY, REPLAY, REPLAY),
    (answer(500, "rpc error: code = Unknown desc = raft proposal dropped"), REPLAY, REPLAY, REPLAY),
    (
        answer(500, "rpc error: code = Unavailable desc = etcdserver: leader changed"),
        REPLAY,
        REPLAY,
        REPLAY,
    ),
    (answer(500, "etcdserver: request timed out"), REPLAY, REPLAY, RAISE),
    (
        answer(500, "etcdserver: request timed out, possibly due to previous leader failure"),
        REPLAY,
        REPLAY,
        RAISE,
    ),
    (
        answer(500, "etcdserver: request timed out, possibly due to connection lost"),
        REPLAY,
        REPLAY,
        RAISE,
    ),
    (answer(500, "etcdserver: too many requests"), REPLAY, REPLAY, RAISE),
    (answer(500, "rpc error: code = Unavailable desc = x"), REPLAY, REPLAY, RAISE),
    (
        answer(500, "rpc error: code = Unknown desc = malformed header: missing HTTP content-type"),
        REPLAY,
        REPLAY,
        RAISE,
    ),
    # etcd's messages count under any code, and with a reason
    (answer(400, "etcdserver: leader changed"), REPLAY, REPLAY, REPLAY),
    (answer(400, "etcdserver: request timed out"), REPLAY, REPLAY, RAISE),
    (answer(500, "etcdserver: leader changed", "InternalError"), REPLAY, REPLAY, REPLAY),
    # what time does not heal
    (answer(400), RAISE, RAISE, RAISE),
    (answer(401), RAISE, RAISE, RAISE),
    (answer(403), RAISE, RAISE, RAISE),
    (answer(404), RAISE, RAISE, RAISE),
    (answer(404, after=1), RAISE, RAISE, RAISE),
    (answer(409, reason="Conflict"), RAISE, RAISE, RAISE),
    (answer(409, reason="AlreadyExists"), RAISE, RAISE, RAISE),
    (answer(410, "etcdserver: leader changed", "Expired"), RAISE, RAISE, RAISE),
    (answer(422), RAISE, RAISE, RAISE),
    (answer(307), RAISE, RAISE, RAISE),
]


@pytest.mark.fault("F60")
@pytest.mark.parametrize(("failure", "read", "guarded", "write"), TABLE, ids=lambda x: str(x)[:60])
def test_rule_8(failure: Failure, read: Fate, guarded: Fate, write: Fate) -> None:
    """Reads and guarded writes after whatever passes, others where nothing was surely done."""
    assert [judge(call, failure, POLICY) for call in (READ, GUARDED, WRITE)] == [
        read,
        guarded,
        write,
    ]


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE", "CONNECT"])
def test_every_method_that_is_no_read_is_a_write(method: str) -> None:
    """Without a precondition, PUT and DELETE are as dangerous as POST; no method is forgotten."""
    assert judge(Call(method), RESET, POLICY) is AMBIGUOUS
    assert judge(Call(method), answer(500), POLICY) is RAISE


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_no_precondition_guards_a_post_or_a_patch(method: str) -> None:
    """Rule 8 grants that to PUT and DELETE alone."""
    assert judge(Call(method, guarded=True), RESET, POLICY) is AMBIGUOUS


def test_the_policys_codes_are_what_is_listed() -> None:
    """A code that the caller left out is raised, one that was added is sent again; etcd stays."""
    only = RetryPolicy(statuses={404})

    assert judge(READ, answer(404), only) is REPLAY
    assert judge(WRITE, answer(404), only) is RAISE
    assert judge(READ, answer(500), only) is RAISE
    assert judge(WRITE, answer(429), only) is RAISE
    assert judge(READ, answer(500, "etcdserver: leader changed"), only) is REPLAY


@pytest.mark.parametrize(
    ("call", "failure", "fate"),
    [
        (Call("POST", repeatable=False), REFUSED, RAISE),
        (Call("POST", repeatable=False), RESET, AMBIGUOUS),
        (Call("PUT", guarded=True, repeatable=False), RESET, AMBIGUOUS),
        (Call("PUT", guarded=True, repeatable=False), answer(429), RAISE),
    ],
)
def test_a_stream_is_sent_once(call: Call, failure: Failure, fate: Fate) -> None:
    """What cannot be copied is never sent again, and its silence is as ambiguous."""
    assert judge(call, failure, POLICY) is fate


@pytest.mark.parametrize(
    ("method", "body", "guarded"),
    [
        ("PUT", {"metadata": {"resourceVersion": "7"}}, True),
        ("put", {"metadata": {"resourceVersion": "7"}}, True),
        ("PUT", {"metadata": {"resourceVersion": ""}}, False),
        ("PUT", {"metadata": {"uid": "u"}}, False),
        ("PUT", {"metadata": None}, False),
        ("PUT", {"preconditions": {"uid": "u"}}, False),
        ("PUT", [1], False),
        ("PUT", None, False),
        ("DELETE", {"preconditions": {"uid": "u"}}, True),
        ("DELETE", {"preconditions": {"resourceVersion": "7"}}, True),
        ("DELETE", {"preconditions": {}}, False),
        ("DELETE", {"metadata": {"resourceVersion": "7"}}, False),
        ("DELETE", None, False),
        ("POST", {"metadata": {"resourceVersion": "7"}}, False),
        ("PATCH", {"metadata": {"resourceVersion": "7"}}, False),
    ],
)
def test_where_a_precondition_stands(method: str, body: object, guarded: bool) -> None:  # noqa: FBT001
    """A PUT's is its version, a DELETE's are its preconditions."""
    assert Call.of(method, body) == Call(method.upper(), guarded)


def test_a_failure_counts_and_the_wait_grows() -> None:
    """One failure after the other, until the policy is at its end."""
    tries, delays = Tries(), []
    for _ in range(4):
        match decide(READ, tries, RESET, POLICY, 0.0, 0.5):
            case Again(tries, delay):
                delays.append(delay)
            case Over():
                pytest.fail("too early")

    assert delays == [0.8, 1.6, 3.2, 6.4]
    assert decide(READ, tries, RESET, POLICY, 0.0, 0.5) == Over(
        Tries(5, doubtful=True), ambiguous=False
    )


@pytest.mark.parametrize(
    ("failure", "doubtful"),
    [
        (RESET, True),
        (REFUSED, False),
        (answer(500), True),
        (answer(500, "etcdserver: request timed out"), True),
        (answer(500, "etcdserver: leader changed"), False),
        (answer(429), False),
    ],
)
def test_what_leaves_a_write_in_doubt_is_remembered(failure: Failure, doubtful: bool) -> None:  # noqa: FBT001
    """Silence, and an answer that does not say that nothing was done."""
    decision = decide(GUARDED, Tries(), failure, POLICY, 0.0, 0.5)

    assert decision.tries == Tries(1, doubtful)


def test_the_servers_hint_reaches_the_wait() -> None:
    """Retry-After lengthens the back-off, and so does the time until a breaker lets one try."""
    for failure in (answer(429, after=9), Held("the circuit is open", 9)):
        decision = decide(WRITE, Tries(), failure, POLICY, 0.0, 0.5)

        assert decision == Again(Tries(1), 9)


@pytest.mark.parametrize(
    ("call", "before", "failure", "ambiguous"),
    [
        (WRITE, Tries(), RESET, True),
        (WRITE, Tries(4), REFUSED, False),  # none of the five ever left
        (GUARDED, Tries(4), RESET, True),
        (GUARDED, Tries(4, doubtful=True), REFUSED, True),  # an earlier one did
        (GUARDED, Tries(4, doubtful=True), Held("open", 1.0), True),
        (GUARDED, Tries(4), Held("open", 1.0), False),
        (GUARDED, Tries(4, doubtful=True), answer(503), False),  # an answer is an answer
        (READ, Tries(4), RESET, False),
    ],
)
def test_only_a_write_without_an_answer_is_ambiguous(
    call: Call,
    before: Tries,
    failure: Failure,
    ambiguous: bool,  # noqa: FBT001
) -> None:
    """Where the last attempt got no answer and any attempt reached the server."""
    decision = decide(call, before, failure, POLICY, 0.0, 0.5)

    assert isinstance(decision, Over)
    assert decision.ambiguous is ambiguous


FAILURES = [row[0] for row in TABLE]


@given(
    st.sampled_from(["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"]),
    st.booleans(),
    st.lists(st.sampled_from(FAILURES), min_size=12, max_size=12),
    st.integers(1, 8),
)
def test_a_write_is_never_sent_again_after_it_may_have_been_done(
    method: str,
    guarded: bool,  # noqa: FBT001
    failures: list[Failure],
    attempts: int,
) -> None:
    """Whatever comes in whatever order: at most `attempts` calls, and rule 8 holds in each step."""
    call, tries, policy = Call(method, guarded), Tries(), RetryPolicy(attempts)
    sent = 0
    for failure in failures:
        sent += 1
        decision = decide(call, tries, failure, policy, 0.0, 0.5)
        if isinstance(decision, Over):
            break
        tries = decision.tries
        unguarded = not call.is_read and not (guarded and method in {"PUT", "DELETE"})
        assert not (unguarded and isinstance(failure, TransportError) and failure.reached)
        assert not (unguarded and isinstance(failure, ApiError) and "timed out" in failure.message)
        assert not (call.is_read and decision.delay < 0)
    else:
        pytest.fail("endless")

    assert sent <= attempts
    assert decision.tries.failures == sent
    if decision.ambiguous:
        assert not call.is_read
