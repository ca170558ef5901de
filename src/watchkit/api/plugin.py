"""Exec plugins: programs named by a kubeconfig that print credentials, run within bounds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import anyio
import msgspec
from anyio.abc import Process

from watchkit.api.credentials import Grant
from watchkit.core.errors import TransportError

RUN_TIMEOUT: Final = 30.0
"""Seconds that a plugin may take: it may ask a cloud over the network, but nobody at a terminal."""

OUTPUT_CAP: Final = 1024 * 1024
"""Bytes of output looked at: a token and two certificates are a few KiB."""

EXPIRY_MARGIN: Final = 10.0
"""Seconds before a token's end from which it is replaced: clocks differ, and a request takes time.

Of a token that lives shorter, a tenth of its time; and a plugin runs once a second at most.
"""


class _Status(msgspec.Struct, rename="camel"):
    token: str | None = None
    expiration_timestamp: datetime | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None


class _Credential(msgspec.Struct, rename="camel"):
    api_version: str
    kind: str
    status: _Status


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """One plugin with its arguments; neither those nor the environment show in the repr.

    Its standard error is thrown away: what it says there may hold secrets.
    """

    command: str
    api_version: str
    arguments: tuple[str, ...] = field(default=(), repr=False)
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    cluster: Mapping[str, object] | None = field(default=None, repr=False)
    timeout: float = RUN_TIMEOUT

    async def get(self) -> Grant:
        """Run it.

        Raises:
            TransportError: it is not there, failed, took too long, or printed no credentials.

        """
        output = await self._run()
        try:
            said = msgspec.json.decode(output, type=_Credential)
        except (msgspec.MsgspecError, RecursionError):
            said = None
        if said is None or said.kind != "ExecCredential":
            raise self._fault("printed no ExecCredential")
        if said.api_version != self.api_version:
            raise self._fault(f"speaks another version than {self.api_version}")
        return self._granted(said.status)

    def _granted(self, status: _Status) -> Grant:
        certificate, key = status.client_certificate_data, status.client_key_data
        if (certificate is None) != (key is None) or (not status.token and certificate is None):
            raise self._fault("printed neither a token nor a certificate with its key")
        if status.token and not (status.token.isascii() and status.token.isprintable()):
            raise self._fault("printed a token that is none")
        lasts = None
        if (expires := status.expiration_timestamp) is not None:
            aware = expires if expires.tzinfo else expires.replace(tzinfo=UTC)
            left = (aware - datetime.now(UTC)).total_seconds()
            lasts = max(left - min(EXPIRY_MARGIN, left / 10), 1.0)
        return Grant(
            f"Bearer {status.token}" if status.token else None,
            lasts,
            None if certificate is None else certificate.encode(),
            None if key is None else key.encode(),
        )

    async def _run(self) -> bytes:
        command = shutil.which(self.command)
        if command is None:
            raise self._fault("is not installed")
        process: Process | None = None
        kind = ""
        try:
            # Shielded: asyncio forgets a process whose start is cancelled, and it would go on.
            with anyio.CancelScope(shield=True):
                process = await anyio.open_process(
                    [command, *self.arguments],
                    stdin=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=self._env(),
                    start_new_session=True,  # one group, to be ended together
                )
        except OSError as error:
            kind = type(error).__name__
        if process is None:
            raise self._fault(f"could not be started ({kind})")
        return await self._output(process)

    async def _output(self, process: Process) -> bytes:
        output = None
        try:
            with anyio.move_on_after(self.timeout):
                read = await _read(process)
                await process.wait()
                output = read
        finally:
            if output is None:
                _end(process)
            with anyio.CancelScope(shield=True):
                await process.aclose()
        if output is None:
            raise self._fault(f"took longer than {self.timeout:g} s")
        if process.returncode != 0:
            raise self._fault(f"failed with {process.returncode}; run it by hand to see why")
        return output

    def _env(self) -> dict[str, str]:
        spec: dict[str, object] = {"interactive": False}
        if self.cluster is not None:
            spec["cluster"] = dict(self.cluster)
        info = {"apiVersion": self.api_version, "kind": "ExecCredential", "spec": spec}
        asked = {"KUBERNETES_EXEC_INFO": msgspec.json.encode(info).decode()}
        return {**os.environ, **self.environment, **asked}

    def _fault(self, what: str) -> TransportError:
        return TransportError(f"exec plugin {Path(self.command).name} {what}", reached=False)


async def _read(process: Process) -> bytes:
    """Read what it prints, dropping what passes the cap: a full pipe would stop it."""
    pieces: list[bytes] = []
    room = OUTPUT_CAP
    if process.stdout is not None:
        async for piece in process.stdout:
            pieces.append(piece[:room])
            room = max(room - len(piece), 0)
    return b"".join(pieces)


def _end(process: Process) -> None:
    """End it and what it started, which may hold its output open after it has gone."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        elif process.returncode is None:
            process.kill()
