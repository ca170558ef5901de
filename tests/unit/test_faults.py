"""docs/faults.md: every fault is there, with a marked test or the reason for none."""

from pathlib import Path

import pytest

from tools.faults import CATALOGUE, DOCUMENT, ROOT, TESTS, Mark, grouped, marks, section, wrongs

TEXT = (ROOT / DOCUMENT).read_text(encoding="utf-8")
LINES = {each: line for each in CATALOGUE for line in TEXT.splitlines() if f"| {each} |" in line}


@pytest.fixture(scope="module")
def marked() -> list[Mark]:
    """Give the marks of all tests, every file of which is parsed for that."""
    return marks(ROOT)


def test_every_fault_has_a_marked_test_or_a_reason(marked: list[Mark]) -> None:
    """None is left out, none twice; markers name what there is; the tests named are those."""
    assert wrongs(TEXT, marked) == []


def test_a_missing_row_is_found(marked: list[Mark]) -> None:
    """The test above would fail without any one of them, or with one of them twice."""
    for each in CATALOGUE:
        row = LINES[each] + "\n"
        assert wrongs(TEXT.replace(row, ""), marked) == [f"{each}: missing"]
        assert wrongs(TEXT.replace(row, row * 2), marked) == [f"{each}: 2 times"]


def test_a_row_without_a_test_is_found(marked: list[Mark]) -> None:
    """Whichever it is: for each row, what lint says where its markers are gone."""
    for each in grouped(marked):
        left = [mark for mark in marked if each not in mark.ids]
        document = TEXT.partition(TESTS)[0] + section(grouped(left))

        assert f"{each}: neither a marked test nor a reason" in wrongs(document, left)


@pytest.mark.parametrize(
    ("each", "rule", "fault"),
    [
        ("F78", "**left out**", "F78: neither a marked test nor a reason"),
        ("F78", "**no test**: too hard.", "F78: neither a marked test nor a reason"),
        ("F78", "Nothing.", "F78: neither a marked test nor a reason"),
        ("F78", "", "a row that cannot be read"),
        ("F20", "**no test**: it would take a week.", "F20: has tests, and says that it has none"),
    ],
)
def test_a_row_that_says_nothing_is_found(
    marked: list[Mark], each: str, rule: str, fault: str
) -> None:
    """Neither test nor reason, a reason that is none, or one beside a test."""
    said = wrongs(TEXT.replace(LINES[each], f"| {each} | Something. | {rule} |"), marked)

    assert any(one.startswith(fault) for one in said)


def test_an_unknown_row_is_found(marked: list[Mark]) -> None:
    """An id that the catalogue does not have."""
    row = "| F19 | Something. | **left out**: there is no such fault. |\n"

    assert wrongs(TEXT.replace(LINES["F20"], row + LINES["F20"]), marked) == ["F19: unknown"]


MARKED = """import pytest

fault = pytest.mark.fault
{}

@pytest.mark.parametrize("a", [1])
{}
{}
"""


@pytest.mark.parametrize(
    ("module", "decorator", "definition", "found"),
    [
        ("", '@pytest.mark.fault("F20", "F21")', "async def test_a(): ...", ("::test_a", "")),
        ("", "", '@fault("F20", "F21")\nclass TestA: ...', ("::TestA", "")),
        ('CASES = [fault("F20", "F21")]', "", "def test_a(): ...", ("", "")),
        ('pytestmark = pytest.mark.fault("F20", "F21")', "", "def test_a(): ...", ("", "")),
        (
            "",
            '@pytest.mark.parametrize("b", [pytest.param(1, marks=fault("F20", "F21"))])',
            "def test_a(): ...",
            ("::test_a", ""),
        ),
        ("", '@fault("F20", "F21")', "def a(): ...", ("::a", "is on a, which is no test")),
    ],
)
def test_a_marker_is_about_what_it_stands_on(
    tmp_path: Path, module: str, decorator: str, definition: str, found: tuple[str, str]
) -> None:
    """A test, a class of tests, or, beside them all, the file."""
    written(tmp_path, "test_it.py", MARKED.format(module, decorator, definition))

    (mark,) = marks(tmp_path)

    assert mark.ids == ("F20", "F21")
    assert (mark.test, mark.wrong) == (f"tests/test_it.py{found[0]}", found[1])


@pytest.mark.parametrize("arguments", ["", "F20", '*["F20"]', '"F20", 21', 'ids="F20"'])
def test_a_marker_that_cannot_be_read_is_found(tmp_path: Path, arguments: str) -> None:
    """Nothing of the tests is imported: what a marker names stands there."""
    written(tmp_path, "test_it.py", MARKED.format("", f"@fault({arguments})", "def test_a(): ..."))

    (mark,) = marks(tmp_path)

    assert mark.wrong == "names its faults otherwise than by strings"


def test_a_marker_where_no_tests_are_is_found(tmp_path: Path) -> None:
    """Nothing would be collected there."""
    written(tmp_path, "cases.py", MARKED.format("", '@fault("F20")', "def test_a(): ..."))

    assert [mark.wrong for mark in marks(tmp_path)] == ["is in no file of tests"]


def test_a_marker_of_an_unknown_fault_is_found(marked: list[Mark], tmp_path: Path) -> None:
    """It may be a slip of the finger, and the fault meant then has one test less."""
    written(tmp_path, "test_it.py", MARKED.format("", '@fault("F19")', "def test_a(): ..."))

    said = wrongs(TEXT, [*marked, *marks(tmp_path)])

    assert "tests/test_it.py:7: there is no fault F19" in said
    assert any("its tests are not those marked" in each for each in said)


def written(root: Path, name: str, text: str) -> None:
    """Write a file below tests/."""
    (root / "tests").mkdir()
    (root / "tests" / name).write_text(text, encoding="utf-8")
