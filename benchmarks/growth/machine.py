"""What a run was made on: believe its figures accordingly."""

import contextlib
import importlib.metadata
import os
from typing import Final

_PACKAGES: Final = ("watchkit", "aiohttp", "msgspec", "kubernetes_asyncio", "anyio", "uvloop")


def versions() -> dict[str, str]:
    """Give the versions of what matters, as far as it is installed."""
    found: dict[str, str] = {}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def load() -> list[float]:
    """Give the load of the machine, as the system says it: figures of a busy one are worse."""
    return [round(each, 2) for each in os.getloadavg()]
