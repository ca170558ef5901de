"""What a request for objects is answered: each verb but watch, from the state. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec

from watchkit.testing import (
    apply,
    bodies,
    carried,
    options,
    patches,
    scaling,
    strict,
    tables,
    writes,
)
from watchkit.testing.bodies import Refusal, Reply
from watchkit.testing.deletes import Deletion
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.paging import list_page
from watchkit.testing.replica import Reading
from watchkit.testing.requests import ApiRequest, Verb
from watchkit.testing.resources import Resource
from watchkit.testing.reviews import reviewed
from watchkit.testing.state import State
from watchkit.testing.values import is_map, section
from watchkit.testing.writes import Author, Part


def answer(state: State, reading: Reading, request: ApiRequest, resource: Resource) -> Reply:
    """Do what is asked and say what came of it; `reading` is what reads see.

    Raises:
        Refusal: the server says no.

    """
    _check_dry_run(request)
    if request.subresource == "finalize" and request.verb != "update":
        said = "the server does not allow this method on the requested resource"
        raise Refusal(bodies.status(405, said, "MethodNotAllowed", details={}))
    if request.name is None and request.verb in {"get", "update", "patch"}:
        raise Refusal(bodies.bad_request("name must be provided"))
    if request.verb == "list":
        reply = _list(reading, request, resource)
    elif request.verb == "get":
        reply = _get(reading, request, resource)
    else:
        reply = _OPERATIONS[request.verb](state, request, resource)
    if reply.status < 300:  # noqa: PLR2004 - done, even if it can't be shown
        options.check_table(request)
    return reply


def _list(reading: Reading, request: ApiRequest, resource: Resource) -> Reply:
    return Reply(200, list_page(reading, request, resource).body(resource, request.view))


def _create(state: State, request: ApiRequest, resource: Resource) -> Reply:
    if resource.review:
        return Reply(201, msgspec.json.encode(reviewed(resource, request.body)) + b"\n")
    manifest = carried.object_of(request, resource)
    kept = state.create(resource, _placed(request, manifest), _author(request))
    return _shown(state.now(), request, kept, 201)


def _get(reading: Reading, request: ApiRequest, resource: Resource) -> Reply:
    version = request.query.get("resourceVersion", "")
    if version and not version.isdecimal():
        return bodies.bad_version(version, watch=True)
    asked = request.number("resourceVersion")
    if asked > reading.version:
        return bodies.too_large(asked, reading.version)
    kept = reading.log(resource).objects.get(_key(request, resource))
    if kept is None:
        return bodies.not_found(resource, request.name or "")
    return _shown(reading.now(), request, kept)


def _update(state: State, request: ApiRequest, resource: Resource) -> Reply:
    if request.subresource == "scale":
        manifest = _placed(request, carried.named(request, carried.scale_of(request, resource)))
        kept = state.find(resource, _key(request, resource))
        writes.check_uid(kept, manifest)
        wanted = scaling.scaled(kept, manifest)
        return _shown(state.now(), request, state.update(kept, wanted, _author(request)))
    manifest = _placed(request, carried.named(request, carried.object_of(request, resource)))
    key = _key(request, resource)
    if resource.upsert and not request.subresource and key not in state.log(resource).objects:
        kept = state.create(
            resource, carried.created_by_update(resource, key, manifest), _author(request)
        )
        return _shown(state.now(), request, kept, 201)
    kept = state.find(resource, key)
    writes.check_uid(kept, manifest)
    _check_version(kept, section(manifest, "metadata"))
    return _shown(state.now(), request, state.update(kept, manifest, _author(request)))


def _patch(state: State, request: ApiRequest, resource: Resource) -> Reply:
    patches.check_media(request.media, resource)
    if request.media == patches.APPLY:
        return _apply(state, request, resource)
    kept = state.find(resource, _key(request, resource))
    if request.subresource == "scale":
        wanted = scaling.patched(kept, request.media, request.body)
    else:
        wanted = patches.patched(kept, request.media, request.body)
        strict.check_patched(request, resource, wanted)
        patches.check_identity(kept, wanted)
    return _shown(state.now(), request, state.update(kept, wanted, _author(request)))


def _apply(state: State, request: ApiRequest, resource: Resource) -> Reply:
    applied = request.body if is_map(request.body) else {}
    metadata = section(applied, "metadata")
    scaled = request.subresource == "scale"
    typed = ("autoscaling/v1", "Scale") if scaled else (resource.api_version, resource.kind)
    if (applied.get("apiVersion"), applied.get("kind")) != typed:
        version = str(applied.get("apiVersion") or "")
        version = version if "/" in version or scaled else f"/{version}"
        said = f"invalid object type: {version}, Kind={applied.get('kind') or ''}"
        raise Refusal(bodies.bad_request(said))
    carried.check_typed(resource, applied)
    if metadata.get("managedFields"):
        raise Refusal(bodies.bad_request("metadata.managedFields must be nil"))
    key = _key(request, resource)
    before = state.log(resource).objects.get(key)
    if before is None:
        _check_new(request, resource, metadata)
    terms = apply.Terms(_author(request), bool(request.flag("force")), sent=applied)
    placed = _placed(request, {**applied, "metadata": metadata})
    kept = state.apply(resource, key, placed, terms)
    return _shown(state.now(), request, kept, 201 if before is None else 200)


def _check_new(request: ApiRequest, resource: Resource, metadata: Manifest) -> None:
    """What an apply has to say, and may not, where there is no object yet."""
    name = request.name or ""
    if request.subresource:
        raise Refusal(bodies.not_found(resource, name))
    if metadata.get("uid"):
        raise Refusal(bodies.no_such_uid(resource, name, str(metadata["uid"])))
    if not metadata.get("name"):
        raise Refusal(bodies.unnamed(name))
    if metadata["name"] != name:
        raise Refusal(bodies.other_name(str(metadata["name"]), name))


def _delete(state: State, request: ApiRequest, resource: Resource) -> Reply:
    asked = Deletion.of(request.body, request.query)
    kept = state.find(resource, _key(request, resource))
    gone = state.delete(kept, asked)
    still_there = state.log(resource).objects.get(kept.key)
    over = still_there is None or (asked.dry and asked.mark(kept, state.now()) is None)
    if over and not resource.shows_deleted:
        return bodies.deleted(resource, gone.name, gone.uid)
    return _shown(state.now(), request, gone)


def _delete_collection(state: State, request: ApiRequest, resource: Resource) -> Reply:
    page = list_page(state, _listing(request), resource)
    asked = Deletion.of(request.body, request.query)
    objects = state.log(resource).objects
    for listed in page.items:
        kept = objects.get(listed.key)
        if kept is not None:
            state.delete(kept, asked)
    return Reply(200, page.body(resource, request.view))


def _listing(request: ApiRequest) -> ApiRequest:
    """The list of what a DELETE of a collection is about: at its version, if it names one."""
    query = request.query
    if query.get("resourceVersion", "0") in {"", "0"} or "resourceVersionMatch" in query:
        return request
    return replace(request, query={**query, "resourceVersionMatch": "Exact"})


def _author(request: ApiRequest) -> Author:
    part: Part = "status" if request.subresource == "status" else "main"
    dry, scale = bool(request.query.get("dryRun")), request.subresource == "scale"
    return Author(request.manager, part, dry=dry, scale=scale)


def _key(request: ApiRequest, resource: Resource) -> str:
    return resource.key(request.namespace, request.name or "")


def _placed(request: ApiRequest, manifest: Manifest) -> Manifest:
    """In the namespace of the path, which is the object's where it names none."""
    metadata = section(manifest, "metadata")
    if metadata.get("namespace") not in {None, "", request.namespace}:
        raise Refusal(bodies.other_namespace())
    if request.namespace is None:
        return manifest
    return {**manifest, "metadata": {**metadata, "namespace": request.namespace}}


def _check_version(kept: Kept, metadata: Manifest) -> None:
    version = str(metadata.get("resourceVersion") or "")
    if not version and kept.resource.guarded:
        raise Refusal(bodies.unversioned_update(kept.resource, kept.name))
    carried.check_number(version)


def _check_dry_run(request: ApiRequest) -> None:
    said = request.query.get("dryRun", "All")
    if said != "All" and "delete" in request.verb:  # of other writes it was checked already
        text = f'Unsupported value: ["{said}"]: supported values: "All"'
        cause = ("FieldValueNotSupported", "dryRun", text)
        raise Refusal(bodies.invalid("DeleteOptions", "", cause, group="meta.k8s.io"))


def _shown(now: datetime, request: ApiRequest, kept: Kept, status: int = 200) -> Reply:
    if request.subresource == "scale":
        kept = Kept(tables.SCALE, scaling.scale_of(kept))
    return Reply(status, kept.written(request.view, now) + b"\n")


_OPERATIONS: Final[Mapping[Verb, Callable[[State, ApiRequest, Resource], Reply]]] = {
    "create": _create,
    "update": _update,
    "patch": _patch,
    "delete": _delete,
    "deletecollection": _delete_collection,
}
