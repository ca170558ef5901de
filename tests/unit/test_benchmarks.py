"""benchmarks/: they run, and what they compare is what they say."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
SLOW_MACHINE = 400  # seconds for eight short processes, one after the other

# The wheel is tested away from its checkout: it comes without benchmarks.
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="there are no benchmarks here")


def run(*arguments: str, program: str = "watch.py") -> subprocess.CompletedProcess[str]:
    """Run the benchmark as `nox -s bench` does."""
    return subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, str(FOLDER / program), *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=SLOW_MACHINE,
    )


@pytest.mark.timeout(SLOW_MACHINE + 20)
def test_every_reader_reads_its_events_and_is_held_against_the_first(tmp_path: Path) -> None:
    """One run measures each reader, prints a line for it, and writes the same to a file."""
    file = tmp_path / "figures.json"

    result = run("--events", "50", "--rounds", "1", "--json", str(file))

    assert result.returncode == 0, result.stderr
    report: dict[str, Any] = json.loads(file.read_text())
    assert report["versions"].keys() >= {"watchkit", "aiohttp", "kubernetes_asyncio"}
    rows: list[dict[str, Any]] = report["rows"]
    readers = ["split", "objects", "field", "structs", "peer-dict", "peer-typed"]
    assert [row["reader"] for row in rows] == readers
    for row in rows:
        assert row["label"] in result.stdout
        assert row["events"] >= 10
        assert row["median"] > 0
    assert rows[0]["ratio"] == 1


def test_nothing_to_measure_is_refused() -> None:
    """A run without events or rounds is an error of usage."""
    result = run("--events", "0")

    assert result.returncode == 2
    assert "at least one event" in result.stderr


def test_the_events_are_those_of_a_watch_of_pods() -> None:
    """Each is one line of 5.6 KB; versions rise; a pod is added before it is modified."""
    pods = runpy.run_path(str(FOLDER / "pods.py"))

    lines: list[bytes] = list(pods["lines"](pods["OBJECTS"] + 1))

    assert {len(line) for line in lines[:-1]} == {5640}
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines)
    events = [json.loads(line) for line in lines]
    assert [event["type"] for event in events] == ["ADDED"] * pods["OBJECTS"] + ["MODIFIED"]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == list(range(pods["FIRST_VERSION"] + 1, versions[-1] + 1))
    assert events[0]["object"]["metadata"]["uid"] == events[-1]["object"]["metadata"]["uid"]


@pytest.mark.timeout(SLOW_MACHINE + 20)
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
