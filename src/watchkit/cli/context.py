"""The namespace that a kubeconfig's context, or the pod this runs in, is about."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from watchkit.api.client import SERVICE_ACCOUNT

_DEFAULT: Final = "default"


class _Context(msgspec.Struct):
    namespace: str | None = None


class _NamedContext(msgspec.Struct):
    name: str
    context: _Context | None = None


class _Kubeconfig(msgspec.Struct, rename="kebab"):
    current_context: str | None = None
    contexts: list[_NamedContext] | None = None


def own_namespace(
    kubeconfig: str | None,
    context: str | None,
    environ: Mapping[str, str] = os.environ,
    service_account: Path = SERVICE_ACCOUNT,
) -> str:
    """Give the namespace that kubectl would take without -n; "default" where none is said.

    Reads files: for a thread. One that cannot be read says nothing here, as `connect()` has
    said already what is wrong with it.
    """
    found = [text for path in _paths(kubeconfig, environ) if (text := _content(path))]
    if found:
        return namespace_of(found, context) or _DEFAULT
    return _content(service_account / "namespace").decode(errors="replace").strip() or _DEFAULT


def namespace_of(kubeconfigs: Iterable[bytes], context: str | None) -> str | None:
    """Give the namespace of a context, or of the current one: of each name, the first counts."""
    named: dict[str, _Context] = {}
    for text in kubeconfigs:
        try:
            config = msgspec.yaml.decode(text, type=_Kubeconfig | None) or _Kubeconfig()
        except msgspec.MsgspecError:
            continue
        context = context or config.current_context
        for each in config.contexts or []:
            named.setdefault(each.name, each.context or _Context())
    return named[context].namespace if context in named else None


def _paths(kubeconfig: str | None, environ: Mapping[str, str]) -> list[Path]:
    listed = [kubeconfig] if kubeconfig else environ.get("KUBECONFIG", "").split(os.pathsep)
    named = [each for each in listed if each] or ["~/.kube/config"]
    # Unlike Path.expanduser(), this one does not raise where there is no home.
    return [Path(os.path.expanduser(each)) for each in named]  # noqa: PTH111


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
