"""The floors of the package: which part may import which, held by import-linter's contracts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
FLOORS = (
    *("core", "metrics", "observe", "resilience", "api", "watching"),
    *("informer", "controllers", "testing", "cli"),
)


def check(package: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Check the contracts against the package in that folder, or the one that is installed."""
    command = [*LINT, "--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    environment = os.environ | ({"PYTHONPATH": str(package)} if package else {})
    return subprocess.run(  # noqa: S603 - a fixed command
        command, capture_output=True, check=False, cwd=package, env=environment, text=True
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Give a folder with an empty watchkit that has every floor."""
    for floor in FLOORS:
        folder = tmp_path / "watchkit" / floor
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
    (tmp_path / "watchkit" / "__init__.py").touch()
    return tmp_path


def test_every_contract_is_kept() -> None:
    """Imports go down only, and what is foreign stays in its place."""
    result = check()

    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 broken" in result.stdout


def test_floors_that_import_nothing_keep_every_contract(package: Path) -> None:
    """What the tests below find is their one line's doing."""
    result = check(package)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("core/upward.py", "import watchkit.api"),
        ("core/round_the_corner.py", "import watchkit"),
        ("core/clock.py", "import time"),
        ("core/chance.py", "from random import random"),
        ("metrics/upward.py", "import watchkit.watching"),
        ("observe/measure.py", "import prometheus_client"),
        ("observe/upward.py", "import watchkit.watching"),
        ("resilience/upward.py", "import watchkit.api"),
        ("resilience/foreign.py", "import aiohttp"),
        ("api/upward.py", "import watchkit.watching"),
        ("api/talk.py", "import structlog"),
        ("watching/upward.py", "import watchkit.informer"),
        ("watching/foreign.py", "import aiohttp"),
        ("watching/foreign.py", "from kubernetes_asyncio import client"),
        ("watching/one_backend.py", "import asyncio"),
        ("informer/upward.py", "import watchkit.controllers"),
        ("informer/foreign.py", "import kubernetes_asyncio.client"),
        ("controllers/fakes.py", "import watchkit.testing"),
        ("cli/watch.py", "import watchkit.testing"),
        ("testing/upward.py", "import watchkit.cli"),
        ("watching/extra.py", "import rich"),
        ("utils/new_floor.py", "import json"),
    ],
)
def test_an_import_out_of_place_breaks_a_contract(package: Path, module: str, line: str) -> None:
    """Each rule of the floors is one that import-linter sees broken."""
    file = package / "watchkit" / module
    file.parent.mkdir(exist_ok=True)
    (file.parent / "__init__.py").touch()
    file.write_text(f"{line}\n")
    if "round_the_corner" in module:
        (package / "watchkit" / "__init__.py").write_text("import watchkit.watching\n")

    result = check(package)

    assert result.returncode == 1, result.stdout + result.stderr
    assert "Broken contracts" in result.stdout


def test_the_demo_alone_may_use_the_fakes(package: Path) -> None:
    """`watchkit demo` runs without a cluster, so it may import watchkit.testing."""
    (package / "watchkit" / "cli" / "demo.py").write_text("import watchkit.testing\n")

    result = check(package)

    assert result.returncode == 0, result.stdout + result.stderr
