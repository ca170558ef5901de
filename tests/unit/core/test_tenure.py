"""What a Lease says, read tolerantly and written back whole; terms that work."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from watchkit import Object, ProtocolError
from watchkit.core.tenure import Record, Terms, fresh, stamped

TERMS = Terms("a")
STAMP = "2026-01-01T00:00:00.000001Z"


def lease(**spec: object) -> Object:
    """Make a Lease."""
    metadata = {"name": "web", "namespace": "shop", "resourceVersion": "7", "labels": {"a": "b"}}
    return Object({"apiVersion": "coordination.k8s.io/v1", "metadata": metadata, "spec": spec})


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"holderIdentity": None, "leaseDurationSeconds": None, "leaseTransitions": None},
        {"acquireTime": None, "renewTime": None},
    ],
)
def test_what_is_missing_or_null_is_nobody(spec: dict[str, Any]) -> None:
    """LE-03: nil fields."""
    assert Record.of(lease(**spec)) == Record(version="7")


def test_a_lease_without_a_spec_is_nobodys() -> None:
    """As one that a manifest without one makes."""
    assert Record.of(Object({"metadata": {"name": "web"}})) == Record()


@pytest.mark.parametrize("spec", [{"holderIdentity": 7}, {"leaseTransitions": "x"}])
def test_what_is_no_lease_is_an_error(spec: dict[str, Any]) -> None:
    """Rather than nobody's: it would be taken."""
    with pytest.raises(ProtocolError, match="no Lease"):
        Record.of(lease(**spec))


def test_a_record_is_written_as_it_was_read() -> None:
    """LE-03: round trip; what is not ours stays."""
    read = lease(
        holderIdentity="a",
        leaseDurationSeconds=15,
        acquireTime=STAMP,
        renewTime=STAMP,
        leaseTransitions=3,
        strategy="x",
    )

    written = Record.of(read).manifest("web", "shop")

    assert written == {**read.to_dict(), "kind": "Lease"}


def test_a_claim_takes_what_is_anothers_and_renews_what_is_ones_own() -> None:
    """LE-01: transitions count the changes of holder, and the time of the first stays."""
    taken = Record("b", 20, "then", "then", 3, "7").claimed(TERMS, STAMP)
    renewed = taken.claimed(TERMS, "later")

    assert taken == Record("a", 15, STAMP, STAMP, 4, "7")
    assert renewed == Record("a", 15, STAMP, "later", 4, "7")


def test_one_that_is_released_is_nobodys_for_a_second() -> None:
    """LE-04: as client-go leaves it."""
    assert fresh(TERMS, "then").released(STAMP) == Record("", 1, STAMP, STAMP, 0)


def test_times_are_written_in_utc_to_the_microsecond() -> None:
    """metav1.MicroTime."""
    there = timezone(timedelta(hours=5))

    assert stamped(datetime(2026, 1, 1, 5, 0, 0, 1, there)) == STAMP
    assert stamped(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"


def test_the_defaults_are_client_gos() -> None:
    """15, 10 and 2 seconds; a request gets half of the deadline."""
    assert (TERMS.lease_duration, TERMS.renew_deadline, TERMS.retry_period) == (15, 10, 2)
    assert TERMS.patience == 5
