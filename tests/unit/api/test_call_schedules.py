"""10,000 random schedules of calls and faults through transport, limiter and breaker together.

In virtual time, against a server that counts what it was asked and what it did. Five laws: no
more requests than the envelope; no write lost, none done twice; who was told that a write failed
was told the truth; nothing is ever stuck; and the faults did happen, each kind a hundred times.
"""

import random
from collections import Counter
from dataclasses import dataclass, field

import anyio
import pytest
import structlog
from aiohttp import ServerDisconnectedError
from kubernetes_asyncio.client import ApiException

from watchkit import (
    AmbiguousWrite,
    Backoff,
    CircuitBreaker,
    CircuitOpen,
    RateLimiter,
    RetryingTransport,
    RetryPolicy,
)
from watchkit.testing import VirtualClockEventLoop

SCHEDULES = 10_000
SHARES = 10
ATTEMPTS, QPS, BURST = 4, 10.0, 5
CALLS = 6

KINDS = {
    "refused": 0.0,
    "reset before": 0.0,
    "reset after": 1.0,
    "429": 0.0,
    "503 with a time": 0.0,
    "leader changed": 0.0,
    "proposal dropped": 0.0,
    "timed out before": 0.0,
    "timed out after": 1.0,
    "500 before": 0.0,
    "500 after": 1.0,
    "slow": 1.0,
}
"""Each fault, and whether what was asked is done all the same."""

MESSAGES = {
    "leader changed": "etcdserver: leader changed",
    "proposal dropped": "rpc error: code = Unknown desc = raft proposal dropped",
    "timed out before": "etcdserver: request timed out",
    "timed out after": "etcdserver: request timed out",
    "500 before": "broken",
    "500 after": "broken",
}


def refusal(status: int, message: str, **headers: str) -> ApiException:
    """Make the error of an answer, as kubernetes_asyncio does."""
    error = ApiException(status=status)
    said = vars(error)
    said["body"] = f'{{"kind":"Status","code":{status},"message":"{message}"}}'.encode()
    said["headers"] = headers
    return error


@dataclass
class Server:
    """Does what is asked, or one of the faults; an object per name, with a version."""

    luck: random.Random
    trouble: float
    objects: dict[str, int] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    asked: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)

    async def request(self, method: str, url: str, **keywords: object) -> str:
        """Answer one request."""
        self.asked.append(anyio.current_time())
        await anyio.sleep(self.luck.random() * 0.05)
        kind = self.luck.choice(list(KINDS)) if self.luck.random() < self.trouble else ""
        if not kind:
            return self.do(method, url, keywords.get("body"))
        self.faults[kind] += 1
        if KINDS[kind]:
            self.do(method, url, keywords.get("body"))
        await self.fail(kind)
        return "done"

    async def fail(self, kind: str) -> None:
        """Be in trouble, after having done what was asked, or not."""
        match kind:
            case "refused":
                raise Refused
            case "reset before" | "reset after":
                raise ServerDisconnectedError
            case "429":
                raise refusal(429, "slowly", **{"Retry-After": "1"})
            case "503 with a time":
                raise refusal(503, "closed", **{"Retry-After": "2"})
            case "slow":
                await anyio.sleep(20)
            case _:
                raise refusal(500, MESSAGES[kind])

    def do(self, method: str, url: str, body: object) -> str:
        """Do it: a POST counts each time, a PUT only at its version."""
        if method == "GET":
            return "read"
        if method == "PUT":
            held = self.objects.get(url, 0)
            if not isinstance(body, dict) or body["metadata"]["resourceVersion"] != f"v{held}":
                raise refusal(409, "the object has been modified")
            self.objects[url] = held + 1
        self.done[url] += 1
        return "done"


class Refused(ConnectionRefusedError):
    """A connection that was never made; the transport beneath knows that."""


class Guarded:
    """What stands before a server: the limiter, then the breaker."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.limiter = RateLimiter(QPS, BURST)
        self.breaker = CircuitBreaker(window=4, open_for=0.5)

    async def request(self, method: str, url: str, **keywords: object) -> str:
        """Ask, if limiter and breaker let it."""
        await self.limiter.acquire()
        return await self.breaker.call(self.server.request, method, url, **keywords)


@dataclass
class Told:
    """What the callers of one schedule were told."""

    outcomes: dict[str, str] = field(default_factory=dict)


async def call(transport: RetryingTransport, told: Told, number: int, method: str) -> None:
    """Make one call and note what came of it."""
    url = f"https://server/api/v1/namespaces/shop/things/{method}-{number}"
    body = {"metadata": {"resourceVersion": "v0"}} if method == "PUT" else {"a": 1}
    try:
        await transport.request(method, url, body=None if method == "GET" else body)
    except AmbiguousWrite:
        told.outcomes[url] = "ambiguous"
    except CircuitOpen:
        told.outcomes[url] = "held"
    except ApiException as error:
        told.outcomes[url] = "conflict" if error.status == 409 else "answered"
    except (Refused, ServerDisconnectedError):
        told.outcomes[url] = "fault"
    else:
        told.outcomes[url] = "ok"


async def schedule(seed: int) -> tuple[Server, Told, RetryingTransport]:
    """Run one schedule to its end, never longer than an hour."""
    random.seed(seed)  # of the jitter, which is the transport's own
    luck = random.Random(seed)  # noqa: S311 - a schedule, no secret
    server = Server(luck, trouble=luck.choice([0.1, 0.4, 0.8]))
    policy = RetryPolicy(ATTEMPTS, Backoff(initial=0.1, cap=5))
    transport, told = RetryingTransport(Guarded(server), policy), Told()
    with anyio.fail_after(3600):
        async with anyio.create_task_group() as tasks:
            for number in range(CALLS):
                method = luck.choice(["GET", "POST", "PATCH", "PUT"])
                tasks.start_soon(call, transport, told, number, method)
                await anyio.sleep(luck.random())
    return server, told, transport


def check(server: Server, told: Told) -> None:
    """Hold one schedule to the laws."""
    assert len(told.outcomes) == CALLS
    assert len(server.asked) <= CALLS * ATTEMPTS
    for first, began in enumerate(server.asked):
        for count, at in enumerate(server.asked[first:], 1):
            assert count <= BURST + QPS * (at - began) + 1e-6
    for url, outcome in told.outcomes.items():
        done = server.done[url]
        assert done <= 1, (url, outcome)
        if "/GET-" not in url:
            assert done == 1 or outcome not in {"ok", "conflict"}, (url, outcome)
            assert done == 0 or outcome not in {"fault", "held"}, (url, outcome)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("share", range(SHARES))
def test_whatever_fails_no_write_is_lost_or_doubled(share: int) -> None:
    """The laws, over this share of the schedules; prints how often each fault was."""
    faults, outcomes, retried = Counter[str](), Counter[str](), 0
    each = SCHEDULES // SHARES

    async def run() -> None:
        nonlocal retried
        for seed in range(share * each, (share + 1) * each):
            server, told, transport = await schedule(seed)
            check(server, told)
            faults.update(server.faults)
            outcomes.update(told.outcomes.values())
            retried += transport.statistics["retried"]

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        anyio.run(run, backend_options={"loop_factory": VirtualClockEventLoop})
    finally:
        structlog.reset_defaults()

    print(f"{each} schedules: {retried} retries, {dict(outcomes)}, faults {dict(faults)}")  # noqa: T201
    assert set(faults) == set(KINDS)
    assert min(faults.values()) >= 100
    assert set(outcomes) >= {"ok", "ambiguous", "answered", "conflict"}
