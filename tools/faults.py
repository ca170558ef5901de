"""Holds docs/faults.md to the tests: `python tools/faults.py [--write]`, a part of `nox -s lint`.

A test says which faults it is about: `@pytest.mark.fault("F20", "F25")`; a call beside no test
(of `pytestmark`, in a table of cases) is about the whole file. Each row of the document needs such
a test, or the reason why there is none. The document's last section, which names the tests, is
written by `--write`. Nothing of the tests is imported.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = Path("docs/faults.md")
SPANS = ((1, 14), (20, 63), (70, 84), (90, 96))
CATALOGUE = tuple(f"F{n:02}" for first, last in SPANS for n in range(first, last + 1))
ROW = re.compile(r"^\| (?P<id>F\d+) \| (?P<fault>[^|]+) \| (?P<rule>[^|]+) \|$")
HEADS = re.compile(r"^\| id \||^\|---")
REASON = re.compile(r"\*\*(no test|left out)\*\*:( [^\s*]+){4}")
TESTS = "\n## The tests\n"
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Mark:
    """One marker: where it stands, the test that it is about, and the ids that it names."""

    line: str
    test: str
    ids: tuple[str, ...]
    wrong: str = ""


def marks(root: Path) -> list[Mark]:
    """Find every marker below tests/."""
    files = sorted((root / "tests").rglob("*.py"))
    return [mark for file in files for mark in marks_in(file, file.relative_to(root).as_posix())]


def marks_in(file: Path, name: str) -> Iterator[Mark]:
    """Find the markers of one file."""
    text = file.read_text(encoding="utf-8")
    if "mark.fault" not in text:
        return
    tree = ast.parse(text)
    owners = {
        call: node.name
        for node in ast.walk(tree)
        if isinstance(node, Definition)
        for decorator in node.decorator_list
        for call in ast.walk(decorator)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_marker(node.func, text):
            yield mark(node, name, owners.get(node))


def is_marker(called: ast.expr, text: str) -> bool:
    """Whether this is `pytest.mark.fault`, or a module's short name for it."""
    short = "fault" if "\nfault = pytest.mark.fault\n" in text else ""
    return ast.unparse(called) in {"pytest.mark.fault", short}


def mark(call: ast.Call, file: str, owner: str | None) -> Mark:
    """Read one marker: `owner` is the definition that it decorates, if it does."""
    values = [each.value for each in call.args if isinstance(each, ast.Constant)]
    ids = tuple(value for value in values if isinstance(value, str))
    wrong = ""
    if not ids or len(ids) < len(call.args) or call.keywords:
        wrong = "names its faults otherwise than by strings"
    elif not Path(file).name.startswith("test_"):
        wrong = "is in no file of tests"
    elif owner is not None and not owner.startswith(("test_", "Test")):
        wrong = f"is on {owner}, which is no test"
    test = file if owner is None else f"{file}::{owner}"
    return Mark(f"{file}:{call.lineno}", test, ids, wrong)


def grouped(found: Iterable[Mark]) -> dict[str, list[str]]:
    """Give the tests of each fault, in the order of their names."""
    pairs = sorted({(each, mark.test) for mark in found for each in mark.ids})
    tests: dict[str, list[str]] = {}
    for each, test in pairs:
        tests.setdefault(each, []).append(test)
    return tests


def section(tests: Mapping[str, Sequence[str]]) -> str:
    """Write the section of the document that names the tests."""
    lines = [f"- {each}: {', '.join(f'`{test}`' for test in tests[each])}" for each in tests]
    command = "Written by `python tools/faults.py --write`, from the markers of the tests."
    return "\n".join([TESTS, command, "", *lines, ""])


def wrongs(document: str, found: Sequence[Mark]) -> list[str]:
    """Find what is wrong; an empty list: nothing."""
    tests = grouped(found)
    rows = [row for row in map(ROW.match, document.splitlines()) if row is not None]
    counted = Counter(row["id"] for row in rows)
    stray = [f"{each.line}: the marker {each.wrong}" for each in found if each.wrong]
    unknown = [
        f"{each.line}: there is no fault {one}"
        for each in found
        for one in each.ids
        if one not in CATALOGUE
    ]
    missing = [f"{each}: missing" for each in CATALOGUE if not counted[each]]
    return [
        *stray,
        *unknown,
        *missing,
        *(f"{each}: unknown" for each in counted if each not in CATALOGUE),
        *(f"{each}: {count} times" for each, count in counted.items() if count > 1),
        *(wrong for row in rows for wrong in wrongs_of(row["id"], row["rule"], tests)),
        *(f"a row that cannot be read: {line}" for line in strays(document)),
        *stale(document, tests),
    ]


def wrongs_of(name: str, rule: str, tests: Mapping[str, Sequence[str]]) -> list[str]:
    """Find what is wrong with one row: neither a test nor a reason, or both."""
    if name in tests:
        return [f"{name}: has tests, and says that it has none"] if "**no test**" in rule else []
    return [] if REASON.search(rule) else [f"{name}: neither a marked test nor a reason"]


def strays(document: str) -> Iterator[str]:
    """Find rows of tables that are neither a fault nor a head."""
    for line in document.splitlines():
        if line.startswith("|") and not ROW.match(line) and not HEADS.match(line):
            yield line


def stale(document: str, tests: Mapping[str, Sequence[str]]) -> list[str]:
    """Find whether the section of tests is another one than that of the markers."""
    if document.endswith(section(tests)):
        return []
    return [f"{DOCUMENT}: its tests are not those marked; python tools/faults.py --write"]


def main(arguments: Sequence[str]) -> int:
    """Write the section where that is asked for; say what is wrong."""
    found = marks(ROOT)
    path = ROOT / DOCUMENT
    document = path.read_text(encoding="utf-8")
    if "--write" in arguments:
        document = document.partition(TESTS)[0] + section(grouped(found))
        path.write_text(document, encoding="utf-8")
    said = wrongs(document, found)
    print(*said, sep="\n", end="\n" if said else "")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
