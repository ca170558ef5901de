"""Says what becomes of a client's credentials and certificates as structlog events."""

from __future__ import annotations

import structlog


def _log() -> structlog.typing.FilteringBoundLogger:
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger("watchkit")
    return log


def certificates_renewed(cluster: str) -> None:
    """Say that connections made from now on use other certificates."""
    _log().info("certificates.renewed", cluster=cluster)


def certificates_unusable(cluster: str, cause: str) -> None:
    """Say that certificates have changed to what cannot be used; the old ones stay."""
    _log().warning("certificates.unusable", cluster=cluster, cause=cause)


def credentials_rejected(cluster: str, *, renewed: bool) -> None:
    """Say that the server answered 401, and whether others are to be had at once."""
    _log().info("credentials.rejected", cluster=cluster, renewed=renewed)


def credentials_failed(source: str, cause: str) -> None:
    """Say that credentials could not be had."""
    _log().warning("credentials.failed", source=source, cause=cause)
