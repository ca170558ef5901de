"""docs/conformance.md: every case is there, with a test that exists or the reason for none."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path("tests/unit/watching")
ROW = re.compile(r"^\| (?P<case>[A-Z]+-?\d\d) \| (?P<law>[^|]+) \| (?P<here>[^|]+) \|$")
TEST = re.compile(r"`(?P<file>[\w/]+\.py)::(?P<name>\w+)`")
CASES = {
    *(f"RW-{number:02}" for number in range(1, 26)),
    *(f"UN-{number:02}" for number in range(1, 7)),
    *(f"IW-{number:02}" for number in range(1, 5)),
    *(f"PG-{number:02}" for number in range(1, 4)),
    *(f"RF-{number:02}" for number in (12, 15, 16, 17, 18)),
    *(f"HT-{number:02}" for number in range(1, 9)),
    *("RY-01", "BK-01"),
    *(f"S{number:02}" for number in range(1, 33)),
    *(f"P{number:02}" for number in range(1, 26)),
}
DEVIATING = {"RW-03", "RW-04", "RW-09", "RW-10", "RF-12", "RF-15", "RF-16", "RF-17", "RF-18"}


def rows() -> list[re.Match[str]]:
    """Give the rows of the tables."""
    text = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    return [found for found in map(ROW.match, text.splitlines()) if found is not None]


ROWS = rows()


@cache
def named_in(file: Path) -> set[str]:
    """Give the names of the tests in a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, functions)}


def test_every_case_is_there_once() -> None:
    """None is left out, none twice."""
    cases = [row["case"] for row in ROWS]

    assert sorted(cases) == sorted(CASES)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"])
def test_every_test_that_is_named_exists(row: re.Match[str]) -> None:
    """A renamed test is renamed in the document, too."""
    for found in TEST.finditer(row["here"]):
        file = Path(found["file"])
        place = file if len(file.parts) > 1 else HERE / file
        assert found["name"].startswith("test_")
        assert found["name"] in named_in(place), f"{place} has no {found['name']}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"])
def test_every_case_has_a_test_or_a_reason(row: re.Match[str]) -> None:
    """What holds or deviates is tested; what is not applicable says why."""
    if row["here"].startswith("n/a"):
        assert re.match(r"n/a: \w+", row["here"])
    else:
        assert TEST.search(row["here"])


def test_what_deviates_by_design_says_so() -> None:
    """With the rule that holds instead."""
    said = {row["case"] for row in ROWS if re.search(r"\*\*deviates\*\*(:| in)", row["here"])}

    assert said >= DEVIATING
