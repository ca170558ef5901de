"""Kubeconfig files: read, merged as kubectl merges them, and resolved to one cluster and user."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from watchkit.api.credentials import Credentials, Fixed, TokenFile
from watchkit.api.plugin import RUN_TIMEOUT, ExecPlugin
from watchkit.core.errors import WatchkitError

Pem = Path | bytes
"""Certificates or a key: a file, or its content."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where an API server is, how to trust it, and who to be there; `origin` is for errors."""

    origin: str
    server: str
    authority: Pem | None = None
    verify: bool = True
    tls_server_name: str | None = None
    proxy: str | None = None
    certificate: Pem | None = field(default=None, repr=False)
    key: Pem | None = field(default=None, repr=False)
    credentials: Credentials | None = field(default=None, repr=False)


class _Kebab(msgspec.Struct, rename="kebab", frozen=True):
    """A part of a kubeconfig file; what is not named here is skipped."""


class _ClusterSpec(_Kebab, frozen=True):
    server: str = ""
    certificate_authority: str | None = None
    certificate_authority_data: str | None = None
    insecure_skip_tls_verify: bool = False
    tls_server_name: str | None = None
    proxy_url: str | None = None


class _Variable(_Kebab, frozen=True):
    name: str
    value: str


class _ExecSpec(msgspec.Struct, rename="camel", frozen=True):
    command: str
    api_version: str
    args: list[str] | None = None
    env: list[_Variable] | None = None
    provide_cluster_info: bool = False
    interactive_mode: str = "IfAvailable"


class _UserSpec(_Kebab, frozen=True):
    token: str | None = None
    token_file: str | None = msgspec.field(default=None, name="tokenFile")
    username: str | None = None
    password: str | None = None
    client_certificate: str | None = None
    client_certificate_data: str | None = None
    client_key: str | None = None
    client_key_data: str | None = None
    exec: _ExecSpec | None = None
    auth_provider: object = None
    impersonate: object = msgspec.field(default=None, name="as")
    impersonate_uid: object = msgspec.field(default=None, name="as-uid")
    impersonate_groups: object = msgspec.field(default=None, name="as-groups")


class _ContextSpec(_Kebab, frozen=True):
    cluster: str = ""
    user: str = ""


class _NamedCluster(_Kebab, frozen=True):
    name: str
    cluster: _ClusterSpec | None = None


class _NamedUser(_Kebab, frozen=True):
    name: str
    user: _UserSpec | None = None


class _NamedContext(_Kebab, frozen=True):
    name: str
    context: _ContextSpec | None = None


class _Kubeconfig(_Kebab, frozen=True):
    current_context: str | None = None
    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None
    contexts: list[_NamedContext] | None = None


@dataclass(slots=True)
class Merged:
    """Several files as one: of each name, and of the current context, the first one counts."""

    current: str = ""
    contexts: dict[str, _ContextSpec] = field(default_factory=dict[str, _ContextSpec])
    clusters: dict[str, tuple[_ClusterSpec, Path]] = field(
        default_factory=dict[str, tuple[_ClusterSpec, Path]]
    )
    users: dict[str, tuple[_UserSpec, Path]] = field(
        default_factory=dict[str, tuple[_UserSpec, Path]]
    )

    def add(self, config: _Kubeconfig, directory: Path) -> None:
        """Add one more file, from the directory that its relative paths start at."""
        self.current = self.current or config.current_context or ""
        for each in config.contexts or []:
            self.contexts.setdefault(each.name, each.context or _ContextSpec())
        for one in config.clusters or []:
            self.clusters.setdefault(one.name, (one.cluster or _ClusterSpec(), directory))
        for user in config.users or []:
            self.users.setdefault(user.name, (user.user or _UserSpec(), directory))


def read(paths: Sequence[Path]) -> Merged | None:
    """Read and merge the files that there are; None if there is none, or they are empty.

    Raises:
        WatchkitError: a file that cannot be read, or is no kubeconfig.

    """
    merged = Merged()
    for path in paths:
        try:
            raw = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise WatchkitError(f"cannot read {path}: {error.strerror}") from None
        merged.add(_parsed(raw, path), path.parent.absolute())
    return merged if merged.contexts or merged.clusters else None


