"""The example wait_for_gateway.py, run as its reader would, with a gateway that is late."""

import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp
import aiohttp.web
import pytest

from .programs import EXAMPLES, SOON, Program, running

QUICK: Final = ("--max-retries", "2", "--initial-delay", "0.05", "--max-delay", "0.05")

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run on asyncio: there are sockets."""
    return "asyncio"


@dataclass
class App:
    """The example, serving."""

    program: Program
    url: str

    async def page(self, path: str) -> tuple[int, str]:
        """Get one of its pages."""
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def serving(gateway: str, *flags: str, **environ: str) -> AsyncIterator[App]:
    """Run the example on a free port, and see that it ends with 0 when it is told to."""
    given = ("--gateway", gateway, "--port", "0", *flags)
    async with running("wait_for_gateway.py", *given, environ=environ) as program:
        yield App(program, (await program.says("serving on")).split()[-1])


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


@contextmanager
def a_free_port() -> Iterator[int]:
    """Keep a port of loopback that nobody listens on: nobody gets it but a gateway of ours."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers set it
        yield int(holder.getsockname()[1])


async def test_it_serves_while_it_waits_and_is_ready_once_the_gateway_is_there() -> None:
    """Later than all its retries: it says so, serves on, and finds the gateway in the end."""
    with a_free_port() as port:
        await _waits_and_finds(port)


async def _waits_and_finds(port: int) -> None:
    async with serving(f"http://127.0.0.1:{port}", *QUICK) as app:
        assert await app.page("/healthz") == (200, "ok\n")
        assert await app.page("/") == (200, "hello\n")
        status, text = await app.page("/readyz")
        assert status == 503
        assert "waiting for the gateway" in text
        assert (await app.page("/gateway"))[0] == 503
        assert "given up after 3 attempts" in await app.program.says("still no gateway")
        await app.program.says("still no gateway")
        assert app.program.process.returncode is None
        async with a_gateway(port):
            await app.program.says("the gateway is there")
            assert await app.page("/readyz") == (200, "ok\n")
            assert await app.page("/gateway") == (200, "routes: 3\n")


async def test_its_settings_may_be_environment_variables() -> None:
    """As a deployment sets them; a flag wins over its variable."""
    environ = {"GATEWAY_MAX_RETRIES": "7", "GATEWAY_INITIAL_DELAY": "0.01"}
    flags = ("--max-retries", "1", "--max-delay", "0.01")
    with a_free_port() as port:
        async with serving(f"http://127.0.0.1:{port}", *flags, **environ) as app:
            assert "given up after 2 attempts" in await app.program.says("still no gateway")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--max-retries", "many"], "--max-retries must be a whole number >= 0, not 'many'"),
        (["--initial-delay", "9", "--max-delay", "1"], "--initial-delay is longer than"),
    ],
)
def test_a_bad_setting_is_explained(flags: list[str], said: str) -> None:
    """At once, by name, with the exit code of a wrong command line."""
    command = [
        sys.executable,
        EXAMPLES / "wait_for_gateway.py",
        "--gateway",
        "http://127.0.0.1:1",
        *flags,
    ]
    ended = subprocess.run(command, capture_output=True, check=False, text=True, timeout=SOON)  # noqa: S603 - fixed

    assert ended.returncode == 2
    assert said in ended.stderr
