"""`python -m watchkit`: the command line, or what to install for it."""

import subprocess
import sys

import pytest


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this Python in a process of its own."""
    return subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, *arguments], capture_output=True, check=False, text=True, timeout=100
    )


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_it_says_which_one_to_install(missing: str) -> None:
    """A missing part of the extra gives one line on stderr and exit status 2, no traceback."""
    absent = f"import sys; sys.modules[{missing!r}] = None"
    result = python("-c", f"{absent}; from watchkit.__main__ import main; main()")

    assert result.returncode == 2
    assert result.stderr == (
        f"watchkit: the command line needs {missing}: pip install 'watchkit[cli]'\n"
    )


def test_a_fault_of_our_own_is_not_taken_for_a_missing_extra() -> None:
    """Another module that is missing is raised as it is."""
    absent = "import sys; sys.modules['watchkit.cli'] = None"
    result = python("-c", f"{absent}; from watchkit.__main__ import main; main()")

    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_the_module_is_the_command() -> None:
    """`python -m watchkit --help` shows the commands."""
    result = python("-m", "watchkit", "--help")

    assert result.returncode == 0
    assert "watch" in result.stdout
