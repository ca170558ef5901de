"""The ledger: no stale event gets through, and a list in its place yields the net effect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.ledgers import a_list, told
from tests.unit.core.manifests import an_object
from watchkit.core.decoding import Page, Verb
from watchkit.core.events import Added
from watchkit.core.ledger import Ledger
from watchkit.core.listing import Listing


def holding(name: str = "a", uid: str = "u1", version: str = "10") -> Ledger:
    """Make a ledger that holds one object."""
    ledger = Ledger()
    ledger.apply("ADDED", an_object(name, uid=uid, version=version), None)
    return ledger


def take(ledger: Ledger, verb: Verb, uid: str, version: str, asked: str | None) -> list[str]:
    """Apply an event about the object named a."""
    return told(ledger.apply(verb, an_object("a", uid=uid, version=version), asked))


@pytest.mark.parametrize(("verb", "sign"), [("ADDED", "+"), ("MODIFIED", "~"), ("DELETED", "-")])
def test_an_event_of_an_unknown_object_is_passed_on_as_it_is(verb: Verb, sign: str) -> None:
    """Who resumes after a version knows nothing of what was before it."""
    ledger = Ledger()
    obj = an_object("a", uid="u1", version="10")

    (event,) = ledger.apply(verb, obj, "9")

    assert told([event]) == [f"{sign}a u1 10"]
    assert event.object is obj
    assert event.resume_version == "10"
    assert not event.initial
    assert len(ledger) == (verb != "DELETED")


@pytest.mark.fault("F41")
@pytest.mark.parametrize("verb", ["ADDED", "MODIFIED"])
@pytest.mark.parametrize(
    ("version", "asked", "passes"),
    [
        ("11", None, True),
        ("11", "10", True),
        ("10", None, False),
        ("9", None, False),
        ("2", None, False),
        ("11", "11", False),
        ("11", "20", False),
        ("100", "20", True),
    ],
)
def test_added_and_modified_are_stale_at_or_before_the_version_held_or_asked_for(
    verb: Verb, version: str, asked: str | None, *, passes: bool
) -> None:
    """ADDED/MODIFIED dropped when <= the version held for that uid, or <= the version asked for."""
    ledger = holding(version="10")

    assert bool(take(ledger, verb, "u1", version, asked)) == passes
    assert ledger.holds(an_object("a", uid="u1", version=version if passes else "10"))


@pytest.mark.parametrize(
    ("version", "asked", "passes"),
    [("11", None, True), ("10", None, True), ("9", None, False), ("10", "10", True)],
)
def test_deleted_is_stale_before_the_version_held(
    version: str, asked: str | None, *, passes: bool
) -> None:
    """DELETED dropped when < the version held: some servers send the last one with it."""
    ledger = holding(version="10")

    assert bool(take(ledger, "DELETED", "u1", version, asked)) == passes
    assert len(ledger) == (not passes)


@pytest.mark.parametrize(
    ("version", "asked", "passes"),
    [("10", "9", True), ("10", "10", False), ("10", "11", False), ("10", None, True)],
)
def test_deleted_of_an_unknown_object_is_stale_at_or_before_the_version_asked_for(
    version: str, asked: str | None, *, passes: bool
) -> None:
    """DELETED of a key not held, dropped when <= the version that this watch asked for."""
    assert bool(take(Ledger(), "DELETED", "u1", version, asked)) == passes


@given(
    verb=st.sampled_from(["ADDED", "MODIFIED", "DELETED"]),
    held=st.sampled_from(["abc", "10"]),
    version=st.sampled_from(["abc", "abd", "007"]),
    asked=st.sampled_from([None, "abc", "5"]),
)
def test_opaque_versions_are_never_stale(
    verb: Verb, held: str, version: str, asked: str | None
) -> None:
    """Without an order nothing may be dropped: the server's order is all there is."""
    ledger = holding(version=held)

    assert len(take(ledger, verb, "u1", version, asked)) == 1


@pytest.mark.fault("F44")
@pytest.mark.parametrize("verb", ["ADDED", "MODIFIED", "DELETED"])
def test_another_uid_under_a_held_key_deletes_the_predecessor_first(verb: Verb) -> None:
    """Another uid under a held key: Deleted(held, inferred) first, which is no place to resume."""
    ledger = holding(uid="u1", version="10")

    first, second = ledger.apply(verb, an_object("a", uid="u2", version="12"), "5")

    sign = {"ADDED": "+", "MODIFIED": "~", "DELETED": "-"}[verb]
    assert told([first, second]) == ["-a u1 10?", f"{sign}a u2 12"]
    assert (first.resume_version, second.resume_version) == (None, "12")
    assert len(ledger) == (verb != "DELETED")


@pytest.mark.parametrize("verb", ["ADDED", "MODIFIED", "DELETED"])
def test_a_late_event_of_a_predecessor_is_stale(verb: Verb) -> None:
    """Versions are the store's: what is older than the successor says nothing new."""
    ledger = holding(uid="u2", version="12")

    assert take(ledger, verb, "u1", "11", None) == []
    assert ledger.holds(an_object("a", uid="u2", version="12"))


