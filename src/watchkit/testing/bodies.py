"""What a real API server answers when it says no: word for word as Kubernetes 1.37.1 does.

Recorded from a kube-apiserver; `tests/unit/testing/recorded.py` keeps the recordings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from watchkit.testing.resources import Resource
from watchkit.testing.wire import JSON, Act, Finish, Head, Send

_TEXT: Final = {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
}


_STORED: Final = {
    "services": "services/specs",
    "endpoints": "services/endpoints",
    "nodes": "minions",
}
"""Where etcd has what it does not have under the plural."""


class Reply(msgspec.Struct, frozen=True, gc=False):
    """A whole answer: status, body, headers."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = msgspec.field(default_factory=lambda: JSON)

    @property
    def retry_after(self) -> float | None:
        """The Retry-After header in seconds, None where there is none."""
        said = self.headers.get("Retry-After")
        return None if said is None else float(said)

    def acts(self) -> list[Act]:
        """The same, act by act."""
        return [Head(self.status, self.headers), Send(self.body), Finish()]


class Refusal(Exception):
    """The server says no: raised where it is decided, answered at the edge."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status}: {reply.body.decode(errors='replace').strip()}")
        self.reply = reply


def status(  # the fields of a metav1.Status
    code: int,
    message: str,
    reason: str = "",
    *,
    details: Mapping[str, object] | None = None,
    metadata: Mapping[str, object] | None = None,
    headers: Mapping[str, str] = JSON,
) -> Reply:
    """A Failure as the server writes it: these keys, this order, one line."""
    said: dict[str, object] = {"kind": "Status", "apiVersion": "v1", "metadata": metadata or {}}
    said |= {"status": "Failure", "message": message}
    if reason:
        said["reason"] = reason
    if details is not None:
        said["details"] = details
    said["code"] = code
    return Reply(code, msgspec.json.encode(said) + b"\n", headers)


def text(code: int, message: str, *, retry_after: int | None = None) -> Reply:
    """What the filters in front of the API say: plain text, one line."""
    hint = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Reply(code, message.encode() + b"\n", {**_TEXT, **hint})


def error_event(reply: Reply) -> bytes:
    """The same Status as the last line of a watch that was answered 200."""
    return b'{"type":"ERROR","object":' + reply.body.rstrip(b"\n") + b"}\n"


def unauthorized() -> Reply:
    """A token that is not known."""
    return status(401, "Unauthorized", "Unauthorized")


def forbidden(
    resource: Resource,
    verb: str,
    namespace: str | None,
    user: str,
    *,
    name: str = "",
    part: str = "",
) -> Reply:
    """RBAC grants `user` no `verb` on the resource, one object of it, or a subresource of that."""
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    subject = f'{resource.name} "{name}"' if name else resource.name
    plural = f"{resource.plural}/{part}" if part else resource.plural
    message = (
        f'{subject} is forbidden: User "{user}" cannot {verb} resource'
        f' "{plural}" in API group "{resource.group}" {where}'
    )
    return status(
        403,
        message,
        "Forbidden",
        details=_details(resource, name),
        headers={**JSON, "X-Content-Type-Options": "nosniff"},
    )


def forbidden_path(verb: str, path: str, user: str) -> Reply:
    """RBAC grants `user` no `verb` on a path that is no resource."""
    message = f'forbidden: User "{user}" cannot {verb} path "{path}"'
    return status(403, message, "Forbidden", details={})


def not_found(resource: Resource, name: str) -> Reply:
    """No such object."""
    message = f'{resource.name} "{name}" not found'
    return status(404, message, "NotFound", details=_details(resource, name))


def not_served(*, group_known: bool) -> Reply:
    """No such resource: a Status where its group is served, plain text where not."""
    if not group_known:
        return text(404, "404 page not found")
    message = "the server could not find the requested resource"
    return status(404, message, "NotFound", details={})


def not_allowed() -> Reply:
    """A method that means nothing on a path."""
    message = "the server does not allow this method on the requested resource"
    return status(405, message, "MethodNotAllowed", details={})


def already_exists(resource: Resource, name: str, *, going: bool = False) -> Reply:
    """Created twice; `going`: the first one is being deleted."""
    message = f'{resource.name} "{name}" already exists'
    if going:
        message = f"object is being deleted: {message}"
    return status(409, message, "AlreadyExists", details=_details(resource, name))


def conflict(resource: Resource, name: str) -> Reply:
    """Another version than the one that the write names."""
    message = (
        f'Operation cannot be fulfilled on {resource.name} "{name}": the object has been'
        " modified; please apply your changes to the latest version and try again"
    )
    return status(409, message, "Conflict", details=_details(resource, name))


def other_uid(resource: Resource, key: str, named: str, uid: str) -> Reply:
    """A PUT that names the uid of another object (its key as etcd has it)."""
    where = _STORED.get(resource.name, resource.plural)
    if resource.custom:
        where = f"{resource.group}/{where}"
    message = (
        f'Operation cannot be fulfilled on {resource.name} "{key.rpartition("/")[2]}":'
        f" StorageError: invalid object, Code: 4, Key: /registry/{where}/{key}, ResourceVersion:"
        f" 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {named}, UID in"
        f" object meta: {uid}"
    )
    details = _details(resource, key.rpartition("/")[2])
    return status(409, message, "Conflict", details=details)


def unmet(resource: Resource, name: str, said: str, found: str, fate: str) -> Reply:
    """A precondition of a deletion that does not hold (named by kind, not by plural)."""
    group = resource.group if resource.custom else ""
    kind = f"{resource.kind}.{group}" if group else resource.kind
    message = (
        f'Operation cannot be fulfilled on {kind} "{name}": the {said} ({found}). The'
        f" object might have been {fate}"
    )
    details = {"name": name, **({"group": group} if group else {}), "kind": resource.kind}
    return status(409, message, "Conflict", details=details)


def no_such_uid(resource: Resource, name: str, uid: str) -> Reply:
    """An apply that names a uid where there is no object."""
    message = (
        f'Operation cannot be fulfilled on {resource.name} "{name}": uid mismatch: the provided'
        f" object specified uid {uid}, and no existing object was found"
    )
    return status(409, message, "Conflict", details=_details(resource, name))


def unversioned_update(resource: Resource, name: str) -> Reply:
    """A PUT without a version, where one has to be named."""
    said = "Invalid value: 0: must be specified for an update"
    cause = ("FieldValueInvalid", "metadata.resourceVersion", said)
    return invalid(resource.plural, name, cause, group=resource.group)


def immutable(resource: Resource, name: str, where: str, value: str | int) -> Reply:
    """A field that never changes."""
    shown = f'"{value}"' if isinstance(value, str) else value
    cause = ("FieldValueInvalid", where, f"Invalid value: {shown}: field is immutable")
    return invalid(resource.kind, name, *said_by(resource, cause), group=resource.group)


def other_name(name: str, wanted: str) -> Reply:
    """An object sent to the path of another one."""
    said = f"the name of the object ({name}) does not match the name on the URL ({wanted})"
    return bad_request(said)


def unnamed(wanted: str) -> Reply:
    """An object without a name, sent to the path of one."""
    said = f"the name of the object ({wanted} based on URL) was undeterminable"
    return bad_request(f"{said}: name must be provided")


def other_namespace() -> Reply:
    """An object sent to another namespace than its own."""
    return bad_request(
        "the namespace of the provided object does not match the namespace sent on the request"
    )


def undecodable(kind: str, api_version: str, why: str, *, wanted: str = "") -> Reply:
    """An object of another kind than is wanted, or with a value of another type than its field."""
    version, wanted = api_version.rpartition("/")[2], wanted or kind
    return bad_request(f'{kind} in version "{version}" cannot be handled as a {wanted}: {why}')


def no_kind(kind: object, api_version: object) -> str:
    """A body of another kind than the one that is read there."""
    scheme = 'in scheme "pkg/runtime/scheme.go:111"'
    return f'no kind "{kind}" is registered for version "{api_version}" {scheme}'


def unknown_format(known: Iterable[str]) -> Reply:
    """A body in a format that is not taken."""
    said = "the body of the request was in an unknown format - accepted media types include: "
    return status(415, said + ", ".join(known), "UnsupportedMediaType")


def bad_request(message: str) -> Reply:
    """A parameter or a body that makes no sense."""
    return status(400, message, "BadRequest")


def invalid(kind: str, name: str, *causes: tuple[str, str, str], group: str = "") -> Reply:
    """Values that validation refuses: each of `causes` is (reason, field, message)."""
    details: dict[str, object] = {"name": name} if name else {}
    details |= {"group": group} if group else {}
    listed = [{"reason": why, "message": message, "field": where} for why, where, message in causes]
    details |= {**({"kind": kind} if kind else {}), "causes": listed}
    subject = f"{kind}.{group}" if group else kind
    problems = [*dict.fromkeys(f"{where}: {message}" for _, where, message in causes)]
    said = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    return status(422, f'{subject} "{name}" is invalid: {said}', "Invalid", details=details)


def said_by(resource: Resource, cause: tuple[str, str, str]) -> list[tuple[str, str, str]]:
    """A cause that two validations find, where the object is a custom resource's."""
    return [cause, cause] if resource.custom else [cause]


