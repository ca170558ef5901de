"""On a real server: watchkit's informer and client-go's, side by side through the same troubles.

Each is a program with its defaults, behind a recording proxy of its own, on 20,000 pods of one
server. Run with $WATCHKIT_E2E_FULL set (`nox -s e2e-full`): it takes some twenty minutes, most of
them quiet. What it prints is kept in docs/informer-vs-client-go.md.
"""

import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from .conftest import Launch
from .harness import RecordingProxy, client_for
from .harness.clientgo import built_clientgo
from .harness.progress import Progress
from .informing import Outcome, Toll, play
from .pods import Churn
from .sides import program
from .troubles import (
    COMPACTED,
    CUT,
    EXPIRED,
    KILLED,
    LOSING_ITS_CACHE,
    NOTHING,
    TERMINATED,
    THROTTLED,
    UNAVAILABLE,
)

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not os.environ.get("WATCHKIT_E2E_FULL"), reason="part of nox -s e2e-full"),
]

PODS: Final = 20_000
WRITES: Final = 300  # for each trouble, at least
CALM: Final = 125.0  # seconds; client-go's back-off starts anew after 120
TROUBLES: Final = (
    NOTHING,
    CUT,
    THROTTLED,
    UNAVAILABLE,
    KILLED,
    TERMINATED,
    EXPIRED,
    LOSING_ITS_CACHE,
    COMPACTED,
)
COLUMNS: Final[dict[str, Callable[[Toll], str]]] = {
    "duplicate updates": lambda toll: str(toll.counts["duplicate"]),
    "deletions not told": lambda toll: str(toll.counts["replaced"]),
    "deletions inferred": lambda toll: str(toll.counts["inferred"]),
    "lists": lambda toll: str(toll.lists),
    "seconds": lambda toll: f"{toll.seconds:.1f}",
}


@pytest.mark.timeout(3000, func_only=True)
async def test_both_end_with_the_list_and_ours_tells_nothing_twice(
    private_control_plane: Launch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cache == handler == LIST after each trouble; ours tells nothing twice, misses nothing."""
    theirs = built_clientgo(os.environ, Progress())
    commands = {"watchkit": [sys.executable, "-m", "tests.e2e.our_side"], "client-go": [theirs]}
    async with AsyncExitStack() as stack:
        plane = await stack.enter_async_context(private_control_plane())
        writer = await stack.enter_async_context(client_for(plane.kubeconfig))
        churn = Churn(writer, PODS)
        await churn.populate()
        sides = []
        for name, command in commands.items():
            proxy = await stack.enter_async_context(RecordingProxy(plane))
            running = program(name, command, proxy, tmp_path / f"{name}.log")
            sides.append(await stack.enter_async_context(running))
        outcomes = await play(plane, sides, churn, TROUBLES, writes=WRITES, calm=CALM)

    with capsys.disabled():
        print("", platform.platform(), f"Python {platform.python_version()}", sep="\n")
        print(*table([*commands], outcomes), sep="\n")
    for outcome in outcomes:
        ours = outcome.tolls[0]
        assert ours.counts["duplicate"] == ours.counts["replaced"] == 0, outcome.trouble


def table(names: Sequence[str], outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Give the lines of a Markdown table: a row for each trouble, a column for each figure."""
    yield f"| {' / '.join(names)} | pods | {' | '.join(COLUMNS)} |"
    yield f"|---|{'---:|' * (len(COLUMNS) + 1)}"
    for outcome in outcomes:
        cells = [" / ".join(map(figure, outcome.tolls)) for figure in COLUMNS.values()]
        yield f"| {outcome.trouble} | {outcome.objects} | {' | '.join(cells)} |"
