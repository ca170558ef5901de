"""The documentation as a whole: all public names are in it, all pages can be reached."""

import importlib
import importlib.util
import re
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from tests.unit.test_exports import HOMES
from watchkit import Backoff, ListOptions, RetryPolicy

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGES: Final = sorted(DOCS.glob("**/*.md"))
ENTRY: Final = re.compile(r"^\.\. (?:auto\w+|py:data):: ([\w.]+)(?:\(\))?$", re.MULTILINE)
TREE: Final = re.compile(r"^```\{toctree\}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CASE: Final = re.compile(r"\b[A-Z]{2}-\d\d\b")


def extension() -> ModuleType:
    """Load the extension of Sphinx that these documents have."""
    place = DOCS / "public_names.py"
    spec = importlib.util.spec_from_file_location("public_names", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def public_names() -> set[str]:
    """Give every public name, with its home before it."""
    return {f"{home}.{name}" for home in HOMES for name in importlib.import_module(home).__all__}


def entries() -> list[str]:
    """Give what the reference has entries for."""
    texts = [page.read_text() for page in sorted((DOCS / "reference").glob("*.md"))]
    return [entry for text in texts for entry in ENTRY.findall(text)]


def test_every_public_name_is_in_the_reference_once() -> None:
    """What `__all__` lists has one entry, and what an entry says of a public home is there."""
    of_homes = [entry for entry in entries() if entry.rpartition(".")[0] in HOMES]

    assert Counter(of_homes) == Counter(dict.fromkeys(public_names(), 1))


def test_the_names_of_all_homes_are_links() -> None:
    """What the texts link to are the names that are public, and no others."""
    assert set(extension().public().values()) == public_names()


def test_no_entry_is_there_twice() -> None:
    """What is not public is there once, too."""
    assert [entry for entry, times in Counter(entries()).items() if times > 1] == []


def test_every_page_is_in_the_table_of_contents_once() -> None:
    """The tree of the first page names every other one, and no page that is not there."""
    trees = TREE.findall((DOCS / "index.md").read_text())
    named = [line for tree in trees for line in tree.splitlines() if line and line[0] != ":"]
    pages = {str(page.relative_to(DOCS).with_suffix("")) for page in PAGES}

    assert Counter(named) == Counter(dict.fromkeys(pages - {"index"}, 1))


def test_the_first_page_leads_to_every_guide() -> None:
    """Whoever wants something finds the guide to it in the table."""
    text = (DOCS / "index.md").read_text()
    guides = TREE.findall(text)[0].split("\n\n")[1].split()

    assert [guide for guide in guides if f"]({guide}.md)" not in text] == []


def test_the_readme_leads_to_every_guide() -> None:
    """And so does the README, for those who read on GitHub."""
    text = (DOCS.parent / "README.md").read_text()
    guides = [
        guide
        for tree in TREE.findall((DOCS / "index.md").read_text())[:2]
        for guide in tree.split("\n\n")[1].split()
    ]

    assert [guide for guide in guides if f"](docs/{guide}.md)" not in text] == []


def test_all_deviations_from_client_go_are_told_to_who_comes_from_there() -> None:
    """The guide has every case that deviates, once, and no other."""
    guide = (DOCS / "migration" / "client-go.md").read_text()
    rows = (DOCS / "conformance.md").read_text().splitlines()
    deviating = [
        row.split("|")[1].strip() for row in rows if "**deviates**" in row and row[0] == "|"
    ]
    told = [case for row in guide.splitlines() if row[:1] == "|" for case in CASE.findall(row)]

    assert Counter(told) == Counter(dict.fromkeys(deviating, 1))


@pytest.mark.parametrize(
    ("docstring", "rst"),
    [
        ("Wait for `main()`.", "Wait for ``main()``."),
        (
            "A `Backoff`, `connect()`.",
            "A :py:obj:`Backoff <w.Backoff>`, :py:obj:`connect() <w.connect>`.",
        ),
        ("Over `two\nlines`.", "Over ``two lines``."),
        (
            "Raises:\n    ValueError: no,\n        never.",
            "\n:raises ValueError: no,\n      never.",
        ),
        ("While so:\n    A: `x`\n        y.", ":While so:\n    - ``A``: ``x``\n      y."),
        ("Raises:\n    A: b.\n\nMore.", "\n:raises A: b.\n\nMore."),
        ("Raises:\n    x.A: b.\n    B, C: d.", "\n:raises x.A: b.\n:raises B, C: d."),
    ],
)
def test_docstrings_become_restructured_text(docstring: str, rst: str) -> None:
    """Code is code, public names are links, and what is raised is a field each."""
    names = {"Backoff": "w.Backoff", "connect": "w.connect"}

    assert "\n".join(extension().as_rst(docstring.split("\n"), names)) == rst


@pytest.mark.parametrize(
    ("signature", "shown"),
    [
        ("(a: int = 1)", "(a: int = 1)"),
        ("(f=<function enqueue_object>)", "(f=enqueue_object)"),
        ("(when=<function Fake.<lambda>>, x=<factory>)", "(when=..., x=...)"),
        ("(*args: ~typing.~P)", "(*args: P)"),
    ],
)
def test_signatures_become_python(signature: str, shown: str) -> None:
    """A default that has no literal is shown as what it is called, or not at all."""
    assert extension().readable(signature) == shown


def test_values_are_shown_as_one_writes_them() -> None:
    """Of a default that is a policy, only what is special about it."""
    policy = RetryPolicy(attempts=5, backoff=Backoff(cap=1.0), deadline=3)

    assert extension().short(policy) == "RetryPolicy(backoff=Backoff(cap=1.0), deadline=3)"
    assert extension().short(ListOptions()) == "ListOptions()"
    assert extension().short("x") == "'x'"