def bad_number(said: str, why: str = "invalid syntax") -> Reply:
    """A numeric parameter that is none."""
    return bad_request(f"strconv.ParseInt: parsing {quoted(said)}: {why}")


def quoted(said: str) -> str:
    """A text in quotes, as Go writes one: as JSON does, but for rare characters."""
    return msgspec.json.encode(said).decode()


def expired_watch(version: int, compacted: int) -> Reply:
    """The start of a watch lies before what is kept (an ERROR event, not an HTTP status)."""
    return status(410, f"too old resource version: {version} ({compacted})", "Expired")


def expired_list() -> Reply:
    """An Exact list at a version that is no longer kept."""
    return status(410, "The resourceVersion for the provided list is too old.", "Expired")


def expired_continue(token: str) -> Reply:
    """The snapshot of a continue token is gone; `token` goes on inconsistently."""
    message = (
        "The provided continue parameter is too old to display a consistent list result."
        " You can start a new list without the continue parameter, or use the continue token"
        " in this response to retrieve the remainder of the results. Continuing with the"
        " provided token results in an inconsistent list - objects that were created, modified,"
        " or deleted between the time the first chunk was returned and now may show up in the"
        " list."
    )
    return status(410, message, "Expired", metadata={"continue": token})


def too_large(version: int, current: int) -> Reply:
    """A list at a version that the server has not reached."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return status(
        504,
        f"Timeout: Too large resource version: {version}, current: {current}",
        "Timeout",
        details={"causes": [cause], "retryAfterSeconds": 1},
        headers={**JSON, "Retry-After": "1"},
    )


def bad_version(version: str, *, watch: bool) -> Reply:
    """A resourceVersion that is no number; the server calls that its own fault on a watch."""
    said = f'Invalid value: "{version}": strconv.ParseUint: parsing "{version}": invalid syntax'
    if watch:
        return status(500, f"resourceVersion: {said}")
    return bad_request(f"invalid resource version: resourceVersion: {said}")


def too_many_requests(retry_after: int = 1) -> Reply:
    """Too much in flight, or priority and fairness."""
    message = "Too many requests, please try again later."
    return text(429, message, retry_after=retry_after)


def starting(retry_after: int | None = 5) -> Reply:
    """The server is up, its paths are not; with None, a hint is left out (the real one gives 5)."""
    message = (
        "the request has been made before all known HTTP paths have been installed,"
        " please try again"
    )
    if retry_after is None:
        return status(503, message, "ServiceUnavailable")
    details = {"retryAfterSeconds": retry_after}
    hint = {**JSON, "Retry-After": str(retry_after)}
    return status(503, message, "ServiceUnavailable", details=details, headers=hint)


def shutting_down() -> Reply:
    """The last seconds of a server with --shutdown-send-retry-after."""
    message = "The apiserver is shutting down, please try again later."
    return text(429, message, retry_after=5)


def etcd_said(message: str) -> Reply:
    """An error of etcd that the server passes on as it came: 500 without a reason.

    "etcdserver: request timed out", "etcdserver: leader changed",
    "rpc error: code = Unknown desc = raft proposal dropped", ...
    """
    return status(500, message)


def timed_out() -> Reply:
    """A read that etcd did not answer in time: a Status of sorts, without kind, as plain text."""
    said: dict[str, object] = {
        "metadata": {},
        "status": "Failure",
        "message": "Timeout: request did not complete within the allotted timeout",
        "reason": "Timeout",
        "details": {},
        "code": 504,
    }
    plain = {"Content-Type": "text/plain; charset=utf-8"}
    return Reply(504, msgspec.json.encode(said) + b"\n", plain)


def write_timed_out() -> Reply:
    """A write that etcd did not answer in time; it may have been done, or be done later."""
    message = "Timeout: request did not complete within requested timeout"
    return status(504, f"{message} - context deadline exceeded", "Timeout", details={})


def watch_timed_out() -> Reply:
    """What the ERROR event says of a watch whose beginning etcd never answered."""
    return status(500, "context deadline exceeded", "InternalError")


def initializing() -> Reply:
    """The cache in front of a resource is not there yet."""
    return status(
        429,
        "storage is (re)initializing",
        "TooManyRequests",
        details={"retryAfterSeconds": 1},
        headers={**JSON, "Retry-After": "1"},
    )


def deleted(resource: Resource, name: str, uid: str) -> Reply:
    """The one Status that says yes: an object is gone."""
    said: dict[str, object] = {"kind": "Status", "apiVersion": "v1", "metadata": {}}
    said |= {"status": "Success", "details": {**_details(resource, name), "uid": uid}}
    return Reply(200, msgspec.json.encode(said) + b"\n")


def _details(resource: Resource, name: str = "") -> dict[str, object]:
    details: dict[str, object] = {"name": name} if name else {}
    details |= {"group": resource.group} if resource.group else {}
    details["kind"] = resource.plural
    return details
