"""What a release says, and the workflow that makes one."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.release import NotReady, notes, section, version_of

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PYPROJECT = '[project]\nname = "x"\nversion = "1.2.0"\n'
CHANGELOG = """# Changelog

## [Unreleased]

- Soon.

## [1.2.0] - 2026-02-03

It is [quick](docs/performance.md), see [there](https://example.com).

### Added

- A thing ([how](README.md#how)).

## [1.1.0] - 2026-01-02

- An older thing.
"""


def steps(workflow: Path) -> list[dict[str, Any]]:
    """Give all steps of a workflow, and the jobs that are workflows themselves."""
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    return [step for job in jobs for step in job.get("steps", [job])]


def test_a_release_says_what_the_changelog_says_of_it() -> None:
    """All below its heading and nothing else; links that lead nowhere from there are text."""
    said = "It is quick, see [there](https://example.com).\n\n### Added\n\n- A thing (how)."

    assert notes("v1.2.0", PYPROJECT, CHANGELOG) == said


def test_the_last_section_ends_with_the_text() -> None:
    """There is no heading behind it."""
    assert section(CHANGELOG, "1.1.0") == "- An older thing."


@pytest.mark.parametrize("tag", ["v1.2.1", "1.2.0", "v1.2", "v1.2.0rc1", ""])
def test_a_tag_of_another_version_is_refused(tag: str) -> None:
    """The tag is v and the version, to the letter."""
    with pytest.raises(NotReady, match=r"pyproject\.toml has version 1\.2\.0"):
        notes(tag, PYPROJECT, CHANGELOG)


@pytest.mark.parametrize(
    ("changelog", "why"),
    [
        ("## [1.1.0] - 2026-01-02\n\n- x\n", r"has 0 sections \[1\.2\.0\]"),
        ("## [1.2.0]\n\n- x\n", "has no date"),
        ("## [1.2.0] - 2026-02-03\n\n## [1.1.0] - 2026-01-02\n\n- x\n", "says nothing"),
        ("## [1.2.0] - 2026-02-03\n\n- x\n\n## [1.2.0] - 2026-02-03\n", "has 2 sections"),
    ],
)
def test_a_changelog_that_is_not_ready_is_refused(changelog: str, why: str) -> None:
    """What nobody can be told is not released."""
    with pytest.raises(NotReady, match=why):
        notes("v1.2.0", PYPROJECT, changelog)


def test_the_version_is_one_that_can_be_released() -> None:
    """This project's own version is three numbers."""
    version = version_of((ROOT / "pyproject.toml").read_text())

    assert re.fullmatch(r"\d+\.\d+\.\d+", version)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_foreign_actions_are_pinned(workflow: Path) -> None:
    """GitHub's own by major version, our own by path, others by a commit hash and nothing less."""
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    rule = r"actions/[\w-]+@v\d+|\./\.github/workflows/ci\.yml|[\w-]+/[\w-]+@[0-9a-f]{40}"

    assert used
    assert [each for each in used if not re.fullmatch(rule, each)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_write_only_where_it_says_so(workflow: Path) -> None:
    """All may read; of a release, one job has PyPI's trust, and one writes to GitHub."""
    whole = yaml.safe_load(workflow.read_text())
    more = {name: job["permissions"] for name, job in whole["jobs"].items() if "permissions" in job}
    allowed = {"publish": {"id-token": "write"}, "announce": {"contents": "write"}}

    assert whole["permissions"] == {"contents": "read"}
    assert more == (allowed if workflow.name == "release.yml" else {})


def test_nothing_is_published_that_was_not_tested() -> None:
    """Publishing waits for all sessions and for the archives; all of it for the tag's check."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    needs = {name: job.get("needs") for name, job in jobs.items()}

    assert needs == {
        "agrees": None,
        "sessions": "agrees",
        "build": "agrees",
        "publish": ["sessions", "build"],
        "announce": "publish",
    }
