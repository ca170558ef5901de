"""Frames that are wrong, stale, strange or too long: never delivered, never a hot loop."""

import pytest
from structlog.typing import EventDict

from tests.unit.watching.reading import drain, take
from tests.unit.watching.scripted import (
    Pause,
    ScriptedSource,
    added,
    bookmark,
    deleted,
    error,
    line,
    manifest,
    modified,
    page,
    reply,
)
from watchkit import Backoff, ProtocolError, ResourceExpired, RetryWatcher

pytestmark = pytest.mark.anyio

EXACT = Backoff(jitter="none")

BAD: dict[str, bytes] = {
    "no JSON": b'{"type":"ADDED","object":{\n',
    "text": b"upstream connect error\n",
    "HTML": b"<html><body>502</body></html>\n",
    "invalid UTF-8": added("b", 12).replace(b"shop", b"sh\xffp"),
    "UTF-16": added("b", 12).decode().encode("utf-16-le") + b"\n",
    "a number": b"42\n",
    "a list": b"[]\n",
    "unknown type": line("SNAFU", manifest("b", 12)),
    "no type": b'{"object":{"metadata":{"name":"b","uid":"u","resourceVersion":"12"}}}\n',
    "no object": b'{"type":"ADDED"}\n',
    "null object": b'{"type":"ADDED","object":null}\n',
    "no metadata": line("ADDED", {"kind": "Pod"}),
    "no uid": line("ADDED", {"metadata": {"name": "b", "resourceVersion": "12"}}),
    "no version": line("MODIFIED", {"metadata": {"name": "b", "uid": "u"}}),
    "version 0": modified("b", 0),
    "empty version": deleted("b", ""),
    "a Table": line("ADDED", {"kind": "Table", "metadata": {}, "rows": []}),
    "deeply nested": b'{"type":"ADDED","object":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
}


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_frame_is_treated_as_a_reset(case: str) -> None:
    """Events before it come, it and what follows do not; the next watch asks after the last."""
    source = ScriptedSource(
        watches=[reply(added("a", 11) + BAD[case] + added("c", 13)), reply(added("b", 12))]
    )
    async with RetryWatcher(source, {"resource_version": "10"}, backoff=EXACT) as watcher:
        assert await take(watcher, 2) == ["+a", "+b"]

    assert source.versions() == ["10", "11"]
    assert source.times("watch") == [0, pytest.approx(0.8)]


async def test_the_third_bad_frame_at_one_version_is_expiry(logs: list[EventDict]) -> None:
    """An event that cannot be read is got round by a list, which shows the state behind it."""
    bad = reply(BAD["no JSON"])
    source = ScriptedSource(
        watches=[bad, bad, bad, reply(added("c", 60))],
        last_list=reply(page(50, manifest("b", 40))),
    )
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await take(watcher, 2) == ["+b?", "+c"]

    assert source.versions() == ["10", "10", "10", "50"]
    (expired,) = [each for each in logs if each["event"] == "watch.expired"]
    assert "three bad frames" in expired["cause"]


async def test_the_fourth_bad_frame_is_raised() -> None:
    """A list did not help: that is not Kubernetes, and the caller is told; again at each try."""
    source = ScriptedSource(last_watch=reply(BAD["unknown type"]), last_list=reply(page(50)))
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        for _ in range(3):
            with pytest.raises(ProtocolError, match="SNAFU"):
                await anext(watcher)

    assert source.versions() == ["10", "10", "10", "50", "50", "50"]


async def test_bad_frames_are_counted_between_progress() -> None:
    """An event that moves the version ends the row."""
    source = ScriptedSource(
        watches=[reply(added(f"p{number}", number), BAD["text"]) for number in range(11, 31)]
    )
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert len(await take(watcher, 20)) == 20

    assert source.times("list") == []


async def test_bad_frames_are_an_expiry_to_those_who_want_it_raised() -> None:
    """With `on_expired="raise"` the third one raises ResourceExpired."""
    source = ScriptedSource(last_watch=reply(BAD["text"]))
    options = {"resource_version": "10"}
    async with RetryWatcher(source, options, on_expired="raise") as watcher:
        with pytest.raises(ResourceExpired, match="three bad frames"):
            await anext(watcher)


