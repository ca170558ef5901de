"""The command line of a kube-apiserver that runs alone on loopback."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from . import audit
from .credentials import Authority, write_kubeconfig
from .ports import LOOPBACK

Flags: TypeAlias = Mapping[str, str | None]

# Why each is not left at its default:
_ALWAYS: Final = {
    "advertise-address": LOOPBACK,
    "bind-address": LOOPBACK,
    "authorization-mode": "RBAC",
    "disable-admission-plugins": "ServiceAccount",  # nobody would create the default accounts
    "endpoint-reconciler-type": "none",  # the default one refuses a loopback address
    "etcd-compaction-interval": "0",  # versions are forgotten when a test says so, not before
    "service-account-issuer": "https://kubernetes.default.svc",
    "service-cluster-ip-range": "10.0.0.0/24",
    # Without it a SIGTERM leaves every open watch silent for a minute, and the process alive.
    "shutdown-watch-termination-grace-period": "1s",
}


@dataclass(frozen=True)
class Identity:
    """The files that an API server keeps through all its restarts."""

    authority: Authority
    directory: Path
    admin_token: str
    flags: dict[str, str]


def new_identity(directory: Path) -> Identity:
    """Make keys, certificates and the administrator's token, and the flags that name them."""
    authority = Authority(directory)
    certificate, key = authority.server_certificate("apiserver", LOOPBACK)
    private, public = authority.signing_key("service-accounts")
    token = secrets.token_hex(16)
    tokens = directory / "tokens.csv"
    tokens.write_text(f"{token},admin,admin,system:masters\n")
    flags = {
        "cert-dir": str(directory),
        "client-ca-file": str(authority.ca_file),
        "service-account-key-file": str(public),
        "service-account-signing-key-file": str(private),
        "tls-cert-file": str(certificate),
        "tls-private-key-file": str(key),
        "token-auth-file": str(tokens),
    }
    return Identity(authority, directory, token, flags)


def audit_flags(directory: Path, log: Path) -> dict[str, str]:
    """Return the flags that make the server write each request's metadata to `log`."""
    policy = directory / "audit-policy.json"
    policy.write_text(json.dumps(audit.POLICY))
    return {"audit-policy-file": str(policy), "audit-log-path": str(log)}


def webhook_flags(directory: Path, url: str) -> dict[str, str]:
    """Return the flags that make the server ask `url` about tokens that it does not know."""
    config = write_kubeconfig(directory / "token-webhook.kubeconfig", url)
    return {
        "authentication-token-webhook-config-file": str(config),
        "authentication-token-webhook-cache-ttl": "0s",  # it would remember refusals too
        "authentication-token-webhook-version": "v1",
    }


def command_line(program: Path, *groups: Flags) -> list[str | Path]:
    """Join flags, later groups over earlier ones and None for "not given", to a command."""
    merged: dict[str, str | None] = {**_ALWAYS}
    for group in groups:
        merged.update({name.replace("_", "-"): value for name, value in group.items()})
    return [program, *(f"--{name}={value}" for name, value in merged.items() if value is not None)]
