"""How a watcher ends, wherever it is, and how until() and models use it."""

import asyncio

import msgspec
import pytest
from kubernetes_asyncio.client import CoreV1Api

from tests.unit.api.pushed import PATIENCE, push
from tests.unit.api.wire import client_of
from tests.unit.contracts.server import (
    Script,
    Scripted,
    added,
    following,
    line,
    listing,
    pod,
    refusal,
    silence,
    stream,
    take,
    told,
)
from watchkit import Backoff, Event, HealthState, ListWatch, ProtocolError, RetryWatcher, until
from watchkit.conditions import is_ready

pytestmark = pytest.mark.anyio

READY = {"conditions": [{"type": "Ready", "status": "True"}]}
PLACES: dict[str, tuple[Script, Script]] = {
    "list": (silence, silence),
    "head": (listing(), silence),
    "stream": (listing(), stream()),
    "back-off": (listing(), refusal(500)),
}


@pytest.mark.fault("F80")
@pytest.mark.parametrize("place", PLACES)
async def test_closing_ends_a_wait_of_another_task_anywhere(place: str) -> None:
    """C8: at once, with StopAsyncIteration there, and no connection kept."""
    page, watch = PLACES[place]
    patient = Backoff(initial=9 * PATIENCE, cap=9 * PATIENCE, jitter="none")
    async with following([page], [watch], backoff=patient) as (server, pods):
        waiting = asyncio.ensure_future(_rest(pods))  # noqa: TID251 - the point is two tasks
        await asyncio.sleep(0.1)
        await pods.aclose()

        assert await asyncio.wait_for(waiting, PATIENCE) == []
        assert await _rest(pods) == []
        assert pods.health.state is HealthState.STOPPED
        await server.until(lambda: server.open_watches == 0)


async def _rest(pods: RetryWatcher) -> list[Event]:
    return [event async for event in pods]


async def test_an_error_in_the_block_frees_the_connection() -> None:
    """By whatever way the block is left."""
    watch = stream(added("a", 11))
    async with Scripted([listing()], [watch], silence) as server, client_of(server.url) as client:
        source = ListWatch(CoreV1Api(client).list_namespaced_pod, "shop")
        with pytest.raises(KeyError):
            await _fail_at_first(RetryWatcher(source))
        await server.until(lambda: server.open_watches == 0)


async def _fail_at_first(pods: RetryWatcher) -> None:
    async with pods:
        async for event in pods:
            raise KeyError(event.name)


async def test_a_back_off_is_not_begun_anew_by_a_wait_that_is_cut_short() -> None:
    """A back-off is a deadline."""
    patient = Backoff(initial=1000, cap=1000, jitter="none")
    loop = asyncio.get_running_loop()
    watches = [refusal(500), stream(added("a", 11))]
    async with following([listing()], watches, backoff=patient) as (server, pods):
        first = asyncio.ensure_future(take(pods, 1))  # noqa: TID251 - cut short
        await server.until(lambda: pods.health.failures == 1)
        first.cancel()
        await asyncio.wait([first])
        for _ in range(10):
            loop.call_later(0.01, push, 100)
            with pytest.raises(TimeoutError):
                await take(pods, 1, within=99)
        await take(pods, 1)

    assert server.gaps()[0] >= 1000


@pytest.mark.fault("F37")
async def test_an_object_that_does_not_fit_the_model_is_named() -> None:
    """Key, version and what is wrong; iterating again goes on behind it."""

    class Needy(msgspec.Struct):
        spec: dict[str, object]

    watch = stream(added("a", 11) + added("b", 12, spec={}))
    async with following([listing()], [watch], model=Needy) as (_, pods):
        with pytest.raises(ProtocolError, match=r"^ADDED pods shop/a at 11: .*Needy.*spec"):
            await take(pods, 1)
        assert [told(each) for each in await take(pods, 1)] == ["ADDED b"]


async def test_until_judges_the_named_object_only() -> None:
    """Even where the server does not know the field selector."""
    watch = stream(added("b", 11, status=READY), line("MODIFIED", pod("a", 12, status=READY)))
    page = listing(pod("b", 3), pod("a", 4))
    async with Scripted([page], [watch], silence) as server, client_of(server.url) as client:
        source = ListWatch(CoreV1Api(client).list_namespaced_pod, "shop")
        found = await until(source, is_ready, name="a", timeout=PATIENCE)

    assert found is not None
    assert (found.name, found.resource_version) == ("a", "12")
    assert server.listed[0].query["fieldSelector"] == "metadata.name=a"
