"""How cost grows: every curve is measured on small sizes, and what was counted is right."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CURVES = {"objects", "size", "handlers", "indexers", "watches", "lists", "storm"}
SLOW_MACHINE = 500  # seconds for some thirty short processes, three at a time

sys.path.insert(0, str(ROOT))  # benchmarks/ is no package that is installed

from benchmarks.growth.curves import Point, points  # noqa: E402
from benchmarks.growth.world import FIRST, World  # noqa: E402


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it as `nox -s bench-growth` does."""
    return subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-m", "benchmarks.growth", *arguments],
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
        timeout=SLOW_MACHINE,
    )


@pytest.mark.timeout(SLOW_MACHINE + 20)
def test_every_curve_is_measured_and_counts_right(tmp_path: Path) -> None:
    """It fails by itself where a count is wrong; each curve has its points in the file."""
    file = tmp_path / "figures.json"

    result = run("--quick", "--json", str(file))

    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    assert {point["curve"] for point in found["points"]} == CURVES
    assert found["versions"].keys() >= {"watchkit", "aiohttp", "msgspec"}
    for point in found["points"]:
        assert all(len(rounds) == 1 for rounds in point["figures"].values())
    for curve in CURVES:
        assert f"\n{curve}\n" in result.stdout


def test_what_was_counted_wrong_is_said() -> None:
    """An event that did not come is no cheap event."""
    point = Point("handlers", "plain", 3, "informer", {"events": 10, "handlers": 3}, count=5)

    right = {"objects": 5, "received": 30, "not_handled": 0}
    assert point.wrong(right) is None
    assert point.wrong({**right, "received": 29}) == "handlers, plain, 3: received is 29"
    assert point.wrong({**right, "not_handled": 1}) == "handlers, plain, 3: not_handled is 1"


def test_every_point_says_what_must_be_counted() -> None:
    """None is measured and not checked."""
    for point in [*points(is_quick=True), *points(is_quick=False)]:
        assert point.wrong(dict.fromkeys(("objects", "received", "seen", "reopened"), -1))


@pytest.mark.parametrize("size", [1_000, 2_000, 5_000, 10_000, 100_000])
def test_a_world_has_pods_of_the_size_that_was_asked_for(size: int) -> None:
    """About: the names in it have their own lengths."""
    world = World("default", 3, size)
    pods = [json.loads(world.pod(number)) for number in range(3)]

    assert len(world.pod(0)) == pytest.approx(size, rel=0.2)
    assert len({pod["metadata"]["uid"] for pod in pods}) == 3
    versions = [int(pod["metadata"]["resourceVersion"]) for pod in pods]
    assert versions == [FIRST + 1, FIRST + 2, FIRST + 3]


def test_a_world_is_listed_in_pages_and_watched_from_there() -> None:
    """Items as a server gives them; events rise in version behind the list's."""
    world = World("default", 3, 0)
    first, last = json.loads(world.page(0, 2)), json.loads(world.page(2, 2))

    assert [len(page["items"]) for page in (first, last)] == [2, 1]
    assert (first["metadata"]["continue"], "continue" in last["metadata"]) == ("2", False)
    assert not any("kind" in item for item in first["items"])
    assert first["metadata"]["resourceVersion"] == str(FIRST + 3)
    lines = [chunk.split(b"\r\n")[1] for chunk in world.change(4)]
    events = [json.loads(line) for line in lines]
    metadata = [event["object"]["metadata"] for event in events]
    assert [each["resourceVersion"] for each in metadata] == [str(FIRST + n) for n in (4, 5, 6, 7)]
    assert metadata[0]["uid"] == metadata[3]["uid"] == first["items"][0]["metadata"]["uid"]


def test_an_unknown_curve_is_refused() -> None:
    """It is an error of usage, which names those that there are."""
    result = run("--curves", "horses")

    assert result.returncode == 2
    assert "no such curve: horses; there are handlers" in result.stderr
