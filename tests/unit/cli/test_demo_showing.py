"""Laws of what the demo shows: its numbers, its lines, its picture in a terminal of any size."""

from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from watchkit.cli.demo.judging import Verdict
from watchkit.cli.demo.picture import bars, painted, signed
from watchkit.cli.demo.scene import Glance, Scene, rate_between
from watchkit.cli.demo.telling import Tally, counted, survived_line, tally_lines
from watchkit.cli.demo.troubles import CATALOGUE, FAMOUS, script
from watchkit.cli.demo.writing import CANARY, Writer, deed
from watchkit.testing import FakeCluster

GLANCE = Glance(1.0, "watching", "120", 0, 3000, 3001, 125, 7, 4200, 600.0)
GOOD = Tally(Verdict(3000), told=4200, writes=1200, version="125", kinds={"reset": 2, "410": 1})


def scene_of(survived: int = 3, *, current: str | None = None) -> Scene:
    """Give a scene in which something has happened."""
    scene = Scene(20, began=100.0)
    scene.look(GLANCE)
    for number in range(survived):
        scene.strike(f"trouble {number}", 101.0 + number)
        scene.look(replace(GLANCE, behind=10 * number))
        scene.survive(101.5 + number)
    if current is not None:
        scene.strike(current, 110.0)
    return scene


def shown(picture: object, width: int = 100, height: int = 40) -> list[str]:
    """Give the lines of a picture."""
    console = Console(width=width, height=height, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(picture)
    return capture.get().splitlines()


def test_a_script_plays_the_whole_catalogue_before_it_repeats() -> None:
    """In an order that the seed decides; the famous ones first, as a demo is short."""
    played = list(islice(script(3), 2 * len(CATALOGUE)))

    first, second = played[: len(CATALOGUE)], played[len(CATALOGUE) :]
    names = sorted(trouble.name for trouble in CATALOGUE)
    assert sorted(trouble.name for trouble in first) == names
    assert sorted(trouble.name for trouble in second) == names
    assert all(trouble in FAMOUS for trouble in first[: len(FAMOUS)])
    assert played == list(islice(script(3), len(played)))
    assert played != list(islice(script(4), len(played)))


def test_every_trouble_has_a_name_of_its_own_that_fits() -> None:
    """A line of it does not move the columns."""
    names = [trouble.name for trouble in CATALOGUE]

    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 32


@given(st.integers(0, 2**32))
def test_the_number_of_objects_stays_near_what_is_wanted(seed: int) -> None:
    """Whatever chance says; and what the writer knows is what is there."""
    cluster = FakeCluster()
    writer = Writer(cluster, seed, 40)
    for _ in range(100):
        writer.write()

    there = {
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}": (
            pod["metadata"]["uid"],
            pod["metadata"]["resourceVersion"],
        )
        for pod in cluster.list("v1", "pods")
    }
    assert there == writer.there
    assert CANARY in there
    assert 30 <= len(there) <= 50


def test_a_writer_looks_again_after_a_restore() -> None:
    """What it knew is not there any more; it goes on with what is."""
    cluster = FakeCluster()
    writer = Writer(cluster, 1, 20)
    before = dict(writer.there)
    version = cluster.version
    for _ in range(50):
        writer.write()
    writes = writer.writes
    cluster.restore(version)

    writer.look_again()

    assert (writer.there, writer.writes) == (before, writes)
    for _ in range(50):
        writer.write()
    assert len(cluster.list("v1", "pods")) == len(writer.there)


@pytest.mark.parametrize(
    ("luck", "count", "expected"),
    [
        (0.0, 10, "change"),
        (0.75, 10, "replace"),
        (0.95, 10, "create"),
        (0.95, 300, "delete"),
        (0.82, 170, "create"),
        (0.82, 190, "delete"),
    ],
)
def test_what_is_done_next(luck: float, count: int, expected: str) -> None:
    """Mostly changes; creations where there are too few, deletions where too many."""
    assert deed(luck, count, wanted=200) == expected


def test_a_trouble_remembers_its_worst_divergence() -> None:
    """And how long it took; both begin anew with the next one."""
    scene = Scene(20, began=100.0)
    scene.strike("first", 101.0)
    scene.look(replace(GLANCE, behind=30))
    scene.look(replace(GLANCE, behind=10))
    over = scene.survive(103.5)
    scene.strike("second", 104.0)

    assert (over.name, over.at, over.away, over.behind) == ("first", 3.5, 2.5, 30)
    assert (scene.behind, scene.current) == (0, "second")


def test_troubles_are_counted_by_kind() -> None:
    """Only those that struck and were survived."""
    scene = scene_of(2)
    scene.strike("trouble 0", 110.0)
    scene.survive(111.0)
    scene.strike("met nothing", 112.0)
    scene.pass_by()
    scene.strike("too much", 113.0)
    scene.lose()

    assert scene.kinds == {"trouble 0": 2, "trouble 1": 1}
    assert scene.lost == ["too much"]


