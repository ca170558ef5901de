"""Each block of Python in the documents is run against a fake API server over HTTP.

A block either ends by itself, or is still at work when it is interrupted, as a reader would do it,
and then ends at once. One that says it is endless has to be still at work. Anything that a block
raises fails its test.
"""

import ast
import os
import signal
import sys
from collections import Counter
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
BEGINS = 60.0  # seconds at most until its imports are done, however busy the machine is
WORKS = 3.0  # seconds that a block is let run which may end by itself
LOOKS = 1.0  # seconds that one which never does is let run once its watch is open
ENDS = 30.0  # seconds at most until it has ended when interrupted; C8 says 1, of an idle machine
LEFT_BEHIND = ("Exception ignored", "never awaited", "never retrieved", "was destroyed")
NOT_RUN: dict[str, int] = {}  # how many blocks of a document
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


async def watches(process: Process, cluster: FakeCluster) -> None:
    """Wait until it watches, or has ended; then let it see some events."""
    with anyio.move_on_after(BEGINS):
        while process.returncode is None and not cluster.open_watches:  # noqa: ASYNC110 - elsewhere
            await anyio.sleep(0.05)
    with anyio.move_on_after(LOOKS):
        await process.wait()


async def ends_well(
    block: Block, process: Process, folder: anyio.Path, cluster: FakeCluster
) -> bool:
    """Wait for a block's end: of itself without a fault, or when interrupted."""
    await has_begun(process, folder / BEGAN)
    if block.is_endless or block.is_foreign:
        await watches(process, cluster)
    else:
        with anyio.move_on_after(WORKS):
            return await process.wait() == 0
    if process.returncode is not None:
        return block.is_foreign and process.returncode == 0

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
                well = await ends_well(block, process, anyio.Path(folder), cluster)
                if process.returncode is None:
                    process.kill()
        tasks.cancel_scope.cancel()
    return well, stderr.read_text(), len(cluster.requests)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_python(block: Block) -> None:
    """What is shown parses, on the Python that runs this."""
    compile(block.code, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.anyio
@pytest.mark.timeout(120)
@pytest.mark.parametrize("block", [block for block in BLOCKS if block.runs], ids=str)
async def test_a_block_runs(block: Block, tmp_path: Path) -> None:
    """What is shown works as it stands, and what watches has asked the server."""
    well, stderr, requests = await run(block, tmp_path)

    assert well, stderr
    assert block.is_foreign or not any(sign in stderr for sign in LEFT_BEHIND), stderr
    assert requests or not any(call in block.code for call in TALKS)


def test_the_readme_shows_python() -> None:
    """The README has code to run: these tests are not about nothing."""
    assert any(block.name == "README.md" and block.runs for block in BLOCKS)


def test_what_a_block_takes_as_given_stands_before_it() -> None:
    """A comment before the fence belongs to that block alone; other languages are left out."""
    text = (
        "Text\n<!-- given: pods, save -->\n```python\nsave(pods)\n```\n"
        "```console\n$ ls\n```\n<!-- not run: needs a cloud -->\n```python\nx = 1\n\ny = 2\n```\n"
        "```python\nz = 3\n```\n<!-- endless -->\n```python\nx = 4\n```\n"
        "<!-- before: v1 -->\n```python\nx = 5\n```\n"
    )

    assert blocks_of("A.md", text) == [
        Block("A.md", 4, "save(pods)\n", given=("pods", "save")),
        Block("A.md", 11, "x = 1\n\ny = 2\n", runs=False),
        Block("A.md", 16, "z = 3\n"),
        Block("A.md", 20, "x = 4\n", is_endless=True),
        Block("A.md", 24, "x = 5\n", given=("v1",), is_foreign=True),
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
async def test_an_endless_block_that_ends_is_seen(tmp_path: Path) -> None:
    """A block that says it goes on, and does not, fails its test."""
    well, _, _ = await run(Block("x.md", 1, "x = 1\n", is_endless=True), tmp_path)

    assert not well


def test_a_block_that_is_not_run_says_so() -> None:
    """Its reader sees it in its first line; and these are all that there are."""
    silent = [block for block in BLOCKS if not block.runs]

    assert all(block.code.startswith("# not run here: ") for block in silent)
    assert Counter(block.name for block in silent) == NOT_RUN


@pytest.mark.anyio
async def test_a_block_may_go_on_until_interrupted(tmp_path: Path) -> None:
    """An endless loop that awaits is interrupted, and that is no failure."""
    block = Block("x.md", 1, "import asyncio\nwhile True:\n    await asyncio.sleep(1)\n")

    assert await run(block, tmp_path) == (True, "", 0)
