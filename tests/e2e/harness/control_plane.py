"""A real kube-apiserver and etcd of our own, with a hand on each process."""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .audit import AuditRecord, read_audit_log
from .cluster import Cluster
from .credentials import Authority, write_kubeconfig
from .etcd import Etcd
from .flags import Flags, audit_flags, command_line, new_identity, webhook_flags
from .ports import LOOPBACK, free_port
from .processes import ServerProcess

READY_WITHIN: Final = 180.0
KEEP: Final = "WATCHKIT_E2E_KEEP"  # set: logs and data stay in the temporary directory


@dataclass(frozen=True)
class Binaries:
    """The two programs that a control plane is made of."""

    kube_apiserver: Path
    etcd: Path


class ControlPlane(Cluster):
    """One API server on its etcd members; ports, keys and data outlive every restart.

    The processes are named "apiserver", "etcd-0", "etcd-1", "etcd-2". Flags are those of
    kube-apiserver with underscores, `watch_cache_sizes="configmaps#0"`; None takes away one that
    the harness gives. Processes are started from the main thread only.
    """

    def __init__(
        self, binaries: Binaries, directory: Path, *, etcd_members: int, flags: Flags
    ) -> None:
        self._identity = new_identity(directory)
        url = f"https://{LOOPBACK}:{free_port()}"
        authority = self._identity.authority
        super().__init__(url, authority.ca_file, directory, self._identity.admin_token)
        self._binaries = binaries
        self._flags = dict(flags)
        self._apiserver = ServerProcess("apiserver", directory / "apiserver.log")
        self._etcd = Etcd(etcd_members, directory, binaries.etcd)
        self.audit_log = directory / "audit.log"

    async def start(self) -> None:
        """Start all processes and wait until the API server says that it is ready.

        Raises:
            ServerFailedError: one ended, or was not ready in time; the text has its last lines.
        """
        await self._etcd.start()
        await self.restart("apiserver")

    def close(self) -> None:
        """Kill all processes; what they wrote is left where it is."""
        for process in self.processes:
            process.kill()

    @property
    def processes(self) -> Sequence[ServerProcess]:
        """All processes of this control plane, running or not."""
        return [self._apiserver, *self._etcd.members]

    def process(self, name: str) -> ServerProcess:
        """Return a process by its name, for its `pid`, `running`, `log`."""
        return next(process for process in self.processes if process.name == name)

    def kill(self, name: str) -> None:
        """End a process at once (SIGKILL) and reap it."""
        self.process(name).kill()

    def terminate(self, name: str) -> None:
        """Ask a process to end (SIGTERM); `await exited(name)` says when it has."""
        self.process(name).signal(signal.SIGTERM)

    def stop(self, name: str) -> None:
        """Freeze a process (SIGSTOP): its connections stay open and silent."""
        self.process(name).signal(signal.SIGSTOP)

    def cont(self, name: str) -> None:
        """Let a frozen process go on (SIGCONT)."""
        self.process(name).signal(signal.SIGCONT)

    async def exited(self, name: str, timeout: float = 120.0) -> int:
        """Wait for a process to end and return its exit code, negative for a signal.

        Raises:
            TimeoutError: it still runs after `timeout` seconds.
        """
        return await self.process(name).exited(timeout)

    async def restart(self, name: str) -> None:
        """Kill a process if it runs, start it on the same port and data, wait until it is ready.

        Raises:
            ServerFailedError: it ended, or was not ready in time.
        """
        if name != "apiserver":
            member = next(member for member in self._etcd.members if member.name == name)
            await self._etcd.restart(member)
            return

        self._apiserver.kill()
        self._apiserver.start(self._command())
        await self._apiserver.ready(self.is_ready, READY_WITHIN)

    async def restart_apiserver(self, **flags: str | None) -> None:
        """Restart the API server with these flags added to those it had; None takes one away.

        Raises:
            ServerFailedError: it ended, for instance over a flag, or was not ready in time.
        """
        self._flags.update(flags)
        await self.restart("apiserver")

    async def replace_authority(self) -> None:
        """Restart the API server with a certificate of another authority, which `ca_file` is then.

        It still knows the users that it knew, by token or certificate. Kubeconfigs that were
        written before name, inline, the authority that has gone.

        Raises:
            ServerFailedError: it ended, or was not ready in time.
        """
        directory = Path(tempfile.mkdtemp(prefix="authority-", dir=self.directory))
        authority = Authority(directory)
        certificate, key = authority.server_certificate("apiserver", LOOPBACK)
        self.ca_file = authority.ca_file
        await self.restart_apiserver(tls_cert_file=str(certificate), tls_private_key_file=str(key))

    async def etcd_leader(self, timeout: float = 120.0) -> str:
        """Return the name of the etcd member that leads, once one does.

        Raises:
            TimeoutError: none did within `timeout` seconds.
        """
        return await self._etcd.leader(timeout)

    async def move_etcd_leader(self) -> str:
        """Have etcd's leader hand over to another member, and return that one's name."""
        return await self._etcd.move_leader()

    async def etcd_revision(self) -> int:
        """Return etcd's current revision: the resource version of the last write of all."""
        return await self._etcd.revision()

    async def compact(self, revision: int | None = None) -> int:
        """Make etcd forget all versions before `revision` (default: now) and return it.

        The API server's watch cache still serves what it holds: see `watch_cache_sizes`.
        """
        return await self._etcd.compact(revision)

    def audit_records(self) -> list[AuditRecord]:
        """Return what the server wrote down so far about its requests, oldest first.

        Raises:
            RuntimeError: this control plane was started without `audit=True`.
        """
        if "audit-log-path" not in self._flags:
            raise RuntimeError("start this control plane with audit=True to read its audit log")
        return read_audit_log(self.audit_log)

    def client_certificate(self, name: str, groups: Sequence[str] = ()) -> Path:
        """Return a kubeconfig that proves user `name` in `groups` by certificate, not token."""
        certificate = self._identity.authority.client_certificate(f"client-{name}", groups)
        path = self.directory / f"certificate-{name}.kubeconfig"
        return write_kubeconfig(path, self.url, ca_file=self.ca_file, certificate=certificate)

    def _command(self) -> list[str | Path]:
        port = self.url.rsplit(":", 1)[1]
        place = {"secure-port": port, "etcd-servers": self._etcd.urls}
        return command_line(self._binaries.kube_apiserver, place, self._identity.flags, self._flags)


