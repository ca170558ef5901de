"""The example wait_for_gateway.py, run as its reader would, with a gateway that is late."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import aiohttp.web
import anyio
import pytest
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final = ROOT / "examples" / "wait_for_gateway.py"
QUICK: Final = ("--max-retries", "2", "--initial-delay", "0.05", "--max-delay", "0.05")
SOON: Final = 10.0

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run on asyncio: there are sockets."""
    return "asyncio"


class App:
    """The example, running."""

    def __init__(self, process: Process, lines: AsyncIterator[str]) -> None:
        self.process = process
        self.url = ""
        self._lines = lines
        self._text = ""

    async def says(self, text: str) -> str:
        """Wait until it has printed a line with this text, and give that line."""
        with anyio.fail_after(SOON):
            while True:
                *lines, self._text = self._text.split("\n")
                for number, line in enumerate(lines):
                    if text in line:
                        self._text = "\n".join([*lines[number + 1 :], self._text])
                        return line
                self._text += await anext(self._lines)

    async def page(self, path: str) -> tuple[int, str]:
        """Get one of its pages."""
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def running(gateway: str, *flags: str, **environ: str) -> AsyncIterator[App]:
    """Run the example on a free port, and see that it ends with 0 when it is told to."""
    command = [sys.executable, "-W", "error", EXAMPLE, "--gateway", gateway, "--port", "0", *flags]
    environment = {**os.environ, **environ}
    async with await anyio.open_process(command, env=environment, stderr=None) as process:
        try:
            assert process.stdout is not None
            app = App(process, aiter(TextReceiveStream(process.stdout)))
            app.url = (await app.says("serving on")).split()[-1]
            yield app
            process.send_signal(signal.SIGTERM)
            with anyio.fail_after(SOON):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()


@asynccontextmanager
async def a_gateway(port: int) -> AsyncIterator[None]:
    """Be the gateway, on that port."""

    async def answer(_: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        return aiohttp.web.Response(text="routes: 3\n")

    server = aiohttp.web.Server(answer)
    runner = aiohttp.web.ServerRunner(server)
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


def a_free_port() -> int:
    """Give a port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def test_it_serves_while_it_waits_and_is_ready_once_the_gateway_is_there() -> None:
    """Later than all its retries: it says so, serves on, and finds the gateway in the end."""
    port = a_free_port()
    async with running(f"http://127.0.0.1:{port}", *QUICK) as app:
        assert await app.page("/healthz") == (200, "ok\n")
        assert await app.page("/") == (200, "hello\n")
        status, text = await app.page("/readyz")
        assert status == 503
        assert "waiting for the gateway" in text
        assert (await app.page("/gateway"))[0] == 503
        assert "given up after 3 attempts" in await app.says("still no gateway")
        await app.says("still no gateway")
        assert app.process.returncode is None
        async with a_gateway(port):
            await app.says("the gateway is there")
            assert await app.page("/readyz") == (200, "ok\n")
            assert await app.page("/gateway") == (200, "routes: 3\n")


async def test_its_settings_may_be_environment_variables() -> None:
    """As a deployment sets them; a flag wins over its variable."""
    environ = {"GATEWAY_MAX_RETRIES": "7", "GATEWAY_INITIAL_DELAY": "0.01"}
    flags = ("--max-retries", "1", "--max-delay", "0.01")
    url = f"http://127.0.0.1:{a_free_port()}"
    async with running(url, *flags, **environ) as app:
        assert "given up after 2 attempts" in await app.says("still no gateway")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--max-retries", "many"], "--max-retries must be a whole number >= 0, not 'many'"),
        (["--initial-delay", "9", "--max-delay", "1"], "--initial-delay is longer than"),
    ],
)
def test_a_bad_setting_is_explained(flags: list[str], said: str) -> None:
    """At once, by name, with the exit code of a wrong command line."""
    command = [sys.executable, EXAMPLE, "--gateway", "http://127.0.0.1:1", *flags]
    ended = subprocess.run(command, capture_output=True, check=False, text=True, timeout=SOON)  # noqa: S603 - fixed

    assert ended.returncode == 2
    assert said in ended.stderr
