"""A test that never ends is ended, and the run goes on: where pytest-timeout's own word is lost."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROPERTY = """
from hypothesis import given, strategies

@given(strategies.integers())
def test_endless(number):
    while True:
        pass
"""
CALLBACK = """
import asyncio

def spin():
    while True:
        pass

def test_endless():
    loop = asyncio.new_event_loop()
    loop.call_soon(spin)
    loop.call_soon(spin)
    loop.run_forever()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="signals")
@pytest.mark.parametrize("program", [PROPERTY, CALLBACK], ids=["property", "callbacks"])
def test_an_endless_test_ends(tmp_path: Path, program: str) -> None:
    """It fails, and the one after it runs."""
    file = tmp_path / "test_program.py"
    file.write_text(program + "\ndef test_after() -> None:\n    pass\n")
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "--timeout=1", "-q"]
    result = subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-m", "pytest", *options, f"--rootdir={tmp_path}", str(file)],
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
        timeout=100,
    )

    assert "1 failed, 1 passed" in result.stdout, result.stdout + result.stderr
    assert "OutOfTime" in result.stdout
