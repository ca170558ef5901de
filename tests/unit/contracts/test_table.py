"""Rows of the behaviour table, over a wire."""

import asyncio

import pytest

from tests.unit.api.pushed import PATIENCE, push
from tests.unit.api.wire import chunk, head, open_watch
from tests.unit.contracts.server import (
    Reply,
    added,
    answer,
    following,
    half_a_list,
    line,
    listing,
    refusal,
    silence_for_ages,
    status,
    stream,
    take,
    told,
)
from watchkit import Backoff, FrameTooLarge, HealthState, InvalidRequest, ProtocolError

pytestmark = pytest.mark.anyio


async def web_page(reply: Reply) -> None:
    """Answer 200 with the apology of some proxy."""
    page = b"<html>\n<body>later</body>\n</html>\n"
    await reply.send(head(200, "Content-Type: text/html", f"Content-Length: {len(page)}") + page)


LONG = {"timeout_seconds": 36_000}
"""No watch comes to its end by itself while the clock is pushed on."""

OF_ITS_CODE = [answer(status(500)), answer(b'{"kind":"Status","code":503}\n')]
BAD = {
    "no JSON": b"{nope}\n",
    "unknown type": line("STRANGE", {"metadata": {}}),
    "no uid": line("ADDED", {"metadata": {"name": "a", "resourceVersion": "11"}}),
    "no version": line("ADDED", {"metadata": {"name": "a", "uid": "u"}}),
    "version 0": added("a", 0),
    "no UTF-8": added("a", 11).replace(b'"u-a"', b'"\xff"'),
    "no object": b"null\n",
    "two on a line": added("a", 11)[:-1] + added("b", 12),
    "bookmark of nothing": line("BOOKMARK", {"metadata": {}}),
}


@pytest.mark.fault("F32", "F36", "F40", "F51")
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_a_bad_frame_is_a_reset(bad: bytes) -> None:
    """Not delivered, nor is what follows it; the version is kept."""
    watches = [stream(bad + added("no", 11)), stream(bad), stream(added("a", 11))]
    async with following([listing()], watches) as (server, pods):
        assert [told(each) for each in await take(pods, 1)] == ["ADDED a"]

    assert server.versions() == ["10"] * 3


@pytest.mark.fault("F36", "F40")
async def test_the_third_bad_frame_is_expiry_and_the_fourth_an_error() -> None:
    """The count runs on over the relist; the error says what was done, and no byte of it."""
    lists = [listing(), listing(version=20)]
    async with following(lists, [stream(b"{nope}\n")]) as (server, pods):
        with pytest.raises(ProtocolError, match=r"^watch pods in shop: ") as caught:
            await take(pods, 1)

    assert server.versions() == ["10", "10", "10", "20"]
    assert "nope" not in str(caught.value)


@pytest.mark.fault("F30")
async def test_a_frame_over_the_cap_is_a_bad_frame() -> None:
    """FrameTooLarge at last; the frame before it in the same read was delivered."""
    big = added("b", 12, spec={"x": "y" * 3000})
    lists = [listing(), listing(version=20)]
    async with following(lists, [stream(added("a", 11) + big)], max_frame=999) as (server, pods):
        await take(pods, 2)
        with pytest.raises(FrameTooLarge):
            await take(pods, 1)

    assert server.versions() == ["10", "11", "11", "20"]


@pytest.mark.fault("F11", "F12")
@pytest.mark.parametrize("trouble", [web_page, *OF_ITS_CODE, refusal(502), refusal(504)])
async def test_what_passes_keeps_the_version(trouble: object) -> None:
    """HTML, a Status in place of events (with or without newline), 5xx: no relist for those."""
    watches = [trouble] * 4 + [stream(added("a", 11))]
    async with following([listing()], watches) as (server, pods):  # type: ignore[arg-type]
        await take(pods, 1)

    assert server.versions() == ["10"] * 5
    assert len(server.listed) == 1


@pytest.mark.fault("F12")
@pytest.mark.parametrize("trouble", OF_ITS_CODE)
async def test_the_fifth_status_at_one_version_lists_again(trouble: object) -> None:
    """The stream may be sick at this one version."""
    watches = [trouble] * 5 + [stream(added("a", 21))]
    lists = [listing(), listing(version=20)]
    async with following(lists, watches) as (server, pods):  # type: ignore[arg-type]
        await take(pods, 1)

    assert server.versions() == ["10"] * 5 + ["20"]


@pytest.mark.fault("F12", "F38")
@pytest.mark.parametrize("end", [b"", b"\n"])
async def test_a_status_of_410_in_place_of_events_is_expiry(end: bytes) -> None:
    """A 200 with a Status body is an error of its code."""
    gone = answer(b'{"kind":"Status","code":410,"reason":"Expired"}' + end)
    lists = [listing(), listing(version=20)]
    async with following(lists, [gone, stream(added("a", 21))]) as (server, pods):
        await take(pods, 1)

    assert server.versions() == ["10", "20"]


@pytest.mark.fault("F09")
@pytest.mark.parametrize("code", [400, 405, 406, 422])
async def test_a_wrong_request_is_raised_naming_the_callers_options(code: int) -> None:
    """One request, no loop; the text says what was asked of what, and with which options."""
    options = {"field_selector": "spec.bogus=1", "limit": 7}
    async with following([listing()], [refusal(code, "BadRequest")], options) as (server, pods):
        with pytest.raises(InvalidRequest) as caught:
            await take(pods, 1)

    assert len(server.watched) == 1
    assert str(caught.value) == (
        f"watch pods in shop with field_selector='spec.bogus=1', limit=7: {code} BadRequest: no"
    )
    assert (caught.value.status, caught.value.message) == (code, "no")


