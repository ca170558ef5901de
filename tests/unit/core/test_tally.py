"""What is counted, and under which word."""

import pytest

from tests.unit.core.manifests import an_object
from watchkit.core import errors
from watchkit.core.events import Added, Bookmark, Deleted, Modified, Relisted, Synced, Updated
from watchkit.core.position import (
    Abandoned,
    Doubted,
    Ended,
    Failed,
    Lacking,
    Restored,
    Signal,
)
from watchkit.core.statistics import EVENT_TYPES, LIST_REASONS, WATCH_ENDS, ListReason, WatchEnd
from watchkit.core.tally import Tally, end_of, reason_of

GONE = errors.ResourceExpired(410, "Expired")
RESET = errors.TransportError("reset")
POD = an_object("a")


@pytest.mark.parametrize(
    ("signal", "end"),
    [
        (Ended(300.0, 300, moved=False), "ended"),
        (Failed(GONE), "expired"),
        (Failed(GONE, opened=True), "expired"),
        (Failed(errors.IdleTimeout("silence")), "idle"),
        (Failed(RESET), "disconnected"),
        (Failed(errors.ProtocolError("no JSON")), "garbled"),
        (Failed(errors.FrameTooLarge("9 MiB")), "garbled"),
        (Failed(errors.Forbidden(403)), "error"),
        (Failed(errors.ServerUnavailable(503), opened=True), "error"),
        (Failed(errors.WatchkitError("who knows")), "error"),
        (Lacking("sendInitialEvents", errors.InvalidRequest(422)), "error"),
        (Lacking("sendInitialEvents", errors.IdleTimeout("no mark")), "idle"),
        (Restored("5"), "restored"),
        (Doubted("an audit found a difference"), "left"),
        (Abandoned(), "left"),
    ],
    ids=str,
)
def test_each_end_of_a_watch_has_its_word(signal: Signal, end: WatchEnd) -> None:
    """Told by what went wrong, not by when."""
    assert end_of(signal) == end


@pytest.mark.parametrize(
    ("signal", "reason"),
    [
        (Failed(GONE), "expired"),
        (Failed(errors.ProtocolError("the third")), "given_up"),
        (Failed(errors.ServerUnavailable(504), opened=True), "given_up"),
        (Ended(0.1, 300, moved=False), "given_up"),
        (Restored("5"), "restored"),
        (Doubted("somebody waits"), "asked"),
    ],
    ids=str,
)
def test_each_list_of_a_gap_has_its_reason(signal: Signal, reason: ListReason) -> None:
    """Told by what made the version worthless; before there was one, it is the start."""
    assert reason_of(signal, gap=True) == reason
    assert reason_of(signal, gap=False) == "start"


def test_everything_that_can_be_counted_is_there_from_the_start() -> None:
    """At 0: whoever computes a rate sees the first one, too."""
    zero = Tally("pods").statistics()

    assert zero.watches == dict.fromkeys(WATCH_ENDS, 0)
    assert zero.lists == dict.fromkeys(LIST_REASONS, 0)
    assert zero.events == dict.fromkeys(EVENT_TYPES, 0)
    assert (zero.resource, zero.progress_age, zero.is_ended) == ("pods", None, False)


def test_events_and_changes_are_counted_by_the_same_words() -> None:
    """An update of a cache is the server's MODIFIED; markers count for nothing."""
    tally = Tally("pods")
    was_added = Added(POD, POD.meta)
    tally.told([Relisted("1"), was_added, Bookmark("1"), Synced("1")])
    tally.told([was_added, Updated(POD, POD, POD.meta), Modified(POD, POD.meta)])
    tally.told([Deleted(POD, POD.meta)])
    tally.bookmarked(2)

    counted = tally.statistics().events
    assert counted == {"ADDED": 2, "MODIFIED": 2, "DELETED": 1, "BOOKMARK": 2}


def test_statistics_do_not_move() -> None:
    """They are a value: what is counted later is not in them."""
    tally = Tally("pods")
    tally.watch_ended("idle")
    before = tally.statistics()
    tally.watch_ended("idle")
    tally.listed("start")
    tally.told([Added(POD, POD.meta)])

    assert (before.watches["idle"], before.lists["start"], before.events["ADDED"]) == (1, 0, 0)
    assert repr(tally) == "<Tally pods watches=2 lists=1>"