def test_a_rate_is_per_second_and_never_divides_by_nothing() -> None:
    """The first look has no rate."""
    assert rate_between(None, 5.0, 100) == 0
    assert rate_between(GLANCE, 1.0, 9999) == 0
    assert rate_between(GLANCE, 3.0, 4300) == 50


@given(st.lists(st.floats(0, 1e9)))
def test_bars_have_one_sign_a_value_and_grow_with_it(values: list[float]) -> None:
    """Nothing is the lowest bar; something is at least the one above."""
    drawn = bars(values)

    assert len(drawn) == len(values)
    assert all((bar == "▁") == (value == 0) for bar, value in zip(drawn, values, strict=True))
    assert sorted(drawn) == [bar for _, bar in sorted(zip(values, drawn, strict=True))]


@pytest.mark.parametrize(("width", "height"), [(96, 40), (80, 24), (60, 12), (30, 5)])
def test_a_picture_fits_its_terminal(width: int, height: int) -> None:
    """No line is wider, and none too many where there is room for any trouble at all."""
    scene = scene_of(60, current="now")
    scene.look(replace(GLANCE, version="1234567", served_version=1234567, epoch=12))
    lines = shown(painted(scene, 112.0, width=width, height=height), width, height)

    assert max(map(len, lines)) <= width
    assert width < 80 or "…" not in "".join(lines)
    assert len(lines) <= max(height - 1, 13)


def test_a_picture_says_how_it_is() -> None:
    """State, versions, cache, divergence, rate, what was survived and what is going on."""
    lines = shown(painted(scene_of(3, current="a freeze"), 112.0, width=96, height=40))
    text = "\n".join(" ".join(line.split()) for line in lines)

    for said in (
        "● watching at version 120, the server at 125",
        "3,000 pods the server has 3,001",
        "divergence 20",
        "600/s",
        "4,200 in all",
        "3 faults survived, of 3 kinds",
        "✓ trouble 2",
        "caught up after 0.5 s 20 behind",
        "▸ a freeze",
        "12 s of 20 s",
    ):
        assert said in text


def test_a_picture_names_what_was_not_survived() -> None:
    """And a restored store."""
    scene = scene_of(0, current="too much")
    scene.look(replace(GLANCE, epoch=1))
    scene.lose()
    text = "\n".join(shown(painted(scene, 112.0, width=96, height=40)))

    assert "✗ too much" in text
    assert "1 restore seen" in text


def test_a_tally_that_holds_says_so() -> None:
    """Faults by kind, then what was compared, then what it comes to."""
    lines = list(tally_lines(GOOD))

    assert lines[:2] == ["     1 x  410", "     2 x  reset"]
    assert "      ok  3 faults of 2 kinds survived, over 1,200 writes" in lines
    assert "      ok  3,000 objects compared: key, uid, version and content" in lines
    assert lines[-1] == "verified: the cache is what the server has, version 125"


BAD = [
    (Verdict(9, missing=("a", "b", "c", "d")), "4 missing in the cache: a, b, c and 1 more"),
    (Verdict(9, ghosts=("a",)), "1 in the cache only: a"),
    (Verdict(9, different=("a", "b")), "2 different: a, b"),
    (Verdict(9, untold=("a",)), "1 not what a handler was told: a"),
    (Verdict(9, contradictions=2), "2 lost, twice or out of order"),
    (Verdict(9, lost=("a freeze",)), "it did not come back from this: a freeze"),
]


@pytest.mark.parametrize(("verdict", "said"), BAD, ids=[said for _, said in BAD])
def test_a_tally_that_does_not_hold_names_what_is_wrong(verdict: Verdict, said: str) -> None:
    """In lines and in a picture alike."""
    tally = replace(GOOD, verdict=verdict)
    lines = list(tally_lines(tally))

    assert not tally.holds
    assert any("WRONG" in line and line.endswith(said) for line in lines)
    assert lines[-1] == "verified: the cache is NOT what the server has, version 125"
    assert any(line.startswith("✗") and line.endswith(said) for line in shown(signed(tally)))


def test_what_did_not_settle_does_not_hold() -> None:
    """However equal it was when waiting was given up."""
    tally = replace(GOOD, unsettled="not settled after 60 s: x")

    assert not tally.holds
    assert any("not settled after 60 s: x" in line for line in tally_lines(tally))


def test_a_line_tells_when_what_how_long_and_how_far() -> None:
    """In columns."""
    (over,) = scene_of(1).survived

    assert survived_line(over) == (
        "  1.5 s  trouble 0                         caught up after  0.5 s,     0 behind at worst"
    )


def test_numbers_have_their_nouns() -> None:
    """One fault, two faults."""
    assert [counted(number, "fault") for number in (0, 1, 2000)] == [
        "0 faults",
        "1 fault",
        "2,000 faults",
    ]
