"""The oracle itself: an honest run passes, and each way to tamper with it is found out."""

import copy
import itertools
from collections.abc import Callable
from itertools import count

import pytest
from msgspec.structs import replace

from tests.simulation.oracle import judged
from tests.simulation.schedule import drawn
from tests.simulation.session import silence
from tests.simulation.trace import Asked, Diary, Exchange, Marked, Raised, Record, Told
from tests.simulation.world import Run, run

Tamper = Callable[[Run], bool]
"""Changes a run for the worse, if there is anything in it to change."""


def _diaries(result: Run, kind: str) -> list[Diary]:
    pairs = zip(result.schedule.consumers, result.diaries, strict=True)
    return [diary for consumer, diary in pairs if consumer.kind == kind]


def _told(records: list[Record], what: str, *, inferred: bool = False) -> list[int]:
    found = (
        number
        for number, each in enumerate(records)
        if isinstance(each, Told) and each.what == what and each.inferred is inferred
    )
    return [number for number in found if not records[number].initial]  # type: ignore[union-attr]


def _in_records(kind: str, handler: str, change: Callable[[list[Record]], bool]) -> Tamper:
    def tamper(result: Run) -> bool:
        return any(
            change(records)
            for diary in _diaries(result, kind)
            for name, records in diary.records.items()
            if name.startswith(handler)
        )

    return tamper


def _dropped(what: str, *, inferred: bool = False) -> Callable[[list[Record]], bool]:
    def change(records: list[Record]) -> bool:
        found = _told(records, what, inferred=inferred)
        for number in found[:1]:
            del records[number]
        return bool(found)

    return change


def _twice(records: list[Record]) -> bool:
    found = _told(records, "MODIFIED") or _told(records, "UPDATED")
    for number in found[:1]:
        records.insert(number, records[number])
    return bool(found)


def _swapped(records: list[Record]) -> bool:
    found = [n for n in _told(records, "DELETED") if n + 1 < len(records)]
    for number in found[:1]:
        records[number], records[number + 1] = records[number + 1], records[number]
    return bool(found)


def _foreign(records: list[Record]) -> bool:
    found = _told(records, "ADDED")
    for number in found[:1]:
        told = records[number]
        assert isinstance(told, Told)
        records[number] = replace(told, held=replace(told.held, content="foreign"))
    return bool(found)


def _ahead(records: list[Record]) -> bool:
    found = [n for n, each in enumerate(records) if isinstance(each, Marked)]
    for number in found[:1]:
        marked = records[number]
        assert isinstance(marked, Marked)
        records[number] = replace(marked, version=str(int(marked.version) + 5))
    return bool(found)


def _without_selector(result: Run) -> bool:
    asked = [
        (diary, number, each)
        for diary in result.diaries
        for number, each in enumerate(diary.asked)
        if "labelSelector" in each.query
    ]
    for diary, number, each in asked[:1]:
        query = {name: value for name, value in each.query.items() if name != "labelSelector"}
        diary.asked[number] = replace(each, query=query)
    return bool(asked)


def _stale(result: Run) -> bool:
    """A watch that says "watching" over a silence of an hour."""
    for diary in result.diaries:
        if diary.samples:
            late = replace(diary.samples[-1], at=diary.samples[-1].heard + 3600, state="watching")
            diary.samples[-1] = late
            return True
    return False


def _half_replaced(result: Run) -> bool:
    for diary in _diaries(result, "informer"):
        for number, each in enumerate(diary.samples):
            if each.cached and each.version is not None:
                less = dict(list(each.cached.items())[1:])
                diary.samples[number] = replace(each, cached=less)
                return True
    return False


def _hammered(result: Run) -> bool:
    for consumer, diary in zip(result.schedule.consumers, result.diaries, strict=True):
        if consumer.backoff.jitter == "none" and diary.exchanges:
            diary.exchanges[0] += [diary.exchanges[0][-1]] * 20
            return True
    return False


def _reacted(change: Callable[[Exchange, Exchange], bool], *, exact: bool = False) -> Tamper:
    """Change the first two requests, one after the other, that can be changed so."""

    def tamper(result: Run) -> bool:
        return any(
            change(before, after)
            for consumer, diary in zip(result.schedule.consumers, result.diaries, strict=True)
            if consumer.audit_period is None and (consumer.backoff.jitter == "none" or not exact)
            for exchanges in diary.exchanges
            for before, after in itertools.pairwise(exchanges)
        )

    return tamper


