"""What a controller needs around its informers: a work queue, and the loop that reconciles."""

from watchkit.controllers.controller import Controller
from watchkit.controllers.enqueueing import enqueue_mapped, enqueue_object, enqueue_owner
from watchkit.controllers.event_recorder import EventRecorder
from watchkit.controllers.fencing import FencingToken, fencing_token
from watchkit.controllers.finalizers import ensure_finalizer, remove_finalizer
from watchkit.controllers.health_server import HealthServer
from watchkit.controllers.leader_election import LeaderElector
from watchkit.controllers.predicates import (
    annotations_changed,
    generation_changed,
    labels_changed,
)
from watchkit.controllers.requests import Request, Result
from watchkit.controllers.work_queue import WorkQueue
from watchkit.core.conditions import set_condition
from watchkit.core.limiters import (
    ItemExponential,
    ItemFastSlow,
    MaxOf,
    TokenBucket,
    WithMaxWait,
)
from watchkit.core.owners import owner_reference

__all__ = [
    # controller
    "Controller",
    "HealthServer",
    "Request",
    "Result",
    "enqueue_mapped",
    "enqueue_object",
    "enqueue_owner",
    # what a reconciler writes
    "EventRecorder",
    "ensure_finalizer",
    "owner_reference",
    "remove_finalizer",
    "set_condition",
    # predicates
    "annotations_changed",
    "generation_changed",
    "labels_changed",
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