def select(merged: Merged, context: str | None, exec_timeout: float = RUN_TIMEOUT) -> Cluster:
    """The cluster and user of a context, of the current one if none is named.

    `exec_timeout`: seconds that its exec plugin may take.

    Raises:
        WatchkitError: no such context, or one that cannot be used; the text says why.

    """
    name = context or merged.current
    if not name:
        raise WatchkitError("no cluster: the kubeconfig has no current-context; name a context")
    chosen = _named("context", merged.contexts, name)
    origin = f"context {name}"
    cluster, base = _named("cluster", merged.clusters, chosen.cluster)
    user, home = merged.users.get(chosen.user, (_UserSpec(), base))
    if not cluster.server:
        raise WatchkitError(f"{origin}: its cluster has no server")
    authority = _pem(cluster.certificate_authority, cluster.certificate_authority_data, base)
    return Cluster(
        origin=origin,
        server=cluster.server.rstrip("/"),
        authority=authority,
        verify=not cluster.insecure_skip_tls_verify,
        tls_server_name=cluster.tls_server_name,
        proxy=cluster.proxy_url,
        certificate=_pem(user.client_certificate, user.client_certificate_data, home),
        key=_pem(user.client_key, user.client_key_data, home),
        credentials=_credentials(user, home, _Place(cluster, origin, exec_timeout)),
    )


def _parsed(raw: bytes, path: Path) -> _Kubeconfig:
    if not raw.strip():
        return _Kubeconfig()
    try:
        return msgspec.yaml.decode(raw, type=_Kubeconfig | None) or _Kubeconfig()
    except msgspec.ValidationError as error:
        what = str(error)  # a path and types, no values
    except msgspec.DecodeError:
        what = "no YAML"
    raise WatchkitError(f"{path} is no kubeconfig: {what}")


T = TypeVar("T")


def _named(what: str, things: dict[str, T], name: str) -> T:
    if name not in things:
        known = ", ".join(sorted(things)) or "none"
        raise WatchkitError(f"no cluster: there is no {what} {name!r} in the kubeconfig ({known})")
    return things[name]


def _pem(file: str | None, data: str | None, base: Path) -> Pem | None:
    if data:
        try:
            return base64.b64decode(data, validate=False)
        except (binascii.Error, ValueError):
            problem = "certificate data in the kubeconfig is no base64"
    elif file:
        return base / file
    else:
        return None
    raise WatchkitError(problem)


@dataclass(frozen=True, slots=True)
class _Place:
    """What an exec plugin is told, and bound to."""

    cluster: _ClusterSpec
    origin: str
    exec_timeout: float


def _credentials(user: _UserSpec, home: Path, place: _Place) -> Credentials | None:
    """Make what the user section asks for, in client-go's order of precedence."""
    origin = place.origin
    if any((user.impersonate, user.impersonate_uid, user.impersonate_groups)):
        raise WatchkitError(f"{origin}: impersonation (as) is not supported")
    if user.token_file:
        return Credentials(TokenFile(home / user.token_file))
    if user.token:
        return Credentials(Fixed.token(user.token))
    if user.exec is not None:
        return Credentials(_plugin(user.exec, home, place))
    if user.username and user.password is not None:
        return Credentials(Fixed.basic(user.username, user.password))
    if user.auth_provider is not None:
        raise WatchkitError(f"{origin}: auth-provider is not supported; use an exec plugin")
    return None


def _plugin(spec: _ExecSpec, home: Path, place: _Place) -> ExecPlugin:
    if spec.interactive_mode == "Always":
        raise WatchkitError(f"{place.origin}: its exec plugin wants a terminal")
    path = os.path.dirname(spec.command)  # noqa: PTH120 - "./plugin" and "plugin" differ
    command = str(home / spec.command) if path else spec.command
    info: dict[str, object] = msgspec.to_builtins(place.cluster)
    told = {k: v for k, v in info.items() if v is not None and k != "certificate-authority"}
    return ExecPlugin(
        command=command,
        api_version=spec.api_version,
        arguments=tuple(spec.args or ()),
        environment={each.name: each.value for each in spec.env or ()},
        cluster=told if spec.provide_cluster_info else None,
        timeout=place.exec_timeout,
    )
