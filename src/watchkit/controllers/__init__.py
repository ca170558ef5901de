"""What a controller needs around its informers: a work queue, and the loop that reconciles."""

from watchkit.controllers.work_queue import WorkQueue
from watchkit.core.limiters import (
    ItemExponential,
    ItemFastSlow,
    MaxOf,
    TokenBucket,
    WithMaxWait,
)

__all__ = [
    # work queue
    "ItemExponential",
    "ItemFastSlow",
    "MaxOf",
    "TokenBucket",
    "WithMaxWait",
    "WorkQueue",
]
