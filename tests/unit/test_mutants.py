"""The mutants: each patch still fits, stands for something, and names somebody who finds it."""

import re
from pathlib import Path

import pytest

import watchkit
from tests.simulation.mutants.patching import SIMULATION, Mutant, PatchError, mutants, parsed

ROOT = Path(__file__).parents[2]
PACKAGE = Path(watchkit.__file__).parent
ALL = mutants()

NOT_OURS = {24}
"""Leader election is not part of the package yet."""

ROWS = (
    *("clean close", "a watch that lived < 1 s", "reset, EOF", "last line without its newline"),
    *("blank lines", "undecodable", "no complete frame", "a list with limit=1"),
    *("the consumer is slow", "encodings", "connection refused", "429, or Retry-After"),
    *("410 as ERROR event", "504 Too large", "401", "400, 405, 406, 422"),
    *("ERROR events with missing fields", "the only places a version is learnt from"),
    *("stale events", "pages with different versions", "3xx"),
)
"""Each row of the behaviour table, by some of its words."""

HEAD = "bug: It is one.\nstands-for: row: any\nkilled-by: simulation\n"
PATCH = """--- a/src/watchkit/core/some.py
+++ b/src/watchkit/core/some.py
@@ -1,3 +1,3 @@
 one
-two
+2
 three
"""


def package(folder: Path, text: str) -> Path:
    """Make a package of one file."""
    (folder / "core").mkdir()
    (folder / "core/some.py").write_text(text)
    return folder


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_each_still_fits(mutant: Mutant) -> None:
    """A patch that fits no more is made anew, or its bug cannot be made any more."""
    mutant.check(PACKAGE)


def test_they_are_enough() -> None:
    """Sixty, and one at least for each real outage that the package could have had."""
    outages = {
        int(number) for mutant in ALL for number in re.findall(r"outages? (\d+)", mutant.stands_for)
    }
    assert len(ALL) >= 60
    assert outages == set(range(1, 31)) - NOT_OURS


@pytest.mark.parametrize("row", ROWS)
def test_each_row_of_the_behaviour_table_has_one(row: str) -> None:
    """Whoever breaks a row is found."""
    assert any("row: " in each.stands_for and row in each.stands_for for each in ALL)


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_who_finds_it_exists(mutant: Mutant) -> None:
    """The simulation, or a test that is there under that name."""
    if mutant.killed_by == SIMULATION:
        return
    file, _, test = mutant.killed_by.partition("::")
    assert f"def {test.partition('[')[0]}(" in (ROOT / file).read_text()


def test_the_documentation_has_a_row_for_each() -> None:
    """What it is, and what it stands for, in the same words."""
    lines = (ROOT / "docs/simulation.md").read_text().splitlines()
    rows = {line.rpartition(" | ")[0] for line in lines if line.startswith("| ")}
    for each in ALL:
        assert f"| {each.name} | {each.bug} | {each.stands_for}" in rows


def test_a_patch_is_applied_wherever_its_lines_stand(tmp_path: Path) -> None:
    """Lines that came before it since do not matter."""
    folder = package(tmp_path, "zero\nzero\none\ntwo\nthree\nfour\n")
    parsed("a", HEAD + PATCH).apply(folder)
    assert (folder / "core/some.py").read_text() == "zero\nzero\none\n2\nthree\nfour\n"


@pytest.mark.parametrize(
    "text",
    ["one\ntwo\n3\n", "one\ntwo \nthree\n", "one\ntwo\nthree\none\ntwo\nthree\n", ""],
    ids=["other context", "a blank more", "in two places", "nothing"],
)
def test_a_patch_that_does_not_fit_changes_nothing(tmp_path: Path, text: str) -> None:
    """Context is compared exactly, and has to stand in one place only."""
    folder = package(tmp_path, text)
    mutant = parsed("a", HEAD + PATCH)

    with pytest.raises(PatchError, match="fits in"):
        mutant.check(folder)
    with pytest.raises(PatchError, match="fits in"):
        mutant.apply(folder)
    assert (folder / "core/some.py").read_text() == text


def test_a_patch_of_a_file_that_is_gone_does_not_fit(tmp_path: Path) -> None:
    """It says which."""
    with pytest.raises(PatchError, match=r"there is no core/some\.py"):
        parsed("a", HEAD + PATCH).check(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        PATCH,
        HEAD,
        HEAD.replace("bug: It is one.\n", "") + PATCH,
        HEAD + PATCH.replace("-two\n", ""),
        HEAD + PATCH.replace("@@ -1,3 +1,3 @@\n", ""),
        HEAD + PATCH.replace("-two\n+2\n", " two\n"),
        HEAD + PATCH.replace(" one", "one"),
        HEAD + PATCH.replace("watchkit", "elsewhere"),
        HEAD + PATCH.replace("+++ b/src/watchkit/core/some.py\n", ""),
    ],
    ids=[
        "no head",
        "no patch",
        "no bug",
        "a line less than it says",
        "no hunk",
        "no change",
        "a line that is none",
        "another package",
        "one file name",
    ],
)
def test_what_is_no_patch_is_refused(text: str) -> None:
    """Strict: whatever is not understood is wrong."""
    with pytest.raises(PatchError, match=r"^a: "):
        parsed("a", text)
