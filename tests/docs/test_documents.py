"""Each block of Python in the documents is run against a fake API server over HTTP.

A block either ends by itself, or is still at work when it is interrupted, as a reader would do it,
and then ends at once. Anything that it raises fails its test.
"""

import ast
import os
import signal
import sys
from pathlib import Path
from subprocess import DEVNULL

import anyio
import pytest
from anyio.abc import Process

from tests.docs import run as run_block
from tests.docs.blocks import Block, blocks, blocks_of
from tests.docs.run import BEGAN
from tests.docs.world import churn, populated
from watchkit.testing import FakeApiServer, FakeCluster

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]
BEGINS = 120.0  # seconds at most until its imports are done, however busy the machine is
WORKS = 3.0  # seconds that a block which watches is let run
ENDS = 60.0  # seconds at most until it has ended when interrupted; C8 says 1, of an idle machine
LEFT_BEHIND = ("Exception ignored", "never awaited", "never retrieved", "was destroyed")
TALKS = ("RetryWatcher(", "watch(", "until(")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run on asyncio: there is a socket."""
    return "asyncio"


async def has_begun(process: Process, began: anyio.Path) -> None:
    """Wait until its imports are done, or it has ended at them."""
    with anyio.move_on_after(BEGINS):
        while process.returncode is None and not await began.exists():  # noqa: ASYNC110 - a file
            await anyio.sleep(0.05)


async def has_asked(process: Process, block: Block, cluster: FakeCluster) -> None:
    """Wait until a block that talks to the server has done so, or it has ended."""
    with anyio.move_on_after(BEGINS):
        while process.returncode is None and talks(block) and not cluster.requests:  # noqa: ASYNC110 - a process
            await anyio.sleep(0.05)


def talks(block: Block) -> bool:
    """Whether a block watches, and so has something to ask the server."""
    return any(call in block.code for call in TALKS)


async def ends_well(process: Process, folder: anyio.Path) -> bool:
    """Wait for a block's end: of itself without a fault, or when interrupted."""
    with anyio.move_on_after(WORKS):
        return await process.wait() == 0

    process.send_signal(signal.SIGINT)
    with anyio.move_on_after(ENDS):
        match await process.wait():
            case 0 | run_block.INTERRUPTED:  # it may have been about to end
                return True
            case code:  # an interpreter that is on its way out dies of the signal, silently
                return code == -signal.SIGINT and not await (folder / "stderr").read_text()

    return False


async def run(block: Block, folder: Path) -> tuple[bool, str, int]:
    """Run a block; whether it ended well, what it said on stderr, how many requests it sent."""
    cluster = populated()
    code, stderr = folder / "code", folder / "stderr"
    code.write_text(block.code)
    command = [sys.executable, "-W", "error", "-m", "tests.docs.run", str(block), *block.given]
    well = False
    async with FakeApiServer(cluster) as server, anyio.create_task_group() as tasks:
        tasks.start_soon(churn, cluster)
        environment = os.environ | {"KUBECONFIG": str(server.kubeconfig), "PYTHONPATH": str(ROOT)}
        with code.open() as given, stderr.open("w") as said:
            async with await anyio.open_process(
                command, cwd=folder, env=environment, stdin=given, stdout=DEVNULL, stderr=said
            ) as process:
                await has_begun(process, anyio.Path(folder) / BEGAN)
                await has_asked(process, block, cluster)
                well = await ends_well(process, anyio.Path(folder))
                if process.returncode is None:
                    process.kill()
        tasks.cancel_scope.cancel()
    return well, stderr.read_text(), len(cluster.requests)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_python(block: Block) -> None:
    """What is shown parses, on the Python that runs this."""
    compile(block.code, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.anyio
@pytest.mark.timeout(400)
@pytest.mark.parametrize("block", [block for block in BLOCKS if block.runs], ids=str)
async def test_a_block_runs(block: Block, tmp_path: Path) -> None:
    """What is shown works as it stands, and what watches has asked the server."""
    well, stderr, requests = await run(block, tmp_path)

    assert well, stderr
    if "KeyboardInterrupt" not in stderr:  # which came while the interpreter was on its way out
        assert not any(sign in stderr for sign in LEFT_BEHIND), stderr
    assert requests or not talks(block)


def test_the_readme_shows_python() -> None:
    """The README has code to run: these tests are not about nothing."""
    assert any(block.name == "README.md" and block.runs for block in BLOCKS)


def test_what_a_block_takes_as_given_stands_before_it() -> None:
    """A comment before the fence belongs to that block alone; other languages are left out."""
    text = (
        "Text\n<!-- given: pods, save -->\n```python\nsave(pods)\n```\n"
        "```console\n$ ls\n```\n<!-- not run: needs a cloud -->\n```python\nx = 1\n\ny = 2\n```\n"
        "```python\nz = 3\n```\n"
    )

    assert blocks_of("A.md", text) == [
        Block("A.md", 4, "save(pods)\n", given=("pods", "save")),
        Block("A.md", 11, "x = 1\n\ny = 2\n", runs=False),
        Block("A.md", 16, "z = 3\n"),
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("code", "given"),
    [("1 / 0", ()), ("raise SystemExit(3)", ()), ("pods.no_such_thing", ("pods",))],
)
async def test_a_block_that_fails_is_seen(
    code: str, given: tuple[str, ...], tmp_path: Path
) -> None:
    """An exception or an exit status in a block fails its test."""
    well, _, _ = await run(Block("x.md", 1, code, given), tmp_path)

    assert not well


@pytest.mark.anyio
async def test_a_block_may_go_on_until_interrupted(tmp_path: Path) -> None:
    """An endless loop that awaits is interrupted, and that is no failure."""
    block = Block("x.md", 1, "import asyncio\nwhile True:\n    await asyncio.sleep(1)\n")

    assert await run(block, tmp_path) == (True, "", 0)