def test_an_inferred_deleted_has_an_object_with_its_identity_only() -> None:
    """Just name, namespace, uid and last seen version; also for what is in no namespace."""
    ledger = holding(uid="u1", version="10")
    ledger.apply("ADDED", an_object("node", namespace="", uid="u2", version="11"), None)

    gone = {each.key: each.object.to_dict() for each in ledger.replace(a_list(), initial=False)}

    identity = {"name": "a", "namespace": "shop", "uid": "u1", "resourceVersion": "10"}
    assert gone["shop/a"] == {"metadata": identity}
    assert gone["node"] == {"metadata": {"name": "node", "uid": "u2", "resourceVersion": "11"}}


@pytest.mark.fault("F43")
def test_a_list_yields_the_net_effect_deleted_first() -> None:
    """What vanished, then what came or changed in the list's order; nothing for what is equal."""
    ledger = Ledger()
    for name in ("gone", "same", "changed", "reborn"):
        ledger.apply("ADDED", an_object(name, uid=f"{name}-1", version="10"), None)

    listing = a_list(
        an_object("new", uid="new-1", version="20"),
        an_object("changed", uid="changed-1", version="21"),
        an_object("same", uid="same-1", version="10"),
        an_object("reborn", uid="reborn-2", version="22"),
        version="30",
        memory=ledger,
    )
    events = ledger.replace(listing, initial=False)

    assert told(events) == [
        "-gone gone-1 10?",
        "-reborn reborn-1 10?",
        "+new new-1 20?",
        "~changed changed-1 21?",
        "+reborn reborn-2 22?",
    ]
    assert [each.resume_version for each in events] == [None] * 4 + ["30"]
    assert not any(each.initial for each in events)
    assert len(ledger) == 4


def test_the_first_list_yields_initial_events() -> None:
    """They were there before the watching began: initial, not inferred."""
    events = Ledger().replace(a_list(an_object("a"), an_object("b"), version="30"), initial=True)

    assert [(type(each), each.initial, each.inferred) for each in events] == [
        (Added, True, False)
    ] * 2
    assert [each.resume_version for each in events] == [None, "30"]


def test_a_list_of_which_nothing_is_wanted_is_remembered_and_yields_nothing() -> None:
    """So begins who asks for new events only."""
    ledger = Ledger()
    listing = Listing(lambda _: None)
    listing.add(Page("30", "", (an_object("a", uid="u1", version="10"),)))

    assert ledger.replace(listing, initial=True) == []
    assert ledger.holds(an_object("a", uid="u1", version="10"))
    assert take(ledger, "MODIFIED", "u1", "10", "9") == []


def test_an_object_is_held_in_one_state_only() -> None:
    """By uid and version, under its key."""
    ledger = holding("a", uid="u1", version="10")

    assert ledger.holds(an_object("a", uid="u1", version="10"))
    assert not ledger.holds(an_object("a", uid="u1", version="11"))
    assert not ledger.holds(an_object("a", uid="u2", version="10"))
    assert not ledger.holds(an_object("b", uid="u1", version="10"))


# After the store was restored.


def test_after_a_restore_the_same_version_is_a_change() -> None:
    """The versions held are forgotten: the same uid and version may be another content."""
    ledger = holding(uid="u1", version="10")
    ledger.forget_versions()

    assert not ledger.holds(an_object("a", uid="u1", version="10"))
    listing = a_list(an_object("a", uid="u1", version="10"), version="12", memory=ledger)
    assert told(ledger.replace(listing, initial=False)) == ["~a u1 10?"]


def test_after_a_restore_older_versions_are_not_stale() -> None:
    """Only what the watch asked for still bounds them."""
    ledger = holding(uid="u1", version="10")
    ledger.forget_versions()

    assert take(ledger, "MODIFIED", "u1", "3", "3") == []
    assert take(ledger, "MODIFIED", "u1", "4", "3") == ["~a u1 4"]
    assert take(ledger, "MODIFIED", "u1", "4", "3") == []


def test_after_a_restore_what_vanished_has_the_version_last_seen() -> None:
    """It is the object that it was, whatever the versions mean now."""
    ledger = holding(uid="u1", version="10")
    ledger.forget_versions()

    assert told(ledger.replace(a_list(version="5"), initial=False)) == ["-a u1 10?"]


def test_a_list_after_a_restore_begins_to_count_anew() -> None:
    """Its versions are held, as ever."""
    ledger = holding(uid="u1", version="10")
    ledger.forget_versions()
    ledger.replace(a_list(an_object("a", uid="u1", version="4"), version="5"), initial=False)

    assert ledger.holds(an_object("a", uid="u1", version="4"))
    assert take(ledger, "MODIFIED", "u1", "4", None) == []
    assert take(ledger, "MODIFIED", "u1", "6", None) == ["~a u1 6"]