async def test_a_frame_over_the_cap_is_a_bad_frame() -> None:
    """S16: within the cap it comes whole, however it is cut; over it, it is never joined."""
    big = modified("a", 12).replace(b"shop", b"s" * 5000)
    pieces = [big[start : start + 100] for start in range(0, len(big), 100)]
    source = ScriptedSource(
        watches=[reply(added("a", 11), *pieces), reply(modified("a", 13))], max_frame=4000
    )
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await take(watcher, 2) == ["+a", "~a"]
    whole = ScriptedSource(watches=[reply(*pieces)], max_frame=6000)
    async with RetryWatcher(whole, {"resource_version": "10"}) as watcher:
        assert await take(watcher, 1) == ["~a"]

    assert source.versions() == ["10", "11"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
async def test_events_survive_any_cutting(size: int) -> None:
    """Lines are split as bytes and decoded whole: U+2028, U+0085 and cut characters are text."""
    strange = manifest("a", 11)
    strange["data"] = "line\u2028next\u0085 é 😀 \r"
    sent = line("ADDED", strange) + b"\r\n" + bookmark(12) + deleted("a", 13)
    pieces = [sent[start : start + size] for start in range(0, len(sent), size)]
    source = ScriptedSource(watches=[reply(*pieces)])
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        event = await anext(watcher)
        assert event.object["data"] == "line\u2028next\u0085 é 😀 \r"
        assert await take(watcher, 1) == ["-a"]


STALE: dict[str, tuple[bytes, list[str]]] = {
    "the same again": (modified("a", 20), []),
    "an older state": (modified("a", 15), []),
    "added again": (added("a", 20), []),
    "at the version asked for": (added("z", 10), []),
    "before the version asked for": (modified("z", 9), []),
    "deleted before the state held": (deleted("a", 19), []),
    "deleted at the state held": (deleted("a", 20), ["-a"]),
    "deleted, unknown, before": (deleted("z", 9), []),
    "deleted, unknown, after": (deleted("z", 21), ["-z"]),
    "a newer state": (modified("a", 21), ["~a"]),
}


@pytest.mark.fault("F41", "F42")
@pytest.mark.parametrize("case", STALE)
async def test_stale_events_are_dropped(case: str) -> None:
    """Numeric versions only rise per object; what is at or before the start is never seen."""
    frame, seen = STALE[case]
    source = ScriptedSource(watches=[reply(added("a", 20), frame, Pause())])
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await drain(watcher, 5) == ["+a", *seen]


async def test_versions_are_compared_as_numbers() -> None:
    """99 is before 100; a comparison as text would drop everything after it."""
    source = ScriptedSource(watches=[reply(added("a", 99), modified("a", 100), modified("a", 99))])
    async with RetryWatcher(source, {"resource_version": "9"}) as watcher:
        assert await drain(watcher, 0.1) == ["+a", "~a"]


async def test_events_of_different_objects_may_come_out_of_order() -> None:
    """The position never turns back; an object's own order is what counts."""
    source = ScriptedSource(watches=[reply(added("a", 30), deleted("b", 25), Pause())])
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        events = [await anext(watcher), await anext(watcher)]

    assert [each.name for each in events] == ["a", "b"]
    assert [each.resume_version for each in events] == ["30", "30"]


async def test_an_event_with_unknown_fields_is_an_event() -> None:
    """What this version does not know beside type and object is no reason to lose it."""
    frame = added("a", 11).replace(b'{"type"', b'{"shard":"s1","type"')
    source = ScriptedSource(watches=[reply(frame)])
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await take(watcher, 1) == ["+a"]


async def test_an_error_message_holds_no_body() -> None:
    """C9: of a bad frame the class of the fault is said, never its bytes."""
    secret = b'{"type":"ADDED","object":{"data":"s3cr3t"\n'
    source = ScriptedSource(last_watch=reply(secret), last_list=reply(page(50)))
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        with pytest.raises(ProtocolError) as caught:
            await anext(watcher)

    assert "s3cr3t" not in str(caught.value)
    assert "s3cr3t" not in repr(caught.value)
    assert error(410) not in secret
