"""What was served when: turns are taken back, and forgotten with history."""

from tests.unit.testing.manifests import shop
from watchkit.testing.log import Entry, Kept, Log
from watchkit.testing.resources import Resource
from watchkit.testing.serving import Turn, Turns

SHOPS = Resource("x.io/v1", "shops", "Shop", custom=True)


def log() -> Log:
    """Give a log with an object of version 96, and what came of it at 98."""
    made = Log(SHOPS)
    before = Kept(SHOPS, shop("a")).at(96)
    made.append(Entry(96, "ADDED", before, None))
    made.append(Entry(98, "DELETED", before.at(98), before))
    return made


def test_what_came_later_is_taken_back_last_first() -> None:
    """And only once."""
    turns = Turns()
    made = [Turn(version, None, SHOPS) for version in (95, 97, 97, 98)]
    for turn in made:
        turns.append(turn)

    assert list(turns.undone(96)) == made[:0:-1]
    assert list(turns.undone(96)) == []
    assert list(turns.undone(94)) == made[:1]


def test_what_no_restore_reaches_is_forgotten() -> None:
    """Turns, and the history of what was removed, which would pile up otherwise."""
    turns = Turns()
    early, late = log(), log()
    turns.append(Turn(96, SHOPS, None, early))
    turns.append(Turn(98, SHOPS, None, late))

    turns.compact(97)

    assert [entry.version for entry in late.entries] == [98]
    assert [turn.log for turn in turns.undone(0)] == [late]
