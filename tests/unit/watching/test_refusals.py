"""Answers that stay wrong: raised, with what was asked, and never a loop."""

import pytest

from tests.unit.watching.reading import take
from tests.unit.watching.scripted import (
    ScriptedSource,
    added,
    error,
    refusal,
    reply,
)
from watchkit import (
    ApiError,
    Backoff,
    RetryWatcher,
)
from watchkit.core.errors import Redirected

pytestmark = pytest.mark.anyio

EXACT = Backoff(jitter="none")


@pytest.mark.fault("F09")
@pytest.mark.parametrize(
    ("status", "reason"),
    [(400, "BadRequest"), (405, "MethodNotAllowed"), (406, "NotAcceptable"), (422, "Invalid")],
)
async def test_a_wrong_request_is_raised(status: int, reason: str) -> None:
    """What stays wrong is raised, once per try; a try that is begun anew asks again."""
    wrong = error(status, reason, message="unable to parse the selector")
    source = ScriptedSource(watches=[reply(wrong), reply(wrong), reply(added("a", 11))])

    async with RetryWatcher(source, {"resource_version": "10"}, backoff=EXACT) as watcher:
        for _ in range(2):
            with pytest.raises(ApiError, match="unable to parse") as caught:
                await anext(watcher)
            assert (caught.value.status, caught.value.reason) == (status, reason)
        assert await take(watcher, 1) == ["+a"]

    assert source.versions() == ["10", "10", "10"]
    assert source.times("watch") == [0, pytest.approx(0.8), pytest.approx(2.4)]


async def test_a_redirect_is_raised() -> None:
    """The token stays at home: it is not followed, and not tried again by itself."""
    source = ScriptedSource(watches=[refusal(Redirected(302, message="to elsewhere"))])
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        with pytest.raises(Redirected, match="302"):
            await anext(watcher)

    assert len(source.asked) == 1


async def test_an_error_says_what_was_asked_of_whom_and_how() -> None:
    """The text names the verb, the resource, the namespace and the caller's options."""
    source = ScriptedSource(
        watches=[reply(error(400, "BadRequest", message="unable to parse requirement"))],
        namespace="shop",
    )
    options = {"resource_version": "10", "label_selector": "a in"}
    async with RetryWatcher(source, options) as watcher:
        with pytest.raises(ApiError) as caught:
            await anext(watcher)

    for part in ("watch pods in shop", "label_selector='a in'", "400", "unable to parse"):
        assert part in str(caught.value)