@contextmanager
def prepared_control_plane(
    binaries: Binaries,
    *,
    etcd_members: int = 1,
    audit: bool = False,
    token_webhook: str | None = None,
    **flags: str | None,
) -> Iterator[ControlPlane]:
    """Lend a control plane that has all but processes; leaving the block ends what was started."""
    with _scratch_directory() as directory:
        merged: dict[str, str | None] = {**flags}
        if audit:
            merged |= audit_flags(directory, directory / "audit.log")
        if token_webhook is not None:
            merged |= webhook_flags(directory, token_webhook)

        plane = ControlPlane(binaries, directory, etcd_members=etcd_members, flags=merged)
        try:
            yield plane
        finally:
            plane.close()


@contextmanager
def _scratch_directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="watchkit-e2e-"))
    try:
        yield directory
    finally:
        if not os.environ.get(KEEP):
            shutil.rmtree(directory, ignore_errors=True)


@asynccontextmanager
async def running_control_plane(
    binaries: Binaries,
    *,
    etcd_members: int = 1,
    audit: bool = False,
    token_webhook: str | None = None,
    **flags: str | None,
) -> AsyncIterator[ControlPlane]:
    """Run a control plane; ready when the block begins, gone when it ends.

    Args:
        binaries: the two programs.
        etcd_members: 1 or 3.
        audit: write an audit log, for `audit_records()`.
        token_webhook: the `url` of a `TokenWebhook`.
        flags: see `ControlPlane`.

    Raises:
        ServerFailedError: a server ended, or was not ready in time.
    """
    with prepared_control_plane(
        binaries,
        etcd_members=etcd_members,
        audit=audit,
        token_webhook=token_webhook,
        **flags,
    ) as plane:
        await plane.start()
        yield plane
