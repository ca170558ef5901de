"""The fake server against a real one: the same operations, and the same answers.

Compared are status, content type, Retry-After, the body, and every event of a watch in order. What
may differ is in `fidelity/allowing.py`, and explained in docs/fidelity.md.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import anyio
import pytest
from hypothesis import given, settings

from watchkit.testing import FakeApiServer, FakeCluster

from .conftest import _found
from .fidelity import applying, asking, reading, refusing, writing
from .fidelity.allowing import ALLOWED, allowed
from .fidelity.comparing import Plain, plain
from .fidelity.playing import Played, Player, play_all
from .fidelity.random_scripts import SCRIPTS
from .fidelity.script import MAPS, SHOPS, Follow, Script, definition
from .harness import ControlPlane, find_binaries, prepared_control_plane

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "fidelity.md"
SLOWER: Final = (2, 3, 3, 4)
"""How much longer watches live for a machine that is too slow: within 30 s, and sometimes sooner,
etcd moves the server's caches on by itself, which shows in bookmarks."""

_CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(scope="module")
def plane(pytestconfig: pytest.Config) -> Iterator[ControlPlane]:
    """Lend a control plane of its own: it is compacted and restarted on the way."""
    with prepared_control_plane(_found(find_binaries, pytestconfig)) as prepared:
        anyio.run(_start, prepared)
        yield prepared


async def _start(plane: ControlPlane) -> None:
    await plane.start()
    await plane.call("POST", _CRDS, definition())
    await _serves(plane)


async def _serves(plane: ControlPlane) -> None:
    """Wait until its caches are filled: it says 429 before."""
    with anyio.fail_after(240):
        async with Player(plane.url, plane.admin.token, plane.tls()) as player:
            for path in (SHOPS, MAPS):
                query = {"resourceVersion": "0", "timeoutSeconds": "1"}
                watch = Follow(path.replace("/namespaces/{ns}", ""), query)
                played = Played(Script("is it ready?", [watch]), "default")
                while not played.answers or played.answers[-1].status != 200:
                    await player.play(played, played.script.steps)


async def _both(
    plane: ControlPlane, scripts: Sequence[Script], slower: int = 1
) -> dict[str, list[tuple[Plain, Plain]]]:
    """Play scripts on both servers, and pair their answers."""
    played: dict[str, dict[str, Played]] = {}
    cluster = FakeCluster()

    async def forget_really() -> None:
        await plane.compact()
        await plane.restart("apiserver")
        await _serves(plane)

    async def forget() -> None:
        cluster.compact()

    async with FakeApiServer(cluster) as server:
        cluster.create(definition())
        async with (
            Player(plane.url, plane.admin.token, plane.tls()) as real,
            Player(server.url, server.token) as fake,
            anyio.create_task_group() as tasks,
        ):

            async def play(
                side: str, player: Player, forget: Callable[[], Awaitable[None]]
            ) -> None:
                played[side] = await play_all(player, scripts, forget, slower=slower)

            tasks.start_soon(play, "real", real, forget_really)
            tasks.start_soon(play, "fake", fake, forget)
    return {
        script.name: [
            *zip(
                plain(played["real"][script.name]), plain(played["fake"][script.name]), strict=True
            )
        ]
        for script in scripts
    }


def _differences(
    scripts: Sequence[Script],
    answers: Mapping[str, Sequence[tuple[Plain, Plain]]],
    *,
    without: str = "",
) -> dict[str, list[tuple[Plain, Plain]]]:
    """Give what differs, by script, however much is allowed (but for one allowance)."""
    found: dict[str, list[tuple[Plain, Plain]]] = {}
    for script in scripts:
        pairs = [
            tuple(allowed(script, answer, without=without) for answer in pair)
            for pair in answers[script.name]
        ]
        differing = [(real, fake) for real, fake in pairs if real != fake]
        if differing:
            found[script.name] = differing
    return found


@pytest.mark.anyio
async def test_both_servers_answer_every_script_alike(plane: ControlPlane) -> None:
    """What differs is allowed by name, and every allowance is needed.

    A script that differs is played again, with longer watches: a machine may be too slow for what
    was to happen within some seconds. A real difference stays.
    """
    scripts = [
        script for part in (writing, applying, refusing, reading, asking) for script in part.SCRIPTS
    ]
    answers = await _both(plane, scripts)
    for slower in SLOWER:
        again = [script for script in scripts if script.name in _differences(scripts, answers)]
        if again:
            answers |= await _both(plane, again, slower)

    assert _differences(scripts, answers) == {}
    unneeded = [name for name in ALLOWED if not _differences(scripts, answers, without=name)]
    assert unneeded == []
    assert sum(len(pairs) for pairs in answers.values()) > 600


@settings(max_examples=50, derandomize=True, deadline=None, database=None)
@given(script=SCRIPTS)
def test_both_servers_answer_random_scripts_alike(plane: ControlPlane, script: Script) -> None:
    """Fifty of them, the same in each run: writes, reads and watches in any order."""
    answers = anyio.run(_both, plane, [script])

    assert _differences([script], answers) == {}


def test_every_allowance_is_written_down() -> None:
    """The document lists, in its table, what the suite allows, and nothing else."""
    rows = re.findall(r"(?m)^\| `([^`]+)` \|", DOCUMENT.read_text(encoding="utf-8"))

    assert rows == [*ALLOWED]