@pytest.mark.fault("F07", "F08")
@pytest.mark.parametrize(
    ("code", "state"), [(403, HealthState.FORBIDDEN), (404, HealthState.NOT_SERVED)]
)
async def test_forbidden_and_not_served_are_retried_at_the_cap(
    code: int, state: HealthState
) -> None:
    """At the same version; health says which, and WATCHING once a watch is open."""
    slow = Backoff(initial=0.001, cap=PATIENCE, jitter="none")
    watches = [refusal(code), refusal(code), stream(added("a", 11))]
    async with following([listing()], watches, backoff=slow) as (server, pods):
        waiting = asyncio.ensure_future(take(pods, 1, within=9 * PATIENCE))  # noqa: TID251 - looked at meanwhile
        for refusals in (1, 2):
            await server.until(lambda: pods.health.failures == refusals)  # noqa: B023 - used at once
            assert pods.health.state is state
            push(PATIENCE)
        await waiting
        assert pods.health.state is HealthState.WATCHING

    assert server.versions() == ["10"] * 3
    assert all(gap >= PATIENCE for gap in server.gaps())


@pytest.mark.fault("F10")
@pytest.mark.parametrize("code", [429, 503, 403, 410])
async def test_retry_after_is_honoured_anywhere(code: int) -> None:
    """Wait at least as long as the server asks, whatever the code."""
    refused = refusal(code, "", "Retry-After: 1")
    lists = [listing(), listing(version=20)]
    async with following(lists, [refused, stream(added("a", 22))]) as (server, pods):
        await take(pods, 1)

    assert server.all[2].at - server.all[1].at >= 1


@pytest.mark.fault("F20")
@pytest.mark.parametrize("mute", [stream(added("a", 11), then="ages"), silence_for_ages])
async def test_silence_is_ended_at_once_on_a_new_connection(mute: object) -> None:
    """At the idle bound, the first time with no delay and without STALE."""

    async def slow(reply: Reply) -> None:
        await asyncio.sleep(0.1)
        await stream(added("a", 11) + added("b", 12))(reply)

    watches = [mute, slow]
    states: set[HealthState] = set()
    never = Backoff(initial=1e6, cap=1e6, jitter="none")
    async with following([listing()], watches, LONG, idle_timeout=PATIENCE, backoff=never) as (  # type: ignore[arg-type]
        server,
        pods,
    ):
        waiting = asyncio.ensure_future(take(pods, 2, within=9 * PATIENCE))  # noqa: TID251 - looked at meanwhile
        while not waiting.done():
            if len(server.watched) == 2:
                states.add(pods.health.state)
            await asyncio.sleep(0.01)
        await waiting

    assert states == {HealthState.WATCHING}
    assert server.watched[0].connection != server.watched[1].connection
    assert server.gaps()[0] >= PATIENCE


@pytest.mark.fault("F23", "F31")
async def test_blank_lines_and_half_a_frame_are_no_life() -> None:
    """A server that drips is as dead as one that is silent."""

    async def drip(reply: Reply) -> None:
        await reply.send(open_watch())
        for byte in b"\n\r\n\n" + added("a", 11):
            await reply.send(chunk(bytes([byte])))
            await asyncio.sleep(0.01)
            push(10)
        await reply.over("hang")

    watches = [drip, stream(added("b", 12))]
    async with following([listing()], watches, LONG, idle_timeout=PATIENCE) as (_, pods):
        assert [told(each) for each in await take(pods, 1, within=1e6)] == ["ADDED b"]


async def test_a_list_that_stops_is_given_up() -> None:
    """No head, or no byte of a body, for the idle timeout."""
    lists = [silence_for_ages, half_a_list, listing()]
    async with following(lists, [stream(added("a", 11))], idle_timeout=PATIENCE) as (server, pods):
        await take(pods, 1, within=1e6)

    assert len(server.listed) == 3


@pytest.mark.fault("F77")
async def test_the_consumers_own_time_is_no_silence() -> None:
    """What came meanwhile is read first, and health stays WATCHING."""
    watch = stream(added("a", 11), added("b", 12))
    async with following([listing()], [watch], LONG, idle_timeout=PATIENCE) as (server, pods):
        await take(pods, 1)
        await asyncio.sleep(0.05)
        push(2 * PATIENCE)
        await asyncio.sleep(0.05)
        assert pods.health.state is HealthState.WATCHING
        assert [told(each) for each in await take(pods, 1)] == ["ADDED b"]

    assert len(server.watched) == 1


@pytest.mark.fault("F27")
async def test_broken_chunk_framing_is_found_while_waiting() -> None:
    """Long before the idle bound."""

    async def broken(reply: Reply) -> None:
        await reply.send(open_watch(), chunk(added("a", 11)))
        await asyncio.sleep(0.05)
        await reply.send(b"zz\r\nno chunk\r\n")
        await reply.over("hang")

    watches = [broken, stream(added("b", 12))]
    async with following([listing()], watches, LONG, idle_timeout=9 * PATIENCE) as (server, pods):
        assert [told(each) for each in await take(pods, 2)] == ["ADDED a", "ADDED b"]

    assert server.versions() == ["10", "11"]
