"""Laws of exec plugins: run within bounds, understood strictly, and never quoted."""

import gc
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from tests.unit.api.pushed import PATIENCE, push
from watchkit.api.credentials import Grant
from watchkit.api.plugin import ExecPlugin
from watchkit.core.errors import TransportError

pytestmark = pytest.mark.anyio

V1 = "client.authentication.k8s.io/v1"


def plugin(
    program: str, *, timeout: float = PATIENCE, environment: Mapping[str, str] | None = None
) -> ExecPlugin:
    """Make one that is a Python program."""
    return ExecPlugin(
        command=sys.executable,
        api_version=V1,
        arguments=("-S", "-c", program),
        environment=environment or {},
        cluster={"server": "https://x"},
        timeout=timeout,
    )


def printing(kind: str = "ExecCredential", version: str = V1, **status: object) -> ExecPlugin:
    """Make one that prints a credential."""
    said = {"apiVersion": version, "kind": kind, "status": status}
    return plugin(f"print({json.dumps(said)!r})")


async def test_a_token_lasts_until_it_is_rejected() -> None:
    """One without an end is kept; a certificate with its key may come beside it."""
    assert await printing(token="t").get() == Grant("Bearer t")
    both = printing(token="t", clientCertificateData="c", clientKeyData="k")
    assert await both.get() == Grant("Bearer t", None, b"c", b"k")
    only = printing(clientCertificateData="c", clientKeyData="k")
    assert await only.get() == Grant(None, None, b"c", b"k")


@pytest.mark.parametrize(("left", "lasts"), [(3600, 3590), (20, 18), (-5, 1), (0.5, 1)])
async def test_a_token_is_replaced_before_its_end(left: float, lasts: float) -> None:
    """Ten seconds before, or a tenth of its time; never a run per request."""
    began = datetime.now(UTC)
    end = (began + timedelta(seconds=left)).isoformat().replace("+00:00", "Z")
    grant = await printing(token="t", expirationTimestamp=end).get()
    took = (datetime.now(UTC) - began).total_seconds()

    assert grant.lasts is not None
    assert lasts - took <= grant.lasts <= lasts


async def test_it_is_told_what_is_wanted() -> None:
    """The environment of the kubeconfig, and KUBERNETES_EXEC_INFO with version and cluster."""
    program = """
import json, os, sys
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
assert info["kind"] == "ExecCredential" and sys.stdin.read() == ""
token = [info["apiVersion"], info["spec"]["cluster"]["server"], os.environ["MINE"]]
token.append(str(info["spec"]["interactive"]))
status = {"token": "|".join(token)}
print(json.dumps({"apiVersion": info["apiVersion"], "kind": "ExecCredential", "status": status}))
"""
    grant = await plugin(program, environment={"MINE": "me"}).get()

    assert grant.authorization == f"Bearer {V1}|https://x|me|False"


@pytest.mark.fault("F06")
@pytest.mark.parametrize(
    ("made", "said"),
    [
        (plugin("import sys; print('canary', file=sys.stderr); sys.exit(3)"), "failed with 3"),
        (plugin("print('canary')"), "printed no ExecCredential"),
        (plugin("print('[' * 100000)"), "printed no ExecCredential"),
        (plugin("pass"), "printed no ExecCredential"),
        (printing(kind="Canary", token="canary"), "printed no ExecCredential"),
        (printing(version="client.authentication.k8s.io/canary"), "speaks another version"),
        (printing(), "printed neither"),
        (printing(token=""), "printed neither"),
        (printing(clientCertificateData="canary"), "printed neither"),
        (printing(token="t", clientKeyData="canary"), "printed neither"),
        (printing(token="canary\nX: y"), "printed a token that is none"),
        (ExecPlugin(command="no-such-plugin", api_version=V1), "is not installed"),
    ],
)
async def test_a_failure_says_what_and_quotes_nothing(made: ExecPlugin, said: str) -> None:
    """The plugin's name and what went wrong; not its output, arguments or environment."""
    with pytest.raises(TransportError, match=said) as caught:
        await made.get()

    assert "canary" not in repr(caught.value) + repr(made)
    assert caught.value.__context__ is None
    assert not caught.value.reached


async def test_a_program_that_cannot_be_run_is_said(tmp_path: Path) -> None:
    """A file that the system refuses to start is an error of ours."""
    file = tmp_path / "plugin"
    file.write_text("#!/no/such/interpreter\n")
    file.chmod(0o755)

    with pytest.raises(TransportError, match=r"exec plugin plugin could not be started"):
        await ExecPlugin(command=str(file), api_version=V1).get()


async def test_output_without_end_is_not_held() -> None:
    """A megabyte is looked at; the rest flows by, and the program can end."""
    with pytest.raises(TransportError, match="printed no ExecCredential"):
        await plugin("import sys; sys.stdout.write('x' * (4 << 20))").get()


HANGING = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(str(child.pid))
time.sleep({parent})
"""


@pytest.mark.fault("F06")
@pytest.mark.skipif(sys.platform == "win32", reason="process groups")
@pytest.mark.parametrize("parent", [600, 0], ids=["hangs", "leaves a child with its output"])
@pytest.mark.parametrize("by", ["timeout", "cancelled"])
async def test_a_plugin_that_hangs_is_ended_with_its_children(
    tmp_path: Path, parent: int, by: str
) -> None:
    """After its time, or when nobody waits any more: nothing of it goes on."""
    noted = tmp_path / "pid"
    hanging = ExecPlugin(
        command=sys.executable,
        api_version=V1,
        arguments=("-S", "-c", HANGING.format(parent=parent), str(noted)),
        timeout=PATIENCE if by == "timeout" else 9 * PATIENCE,
    )

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pass_the_time, noted)
        if by == "timeout":
            with pytest.raises(TransportError, match=r"took longer than 60 s"):
                await hanging.get()
        else:
            with anyio.move_on_after(PATIENCE) as scope:
                await hanging.get()
            assert scope.cancelled_caught

    child = int(noted.read_text())
    with anyio.fail_after(PATIENCE):
        while is_running(child):  # noqa: ASYNC110 - of another process
            await anyio.sleep(0.01)


async def pass_the_time(noted: Path) -> None:
    """Wait until the plugin has written this file; from then on it has been waited for."""
    with anyio.fail_after(PATIENCE):
        while not has_content(noted):  # noqa: ASYNC110 - of another process
            await anyio.sleep(0.01)
    push(PATIENCE)


def has_content(file: Path) -> bool:
    """Tell whether something has been written to a file."""
    return file.exists() and file.stat().st_size > 0


def is_running(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    with suppress(ProcessLookupError, FileNotFoundError):
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


async def test_cancelled_while_it_starts_it_leaves_nothing_behind() -> None:
    """No process, no pipe: asyncio itself would leave them to the garbage collector."""
    for turns in range(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(plugin("import time; time.sleep(600)").get)
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        gc.collect()  # what was left behind would warn now, and a warning is an error
