"""docs/conformance.md: every case is there, with a test that exists or the reason for none."""

import ast
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = (Path("tests/unit/watching"), Path("tests/unit/informer"))
ROW = re.compile(r"^\| (?P<case>[A-Z]+-?\d+) \| (?P<law>[^|]+) \| (?P<here>[^|]+) \|$")
TEST = re.compile(r"`(?P<file>[\w/]+\.py)::(?P<name>\w+)`")
NAMED = re.compile(r"::\w+")
DEVIATES = re.compile(r"\*\*deviates\*\*(:| in [\w ]+:)( (?!\(`)\S+){4}")
NOT_APPLICABLE = re.compile(r"n/a:( \S+){4}")
DOCUMENT = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")


def family(name: str, last: int, form: str = "-{:02}") -> set[str]:
    """Name the cases of a family, from 1 to the last."""
    return {name + form.format(number) for number in range(1, last + 1)}


CLIENT_GO = {"RW": 25, "UN": 6, "PG": 3, "RF": 27, "WL": 14, "CD": 1, "FQ": 22, "SI": 20, "ST": 14}
CASES = {
    *(case for name, last in CLIENT_GO.items() for case in family(name, last)),
    *family("IW", 4),
    *family("HT", 8),
    *family("RY", 1),
    *family("BK", 1),
    *family("WQ", 10),
    *family("PQ", 9),
    *family("LE", 8),
    *family("EV", 1),
    *family("W", 20, "{}"),
    *family("S", 32, "{:02}"),
    *family("P", 25, "{:02}"),
}
DEVIATING = {
    *("RW-03", "RW-04", "RW-09", "RW-10", "RW-11", "UN-03", "PG-01"),
    *("RF-11", "RF-12", "RF-15", "RF-16", "RF-17", "RF-18", "RF-21", "WL-02", "WL-06", "CD-01"),
    *("FQ-03", "FQ-07", "SI-02", "SI-11", "SI-12", "SI-16", "ST-02", "ST-10"),
    *("WQ-06", "WQ-07", "WQ-09", "PQ-04", "LE-01", "LE-04", "LE-05", "LE-07", "EV-01"),
}


def faults(document: str) -> list[str]:
    """Find what is wrong with the document; an empty list: nothing."""
    matched = map(ROW.match, document.splitlines())
    found = [(row["case"], row["here"]) for row in matched if row is not None]
    counted = Counter(case for case, _ in found)
    return [
        *(f"{case}: missing" for case in sorted(CASES - counted.keys())),
        *(f"{case}: unknown" for case in sorted(counted.keys() - CASES)),
        *(f"{case}: {count} times" for case, count in counted.items() if count > 1),
        *(f"{case}: {fault}" for case, here in found for fault in faults_of(case, here)),
        *(f"a row that cannot be read: {line}" for line in strays(document.splitlines())),
    ]


def strays(lines: Iterable[str]) -> list[str]:
    """Find rows of tables that are neither a case nor a head."""
    known = re.compile(rf"\| case \||\|---\||{ROW.pattern}")
    return [each for each in lines if each.startswith("|") and known.match(each) is None]


@cache
def faults_of(case: str, here: str) -> list[str]:
    """Find what is wrong with one row: dead references, no test, no reason."""
    dead = [found[0] for found in TEST.finditer(here) if not is_alive(found["file"], found["name"])]
    wrong = [f"no such test: {each}" for each in dead]
    if len(NAMED.findall(here)) != len(TEST.findall(here)):
        wrong.append("a reference that cannot be read")
    if here.startswith("n/a"):
        if not NOT_APPLICABLE.match(here) or re.fullmatch(r"W\d+", case):
            wrong.append("n/a without a reason")
    elif TEST.search(here) is None:
        wrong.append("neither a test nor a reason")
    if ("deviates" in here) != (DEVIATES.search(here) is not None):
        wrong.append("deviates without the rule that holds instead")
    if ("deviates" in here) != (case in DEVIATING):
        wrong.append("what deviates is to be known as such")
    return wrong


def is_alive(file: str, name: str) -> bool:
    """Whether a test of that name is in the file; one without a folder is in one place only."""
    path = Path(file)
    places = [path] if len(path.parts) > 1 else [folder / path for folder in HERE]
    there = [place for place in places if (ROOT / place).is_file()]
    return name.startswith("test_") and len(there) == 1 and name in named_in(there[0])


@cache
def named_in(file: Path) -> frozenset[str]:
    """Give the names of the tests in a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, functions))


def test_every_case_is_there_once_with_a_test_or_a_reason() -> None:
    """None is left out, none twice; tests that are named exist; what deviates says so."""
    assert faults(DOCUMENT) == []


LINES = {
    found["case"]: found[0] for found in map(ROW.match, DOCUMENT.splitlines()) if found is not None
}


def test_a_missing_row_is_found() -> None:
    """The test above would fail without any one of them, or with one of them twice."""
    for case in CASES:
        row = LINES[case] + "\n"
        assert faults(DOCUMENT.replace(row, "")) == [f"{case}: missing"]
        assert faults(DOCUMENT.replace(row, row * 2)) == [f"{case}: 2 times"]


@pytest.mark.parametrize(
    ("here", "fault"),
    [
        ("`test_store.py::test_that_nobody_wrote`", "no such test"),
        ("`test_nowhere.py::test_anything`", "no such test"),
        ("`tests/unit/core/test_store.py::test_readers_cannot_write`", "no such test"),
        ("`test_store.py::labelled`", "no such test"),
        ("test_store.py::test_readers_cannot_write", "a reference that cannot be read"),
        ("Surely.", "neither a test nor a reason"),
        ("", "a row that cannot be read"),
        ("n/a", "n/a without a reason"),
        ("n/a: no.", "n/a without a reason"),
        ("**deviates** (`test_store.py::test_readers_cannot_write`).", "deviates without the rule"),
        ("**deviates**: there is another rule.", "neither a test nor a reason"),
        (
            "**deviates**: there is another rule (`test_store.py::test_readers_cannot_write`).",
            "to be known as such",
        ),
    ],
)
@pytest.mark.parametrize("case", ["ST-14", "W14"])
def test_a_row_that_says_nothing_is_found(case: str, here: str, fault: str) -> None:
    """Dead references, no test, no reason, no rule: the test above would fail."""
    said = faults(DOCUMENT.replace(LINES[case], f"| {case} | What client-go does. | {here} |"))

    assert any(fault in each for each in said)


def test_a_weakness_is_never_not_applicable() -> None:
    """Each needs a test that client-go's behaviour would fail."""
    row = "| W14 | What client-go does. | n/a: there is nothing here that it could be about. |"

    assert faults(DOCUMENT.replace(LINES["W14"], row)) == ["W14: n/a without a reason"]