def _listed(before: Exchange, after: Exchange) -> bool:
    """A list where a watch that came to a good end should go on."""
    lived = before.over_at - before.asked.at
    if (before.kind, before.end, after.kind) != ("watch", "closed", "watch") or lived < 1.0:
        return False
    after.asked = Asked(after.asked.at, "list", {"limit": "2"})
    return True


def _gone_back(before: Exchange, after: Exchange) -> bool:
    """A watch that begins before the last version of the one before."""
    if before.taken is None or after.kind != "watch":
        return False
    query = {**after.asked.query, "resourceVersion": str(int(before.taken) - 1)}
    after.asked = replace(after.asked, query=query)
    return True


def _hurried(before: Exchange, after: Exchange) -> bool:
    """A request right after a refusal that somebody else has to heal."""
    if before.status not in {403, 404}:
        return False
    after.asked = replace(after.asked, at=before.over_at)
    return True


def _impatient(before: Exchange, _: Exchange) -> bool:
    """A watch that was given up for a silence, before that was one."""
    silent = (before.kind, before.end, before.bad, before.status) == ("watch", "given up", False, 0)
    before.waited = before.waited / 2 if silent else before.waited
    before.over_at = before.asked.at + 1.0 if silent else before.over_at
    return silent


def _patient(before: Exchange, _: Exchange) -> bool:
    """A watch that was waited for longer than any bound."""
    before.waited += 300.0 if before.opened else 0.0
    return before.opened


def _raised(result: Run) -> bool:
    """An error that time would have healed."""
    result.diaries[0].of("watcher").append(Raised(1.0, "TransportError"))
    return True


def _left_open(result: Run) -> bool:
    result.open_at_end = 1
    return True


TAMPERS: dict[str, Tamper] = {
    "an addition is lost": _in_records("watcher", "watcher", _dropped("ADDED")),
    "a change is lost": _in_records("watcher", "watcher", _dropped("MODIFIED")),
    "a deletion is lost": _in_records("watcher", "watcher", _dropped("DELETED")),
    "a deletion in a gap is lost": _in_records(
        "watcher", "watcher", _dropped("DELETED", inferred=True)
    ),
    "an addition in a gap is lost": _in_records(
        "watcher", "watcher", _dropped("ADDED", inferred=True)
    ),
    "an event comes twice": _in_records("watcher", "watcher", _twice),
    "events are swapped": _in_records("watcher", "watcher", _swapped),
    "an event shows what never was": _in_records("watcher", "watcher", _foreign),
    "a marker is ahead of the events": _in_records("watcher", "watcher", _ahead),
    "a handler loses an addition": _in_records("informer", "quick", _dropped("ADDED")),
    "a handler loses a deletion": _in_records("informer", "quick", _dropped("DELETED")),
    "a handler loses a change": _in_records("informer", "quick", _dropped("UPDATED")),
    "a handler of every change loses one": _in_records("informer", "every", _dropped("UPDATED")),
    "a handler is told twice": _in_records("informer", "quick", _twice),
    "a subscription loses a deletion": _in_records("informer", "subscription", _dropped("DELETED")),
    "a request lacks the selector": _without_selector,
    "health says watching over silence": _stale,
    "a reader sees half a relist": _half_replaced,
    "requests come as fast as they can": _hammered,
    "a watch is left open": _left_open,
    "a list comes out of nowhere": _reacted(_listed),
    "a watch goes back": _reacted(_gone_back),
    "a back-off is left out": _reacted(_hurried, exact=True),
    "a watch is given up too soon": _reacted(_impatient),
    "a watch is given up too late": _reacted(_patient),
    "an error is raised that passes": _raised,
}


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Some runs with nothing wrong in them."""
    silence()
    results = [run(drawn(seed)) for seed in range(1, 13)]
    assert not any(judged(each) for each in results)
    return results


@pytest.mark.parametrize("tamper", TAMPERS)
def test_what_is_tampered_with_is_found_out(runs: list[Run], tamper: str) -> None:
    """Each promise has somebody who looks: in the first run that can be bent that way."""
    tried = count()
    for result in runs:
        bent = copy.copy(result)
        bent.diaries = copy.deepcopy(result.diaries)
        if TAMPERS[tamper](bent):
            next(tried)
            if judged(bent):
                return
    assert not next(tried), "it was tampered with, and nothing was said"
    pytest.fail("no run could be bent that way")
