"""Answers that are errors, as a real API server gave them, and what else comes over a wire."""

import json

from watchkit.core import errors
from watchkit.core.classify import Verdict

RETRY, RELIST, FATAL = Verdict.RETRY, Verdict.RELIST, Verdict.FATAL


def status(message: str, reason: str = "", code: int = 0, **more: object) -> bytes:
    """Write a Status as the API server does: an empty reason is left out."""
    said = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    said |= {"message": message} | ({"reason": reason} if reason else {})
    return json.dumps(said | more | ({"code": code} if code else {})).encode()


TOO_LARGE = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large"}]}
KINDLESS = (
    b'{"metadata":{},"status":"Failure","message":"Timeout: request did not complete within the '
    b'allotted timeout","reason":"Timeout","details":{},"code":504}\n'
)
PROTOBUF = (
    b"k8s\x00\n\x0c\n\x02v1\x12\x06Status\x12\x99\x01\n\x06\n\x00\x12\x00\x1a\x00\x12\x07Failure"
)

RECORDED: dict[str, tuple[int, bytes, type[errors.ApiError], Verdict]] = {
    "401": (401, status("Unauthorized", "Unauthorized", 401), errors.Unauthorized, FATAL),
    "403": (
        403,
        status('configmaps is forbidden: User "nobody" cannot watch', "Forbidden", 403),
        errors.Forbidden,
        FATAL,
    ),
    "404 object": (404, status('"nope" not found', "NotFound", 404), errors.NotFound, FATAL),
    "404 group, in text": (404, b"404 page not found\n", errors.NotFound, FATAL),
    "409 exists": (
        409,
        status('"c1" already exists', "AlreadyExists", 409),
        errors.AlreadyExists,
        FATAL,
    ),
    "409 conflict": (
        409,
        status("the object has been modified", "Conflict", 409),
        errors.Conflict,
        FATAL,
    ),
    "410 list": (
        410,
        status("The resourceVersion for the provided list is too old.", "Expired", 410),
        errors.ResourceExpired,
        RELIST,
    ),
    "410 page": (
        410,
        status("too old", "Expired", 410, metadata={"continue": "eyJ2IjoibWV0YSJ9"}),
        errors.ResourceExpired,
        RELIST,
    ),
    "422": (422, status('"UPPER" is invalid', "Invalid", 422), errors.InvalidRequest, FATAL),
    "400": (400, status("invalid version", "BadRequest", 400), errors.InvalidRequest, FATAL),
    "406": (
        406,
        status("406: Not Acceptable\n\nAvailable", "NotAcceptable", 406),
        errors.InvalidRequest,
        FATAL,
    ),
    "406 in YAML": (
        406,
        b"apiVersion: v1\ncode: 406\nkind: Status\nreason: NotAcceptable\n",
        errors.InvalidRequest,
        FATAL,
    ),
    "406 in protobuf": (406, PROTOBUF, errors.InvalidRequest, FATAL),
    "429 in text": (
        429,
        b"Too many requests, please try again later.\n",
        errors.TooManyRequests,
        RETRY,
    ),
    "429 at shutdown": (
        429,
        b"The apiserver is shutting down, please try again later.\n",
        errors.TooManyRequests,
        RETRY,
    ),
    "429 initializing": (
        429,
        status("storage is (re)initializing", "TooManyRequests", 429),
        errors.TooManyRequests,
        RETRY,
    ),
    "500 without reason": (
        500,
        status("resourceVersion: Invalid value", "", 500),
        errors.ServerUnavailable,
        RETRY,
    ),
    "500 webhook": (
        500,
        status("error resolving resource", "InternalError", 500),
        errors.ServerUnavailable,
        RETRY,
    ),
    "etcd timeout": (
        500,
        status("etcdserver: request timed out", "", 500),
        errors.ServerUnavailable,
        RETRY,
    ),
    "etcd timeout, leader": (
        500,
        status("etcdserver: request timed out, possibly due to previous leader failure", "", 500),
        errors.ServerUnavailable,
        RETRY,
    ),
    "etcd unavailable": (
        500,
        status("rpc error: code = Unavailable desc = keepalive ping failed", "", 500),
        errors.ServerUnavailable,
        RETRY,
    ),
    "etcd dropped": (
        500,
        status("rpc error: code = Unknown desc = raft proposal dropped", "", 500),
        errors.ServerUnavailable,
        RETRY,
    ),
    "504 too large": (
        504,
        status("Timeout: Too large resource version: 9, current: 5", "Timeout", 504),
        errors.ServerUnavailable,
        RETRY,
    ),
    "504 without kind": (504, KINDLESS, errors.ServerUnavailable, RETRY),
    "502 of a proxy": (502, b"<html>Bad Gateway</html>", errors.ServerUnavailable, RETRY),
    "503 without body": (503, b"", errors.ServerUnavailable, RETRY),
    "200 and a Status": (200, status("boom", "InternalError"), errors.ServerUnavailable, RETRY),
    "204": (204, b"", errors.ServerUnavailable, RETRY),
    "302": (302, b"<a href=x>", errors.Redirected, FATAL),
    "405": (405, b"", errors.InvalidRequest, FATAL),
    "408": (408, b"", errors.ServerUnavailable, RETRY),
    "415": (415, b"", errors.InvalidRequest, FATAL),
    "418": (418, b"", errors.InvalidRequest, FATAL),
    "599": (599, b"", errors.ServerUnavailable, RETRY),
}
