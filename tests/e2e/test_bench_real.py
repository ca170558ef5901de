"""benchmarks/real.py: on a few objects every reader sees what is written, and all is reported."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SLOW_MACHINE = 280  # seconds; a reader gives up by itself after 120


@pytest.fixture
def _client_go() -> None:
    """Build it beforehand, which may take minutes: only the test's own time counts."""
    command = [sys.executable, str(BENCHMARKS / "peers" / "native.py"), "clientgo"]
    subprocess.run(command, check=True)


@pytest.mark.usefixtures("_client_go")
@pytest.mark.timeout(SLOW_MACHINE + 20, func_only=True)
def test_readers_beside_client_go_see_what_is_written(tmp_path: Path) -> None:
    """Both list all objects, are called for as many events, and say when after which write."""
    file = tmp_path / "figures.json"
    sizes = ("--objects", "40", "--events", "20", "--rounds", "1", "--only", "informer")

    result = subprocess.run(
        [sys.executable, str(BENCHMARKS / "real.py"), *sizes, "--json", str(file)],
        capture_output=True,
        check=False,
        text=True,
        timeout=SLOW_MACHINE,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    tables: list[dict[str, Any]] = json.loads(file.read_text())
    assert [table["resource"] for table in tables] == ["pods", "gadgets"]
    assert all(4_000 < table["bytes"] < 8_000 for table in tables)
    rows = [row for table in tables for row in table["rows"]]
    assert [row["peer"] for row in rows] == ["typed", "typed", "dynamic"]
    for reading in [one for row in rows for side in ("ours", "client-go") for one in row[side]]:
        assert (reading["cached"], reading["handled"]) == (40, 40 + 2 + 20)
        assert 0 < reading["wait_ms_p50"] <= reading["wait_ms_p99"]
        assert reading["list_cpu_us"] > 0 < reading["watch_cpu_us"]
