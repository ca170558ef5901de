"""Errors that say what was done, to what, and with which of the caller's options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchkit.core import errors
from watchkit.core.options import described

if TYPE_CHECKING:
    from watchkit.core.options import ListOptions


def named(error: errors.WatchkitError, doing: str, options: ListOptions) -> errors.WatchkitError:
    """Give the same error, its text beginning with `doing` ("watch pods in shop").

    What is said of a frame, a page or a silence does not know where it came from; an error of
    the edge does, and stays as it is. A request that is wrong in itself is wrong because of
    the options: those are named too.
    """
    match error:
        case errors.InvalidRequest():
            chosen = described(options)
            doing = error.doing or doing
            return _done(error, f"{doing} with {chosen}" if chosen else doing)
        case errors.ApiError(doing=""):
            return _done(error, doing)
        case errors.TransportError() if not str(error).startswith(doing):
            return type(error)(f"{doing}: {error}", reached=error.reached)
        case errors.ProtocolError() if not str(error).startswith(doing):
            return type(error)(f"{doing}: {error}")
        case _:
            return error


def _done(error: errors.ApiError, doing: str) -> errors.ApiError:
    return type(error)(
        error.status, error.reason, error.message, error.retry_after, error.details, doing
    )
