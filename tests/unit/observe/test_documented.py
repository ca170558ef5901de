"""docs/logging.md: all that the code can say is there, with its level and its keys."""

import inspect
import re
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import anyio
import msgspec
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.unit.watching.reading import drain
from tests.unit.watching.scripted import (
    Pause,
    Reply,
    ScriptedSource,
    added,
    error,
    manifest,
    page,
    refusal,
    reply,
    reset,
)
from watchkit import InvalidRequest, RetryWatcher, ServerUnavailable, SharedInformer
from watchkit.core import recovery, session
from watchkit.observe import calls, client, leader, log, probing, reconciling, recording
from watchkit.testing import run_virtual

DOCUMENT = Path(__file__).parents[3] / "docs" / "logging.md"
ROW = re.compile(r"^\| `(?P<event>\w+\.\w+)` \| (?P<levels>[\w, ]+) \|.*\|(?P<keys>.*)\|$")
WATCHES = ("list", "watch", "handler", "object", "index", "audit")
ALWAYS = {"event", "log_level", "resource", "namespace"}


def documented(*families: str) -> dict[str, tuple[set[str], set[str]]]:
    """Give the levels and the keys of each event of these families that the document lists."""
    found = map(ROW.match, DOCUMENT.read_text(encoding="utf-8").splitlines())
    return {
        row["event"]: (set(row["levels"].split(", ")), set(re.findall(r"`(\w+)`", row["keys"])))
        for row in found
        if row is not None and (not families or row["event"].split(".")[0] in families)
    }


def said() -> list[EventDict]:
    """Give what a watcher logs that meets everything there is to log."""
    wrong = InvalidRequest(400, "BadRequest", "no such label selector")
    scripts: list[tuple[list[Reply], Reply]] = [
        ([reply(error(410)), reply(added("a", 60), error(410))], reply(page(50))),
        ([reply(added("a", 11), reset()), reply()], refusal(ServerUnavailable(503))),
        ([reply(Pause(5)), reply(Pause()), refusal(wrong)], reply(page(5))),
        ([reply(reset()), reply(Pause())], reply(page(5))),
    ]

    async def follow(watches: list[Reply], last_list: Reply) -> None:
        source = ScriptedSource(watches=watches, last_list=last_list)
        async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
            with suppress(InvalidRequest):
                await drain(watcher, 400)

    with capture_logs() as logs:
        for watches, last_list in scripts:
            run_virtual(follow, watches, last_list)
        run_virtual(_inform)
    return logs


async def _inform() -> None:
    """Let an informer meet what only informers log."""
    refused = refusal(InvalidRequest(422, "Invalid", "sendInitialEvents"))
    lists = [
        reply(page(5, manifest("a", 1))),
        reply(page(6, manifest("a", 1))),
        reply(page(7, manifest("b", 2))),
        reply(page(8, manifest("b", 2))),
        refusal(ServerUnavailable(503)),
    ]
    source = ScriptedSource(watches=[refused], lists=lists, last_list=reply(page(8)))
    async with SharedInformer(source, audit_period=10, indexers={"bad": _fail}) as informer:
        informer.add_event_handler(on_add=_fail)
        await anyio.sleep(60)
    spec = {**manifest("a", 1), "spec": 1}
    typed = ScriptedSource(lists=[reply(page(5, spec))])
    async with SharedInformer(typed, model=Specified, initial_list="list"):
        await anyio.sleep(1)


class Specified(msgspec.Struct):
    """A model that not every object fits."""

    spec: str


def _fail(subject: object) -> list[str]:
    raise ValueError(type(subject).__name__)


def test_every_event_that_the_code_names_is_documented() -> None:
    """And none is documented that the code can't say."""
    sources = "".join(inspect.getsource(module) for module in (log, recovery, session))
    named = set(re.findall(rf'"((?:{"|".join(WATCHES)})\.\w+)"', sources))

    assert set(documented(*WATCHES)) == named


def test_every_event_of_calls_and_of_the_client_is_documented() -> None:
    """What observe says beside watches stands in the document, and nothing else does."""
    others = (calls, client, leader, probing, reconciling, recording)
    sources = "".join(inspect.getsource(module) for module in others)
    named = set(re.findall(r'"([a-z]+\.[a-z_]+)"', sources))

    assert set(documented()) - set(documented(*WATCHES)) == named


def test_levels_and_keys_are_as_documented() -> None:
    """Of each event, as it really comes."""
    levels: dict[str, set[str]] = defaultdict(set)
    for entry in said():
        event = entry["event"]
        levels[event].add(entry["log_level"])
        assert set(entry) - ALWAYS == documented()[event][1]
        assert set(entry) >= ALWAYS

    expected = {event: levels for event, (levels, _) in documented(*WATCHES).items()}
    assert levels == expected


def test_no_event_holds_a_secret() -> None:
    """C9: what an object or a header holds is in no value."""
    line = added("a", 11).replace(b'"kind":"Pod"', b'"kind":"Secret","data":{"token":"s3cr3t"}')

    async def follow() -> None:
        source = ScriptedSource(watches=[reply(line + line[:-9] + b"\n")])
        async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
            assert await drain(watcher, 5) == ["+a"]

    with capture_logs() as logs:
        run_virtual(follow)

    assert logs
    assert "s3cr3t" not in str(logs)
