"""What tallies of queues and reconciles count, and how they show it."""

from watchkit.core.counting import QueueTally, ReconcileTally
from watchkit.core.statistics import RECONCILE_RESULTS


def test_reconciles_are_counted_by_what_came_of_them() -> None:
    """With how long they took; failures of whatever kind are errors."""
    tally = ReconcileTally("shop")
    for result in (*RECONCILE_RESULTS, "success"):
        tally.count(result, 2.0)
    counted = tally.statistics()

    assert counted.controller == "shop"
    assert counted.results == dict.fromkeys(RECONCILE_RESULTS, 1) | {"success": 2}
    assert counted.errors == 3
    assert (counted.duration.count, counted.duration.sum) == (7, 14.0)
    assert repr(tally) == "<ReconcileTally shop ended=7 failed=3>"


def test_what_was_shown_stays_as_it_was() -> None:
    """A value, whatever is counted later."""
    tally, queue = ReconcileTally("shop"), QueueTally("shop")
    counted, queued = tally.statistics(), queue.statistics()
    tally.count("error", 1.0)
    queue.adds += 1
    queue.queued.observe(1.0)

    assert (counted.results, counted.errors, counted.duration.count) == ({}, 0, 0)
    assert (queued.adds, queued.queue_duration.count) == (0, 0)
    assert queue.statistics() != queued


def test_what_a_queue_did_is_shown_by_its_name() -> None:
    """Each counter as what it is."""
    tally = QueueTally("shop")
    tally.adds, tally.retries = 5, 2
    tally.queued.observe(0.5)
    tally.worked.observe(7.0)
    counted = tally.statistics()

    assert (counted.name, counted.adds, counted.retries) == ("shop", 5, 2)
    assert (counted.queue_duration.sum, counted.work_duration.sum) == (0.5, 7.0)
    assert repr(tally) == "<QueueTally shop adds=5 retries=2>"
    assert repr(QueueTally()) == "<QueueTally unnamed adds=0 retries=0>"


def test_bounds_are_those_of_others_fewer() -> None:
    """So the same quantiles can be asked for as of controller-runtime, which has these 40."""
    theirs = {
        *(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7),
        *(0.8, 0.9, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5, 6, 7, 8, 9, 10, 15),
        *(20, 25, 30, 40, 50, 60),
    }
    assert theirs.issuperset(ReconcileTally("shop").statistics().duration.bounds)
    assert QueueTally().statistics().queue_duration.bounds[-1] == 1000.0
