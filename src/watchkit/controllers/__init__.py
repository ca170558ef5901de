"""What a controller needs around its informers: a work queue, and the loop that reconciles."""

from watchkit.controllers.controller import Controller
from watchkit.controllers.enqueueing import enqueue_mapped, enqueue_object, enqueue_owner
from watchkit.controllers.fencing import FencingToken, fencing_token
from watchkit.controllers.leader_election import LeaderElector
from watchkit.controllers.requests import Request, Result
from watchkit.controllers.work_queue import WorkQueue
from watchkit.core.limiters import (
    ItemExponential,
    ItemFastSlow,
    MaxOf,
    TokenBucket,
    WithMaxWait,
)

__all__ = [
    # controller
    "Controller",
    "Request",
    "Result",
    "enqueue_mapped",
    "enqueue_object",
    "enqueue_owner",
    # leader election
    "FencingToken",
    "LeaderElector",
    "fencing_token",
    # work queue
    "ItemExponential",
    "ItemFastSlow",
    "MaxOf",
    "TokenBucket",
    "WithMaxWait",
    "WorkQueue",
]
