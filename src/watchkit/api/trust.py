"""Trust: whom a client believes to be the API server, and who it is there, as TLS knows it."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import anyio

from watchkit.api.credentials import Grant
from watchkit.api.faults import said
from watchkit.api.kubeconfig import Cluster, Pem
from watchkit.core.errors import WatchkitError
from watchkit.observe import client as observe

RECHECK_AFTER: Final = 10.0
"""Seconds between two looks at certificate files, as long as connections come about."""

RECHECK_SOON: Final = 1.0
"""Seconds until files that could not be used (half-written, say) are looked at again."""


@dataclass(frozen=True, slots=True)
class _Material:
    """What a context is made of: compared to know whether a new one is needed."""

    authority: bytes | None
    certificate: bytes | None = field(repr=False)
    key: bytes | None = field(repr=False)


class Trust:
    """The TLS context of the moment: a new one when the files or the plugin's certificate change.

    Only new connections get the new one; what is open stays as it is. Files that cannot be used
    leave the last good context in use. Many requests at once cause one look.
    """

    def __init__(
        self, cluster: Cluster, grant: Grant, now: Callable[[], float] = anyio.current_time
    ) -> None:
        self._now = now
        self._cluster = cluster
        self._granted = (grant.certificate, grant.key)
        self._lock = anyio.Lock()
        self._due = 0.0
        self._material: _Material | None = None
        self._context: ssl.SSLContext | None = None
        pems = (cluster.authority, cluster.certificate, cluster.key)
        self._has_files = any(isinstance(each, Path) for each in pems)
        self._is_tls = cluster.server.startswith("https:")

    async def open(self) -> ssl.SSLContext | None:
        """Make the first context; None for plain HTTP.

        Raises:
            WatchkitError: the certificates cannot be used.

        """
        if not self._is_tls:
            return None
        try:
            return await self._load()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            what = said(error)
        raise WatchkitError(f"{self._cluster.origin}: its certificates cannot be used{what}")

    async def context(self, grant: Grant | None = None) -> ssl.SSLContext | None:
        """Give the context for a new connection; looks at the files where it is time to."""
        granted = self._granted if grant is None else (grant.certificate, grant.key)
        changed = granted != self._granted
        self._granted = granted
        if changed or (self._has_files and self._now() >= self._due):
            return await self.reload()
        return self._context

    async def reload(self) -> ssl.SSLContext | None:
        """Look now, whatever the time; give the context, a new one only if something changed."""
        if not self._is_tls:
            return None
        self._due = self._now() + RECHECK_AFTER  # the others go on with what there is
        async with self._lock:
            try:
                return await self._load()
            except (OSError, ValueError) as error:
                self._due = self._now() + RECHECK_SOON
                observe.certificates_unusable(self._cluster.origin, said(error).lstrip(": "))
                return self._context

    async def _load(self) -> ssl.SSLContext | None:
        material = await anyio.to_thread.run_sync(self._read)
        if self._context is None or material != self._material:
            renewed = self._context is not None
            self._context = await anyio.to_thread.run_sync(self._built, material)
            self._material = material
            self._due = self._now() + RECHECK_AFTER
            if renewed:
                observe.certificates_renewed(self._cluster.origin)
        return self._context

    def _read(self) -> _Material:
        certificate, key = self._granted
        return _Material(
            _content(self._cluster.authority),
            _content(self._cluster.certificate or certificate),
            _content(self._cluster.key or key),
        )

    def _built(self, material: _Material) -> ssl.SSLContext:
        # OpenSSL reads certificates from files only; the directory is its owner's alone.
        with TemporaryDirectory(prefix="watchkit-") as directory:
            authority = _file(material.authority, Path(directory, "ca.crt"))
            context = ssl.create_default_context(cafile=authority)
            if material.certificate is not None:
                certificate = Path(directory, "client.crt")
                key = _file(material.key, Path(directory, "client.key"))
                certificate.write_bytes(material.certificate)
                # An encrypted key would have OpenSSL ask at the terminal.
                context.load_cert_chain(certificate, key, password=_no_password)
        if not self._cluster.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def __repr__(self) -> str:
        return f"<Trust of {self._cluster.origin}>"


def _no_password() -> str:
    raise OSError(errno.EACCES, "the client's key is encrypted")


def _content(pem: Pem | None) -> bytes | None:
    return pem.read_bytes() if isinstance(pem, Path) else pem


def _file(content: bytes | None, path: Path) -> Path | None:
    if content is None:
        return None
    path.write_bytes(content)
    return path
