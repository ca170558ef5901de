"""run.py and its programs: every one handles what it is sent, and all of it is reported."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.conftest import FOLDER

SLOW_MACHINE = 900  # seconds for a dozen short processes; a program gives up by itself after 120
PROGRAMS = runpy.run_path(str(FOLDER / "programs.py"))["programs"]()


pytestmark = pytest.mark.timeout(SLOW_MACHINE + 20)

MEASURED = """
import sys
from measuring import Failed, Size, measure
from programs import Program

echo = [sys.executable, "-c", "import sys; print('a log'); print(sys.argv[1])", sys.argv[1]]
try:
    measure(Program("it", "", "", "", touch=True), echo, 1, Size(10, 100), None)
except Failed:
    print("failed")
"""


def run(*arguments: str, program: str = "run.py") -> subprocess.CompletedProcess[str]:
    """Run it as a session of nox does."""
    return subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, str(FOLDER / program), *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=SLOW_MACHINE,
    )


@pytest.mark.parametrize("name", [each.name for each in PROGRAMS if not each.is_native])
def test_a_program_handles_all_that_it_is_sent(name: str) -> None:
    """Its cache, its handlers' calls and what they read are right, with two handlers each."""
    result = run("--smoke", "--only", name)

    assert (result.returncode, result.stdout) == (0, f"{name}: its counts are right\n"), (
        result.stdout + result.stderr
    )


def test_rows_are_held_against_the_floor(tmp_path: Path) -> None:
    """A run prints a line for each, writes the same to a file, and draws it."""
    file, drawing = tmp_path / "figures.json", tmp_path / "figures.svg"
    tables = tmp_path / "figures.md"
    sizes = ("--objects", "400", "--events", "100", "--rounds", "2")
    names = ("floor-split", "watchkit")
    forms = ("--svg", str(drawing), "--markdown", str(tables))

    result = run(*sizes, "--only", *names, "--json", str(file), *forms)

    assert result.returncode == 0, result.stdout + result.stderr
    report: dict[str, Any] = json.loads(file.read_text())
    rows: list[dict[str, Any]] = report["rows"]
    assert [row["name"] for row in rows] == [*names]
    assert [len(row["rounds"]) for row in rows] == [2, 2]
    assert rows[0]["watch"]["ratios"]["floor-split"] == 1
    assert rows[1]["watch"]["min"] <= rows[1]["watch"]["median"] <= rows[1]["watch"]["max"]
    assert {goal["against"] for goal in report["goals"]} == {"floor-split"}
    assert report["versions"].keys() >= {"watchkit", "aiohttp"}
    assert all(row["label"] in result.stdout for row in rows)
    assert drawing.read_text().startswith("<?xml")
    assert tables.read_text().count("\n| watchkit SharedInformer |") == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, ""),
        ({"handled": 119}, "failed\n"),
        ({"cached": 9}, "failed\n"),
        ({"touched": 119}, "failed\n"),
        ({"objects": 9}, "failed\n"),
        ({"watch_cpu_us": 0}, "failed\n"),
    ],
)
def test_what_a_program_counts_is_compared_with_what_was_sent(
    wrong: dict[str, int], said: str
) -> None:
    """Ten objects and a hundred events, ten of warm-up, are 120 calls; all of it is cached."""
    right = {"objects": 10, "events": 100, "handled": 120, "cached": 10, "touched": 120}
    says = json.dumps({**right, "list_cpu_us": 1, "watch_cpu_us": 1, **wrong})

    result = subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-c", MEASURED, says],
        capture_output=True,
        check=True,
        cwd=FOLDER,
        text=True,
        timeout=SLOW_MACHINE,
    )

    assert result.stdout == said


def test_an_unknown_program_is_refused() -> None:
    """A name that nobody has is an error of usage, and the message names those that there are."""
    result = run("--smoke", "--only", "no-such-program")

    assert result.returncode == 2
    assert "watchkit-touch" in result.stderr


@pytest.mark.parametrize("sizes", [("--events", "0"), ("--objects", "300", "--events", "1000")])
def test_sizes_that_would_say_nothing_are_refused(sizes: tuple[str, ...]) -> None:
    """No events, and so few objects that events about one could be merged, are errors of usage."""
    result = run(*sizes)

    assert result.returncode == 2
    assert "it takes" in result.stderr


def test_the_memory_of_a_cached_pod_is_told_piece_by_piece() -> None:
    """Every way to cache is measured, and the pieces add up to what is allocated."""
    result = run("--pods", "300", program="memory.py")

    assert result.returncode == 0, result.stderr
    said = [line.split() for line in result.stdout.splitlines()]
    (stripped,) = (words for words in said if words[:1] == ["strip_managed_fields"])
    (whole,) = (words for words in said if words[:3] == ["all", "of", "it"])
    assert float(stripped[3]) == pytest.approx(float(whole[-1]), rel=0.1)
    assert "model=msgspec Struct" in result.stdout


def test_no_pods_to_cache_are_refused() -> None:
    """A run without pods is an error of usage."""
    result = run("--pods", "0", program="memory.py")

    assert result.returncode == 2
    assert "at least one pod" in result.stderr


def test_every_stage_sees_every_event() -> None:
    """It fails by itself where one did not; each has its row in the tables and in the figures."""
    result = run("--quick", "--json", program="stages.py")

    assert result.returncode == 0, result.stderr
    figures: dict[str, dict[str, Any]] = json.loads(result.stdout.splitlines()[-1])
    for stages in figures.values():
        assert len(stages) > 3
        assert all(f"\n{stage} " in result.stdout for stage in stages)
