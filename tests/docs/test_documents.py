"""Each block of Python in the documents is run against a fake API server over HTTP.

A block ends by itself; or it says that it is endless, and then is still at work when it is
interrupted, as a reader would do it, and ends at once. Anything that a block raises fails its test.
"""

import ast
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.docs.blocks import Block, blocks, blocks_of
from tests.docs.run import INTERRUPTED, Job
from tests.docs.runner import Runner, Started
from tests.docs.world import churn, populated
from watchkit.testing import FakeApiServer, FakeCluster

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]
PATIENCE = 120.0  # seconds at most until a block has ended, or watches, however busy the machine is
LOOKS = 1.0  # seconds that one which never does is let run once its watch is open
LEFT_BEHIND = ("Exception ignored", "never awaited", "never retrieved", "was destroyed")
NOT_RUN = {"kopf.md": 1}  # how many blocks of a document
TALKS = ("RetryWatcher(", "watch(", "until(")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run on asyncio: there is a socket."""
    return "asyncio"


@pytest.fixture(scope="module")
async def runner() -> AsyncIterator[Runner]:
    """Give what runs blocks, one after the other."""
    command = [sys.executable, "-W", "error", "-m", "tests.docs.run"]
    async with await anyio.open_process(command, cwd=ROOT, stderr=None) as process:
        yield Runner(process)


async def works(process: Started, cluster: FakeCluster) -> None:
    """Wait until an endless block watches, or has ended; then let it see some events."""
    with anyio.move_on_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watched, cluster, tasks.cancel_scope)
            await process.wait()
            tasks.cancel_scope.cancel()
    with anyio.move_on_after(LOOKS):
        await process.wait()


async def watched(cluster: FakeCluster, scope: anyio.CancelScope) -> None:
    """Cancel the scope once somebody watches."""
    while not cluster.open_watches:  # noqa: ASYNC110 - it comes from another process
        await anyio.sleep(0.05)
    scope.cancel()


async def ends_well(
    block: Block, process: Started, cluster: FakeCluster, stderr: anyio.Path, within: float
) -> bool:
    """Wait for a block's end: of itself without a fault, or, if endless, when interrupted."""
    if block.is_endless or block.is_foreign:
        await works(process, cluster)
    else:
        with anyio.move_on_after(within):
            await process.wait()
    if process.returncode is not None:
        return process.returncode == 0 and not block.is_endless

    code = await process.interrupted()
    if not (block.is_endless or block.is_foreign):
        return False
    if code in {0, INTERRUPTED}:  # it may have been about to end
        return True
    # An interpreter that is on its way out dies of the signal, silently if the code is ours.
    return code == -signal.SIGINT and (block.is_foreign or not await stderr.read_text())


async def run(
    block: Block, runner: Runner, folder: Path, *, within: float = PATIENCE
) -> tuple[bool, str, int]:
    """Run a block; whether it ended well, what it said on stderr, how many requests it sent."""
    cluster, well = populated(), False
    stderr = anyio.Path(folder / "stderr")
    async with FakeApiServer(cluster) as server, anyio.create_task_group() as tasks:
        tasks.start_soon(churn, cluster)
        process = await runner.start(
            Job(
                name=str(block),
                code=block.code,
                given=[*block.given],
                folder=str(folder),
                environ={"KUBECONFIG": str(server.kubeconfig)},
            )
        )
        well = await ends_well(block, process, cluster, stderr, within)
        tasks.cancel_scope.cancel()
    return well, await stderr.read_text(), len(cluster.requests)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_python(block: Block) -> None:
    """What is shown parses, on the Python that runs this."""
    compile(block.code, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.anyio
@pytest.mark.timeout(400)
@pytest.mark.parametrize("block", [block for block in BLOCKS if block.runs], ids=str)
async def test_a_block_runs(block: Block, runner: Runner, tmp_path: Path) -> None:
    """What is shown works as it stands, and what watches has asked the server."""
    well, stderr, requests = await run(block, runner, tmp_path)

    assert well, stderr or "it goes on, and does not say that it is endless, or the reverse"
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
    code: str, given: tuple[str, ...], runner: Runner, tmp_path: Path
) -> None:
    """An exception or an exit status in a block fails its test."""
    well, _, _ = await run(Block("x.md", 1, code, given), runner, tmp_path)

    assert not well


@pytest.mark.anyio
async def test_what_a_block_leaves_behind_is_seen(runner: Runner, tmp_path: Path) -> None:
    """A coroutine that nobody awaited ends no process, and is told on stderr."""
    block = Block("x.md", 1, "async def work():\n    pass\n\n\nwork()\n")

    _, stderr, _ = await run(block, runner, tmp_path)

    assert any(sign in stderr for sign in LEFT_BEHIND)


@pytest.mark.anyio
async def test_an_endless_block_that_ends_is_seen(runner: Runner, tmp_path: Path) -> None:
    """A block that says it goes on, and does not, fails its test."""
    well, _, _ = await run(Block("x.md", 1, "x = 1\n", is_endless=True), runner, tmp_path)

    assert not well


def test_a_block_that_is_not_run_says_so() -> None:
    """Its reader sees it in its first line; and these are all that there are."""
    silent = [block for block in BLOCKS if not block.runs]

    assert all(block.code.startswith("# not run here: ") for block in silent)
    assert Counter(block.name for block in silent) == NOT_RUN


@pytest.mark.anyio
async def test_an_endless_block_is_interrupted(runner: Runner, tmp_path: Path) -> None:
    """One that watches for ever is ended, as by Ctrl-C, and that is no failure."""
    code = "from watchkit import RetryWatcher\nasync for event in RetryWatcher(pods):\n    pass\n"
    well, stderr, requests = await run(
        Block("x.md", 1, code, ("pods",), is_endless=True), runner, tmp_path
    )

    assert well, stderr
    assert requests


@pytest.mark.anyio
async def test_a_block_that_does_not_end_is_seen(runner: Runner, tmp_path: Path) -> None:
    """Whoever goes on has to say so."""
    block = Block("x.md", 1, "import asyncio\nawait asyncio.sleep(3600)\n")

    well, _, _ = await run(block, runner, tmp_path, within=0.1)

    assert not well
