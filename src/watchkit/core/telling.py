"""Says an error in one line that is fit for a log: never a body, a header or a token."""

from __future__ import annotations

from watchkit.core.classify import as_ours
from watchkit.core.errors import WatchkitError


def told(error: BaseException) -> str:
    """Say what an error means; of a foreign one that means nothing here, its class alone.

    The text of a foreign error may hold anything: kubernetes_asyncio's holds the whole body.
    """
    ours = as_ours(error)
    return str(ours) if isinstance(ours, WatchkitError) else type(error).__name__
