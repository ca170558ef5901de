"""ListOptions, and the one place where they become the query of a list page or a watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Final, TypeAlias, cast

Selector: TypeAlias = str | Mapping[str, str]
Query: TypeAlias = dict[str, str]

PAGE_SIZE: Final = 500
"""Objects asked for per list page where the caller names no limit; client-go's page size."""

_MANAGED: Final = frozenset(
    {
        "allowWatchBookmarks",
        "continue",
        "fieldSelector",
        "labelSelector",
        "limit",
        "resourceVersion",
        "resourceVersionMatch",
        "sendInitialEvents",
        "shardSelector",
        "timeoutSeconds",
        "watch",
    }
)
_MATCHES: Final = ("Exact", "NotOlderThan")


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What to list and watch: the API's ListOptions under kubernetes_asyncio's names.

    All optional. A selector is a string as the API takes it, or a mapping of equalities.
    `extra` holds parameters that this version does not know, under the API's own names.
    Selectors and `extra` go on every request; `limit` is the page size of lists and never goes
    on a watch; `timeout_seconds` and `allow_watch_bookmarks` go on every watch;
    `resource_version` on the first watch only.

    Raises:
        ValueError: a value that the API refuses, or an `extra` that watchkit manages itself.
        TypeError: a value of another type, such as a number for a version.

    """

    label_selector: Selector | None = None
    field_selector: Selector | None = None
    resource_version: str | None = None
    resource_version_match: str | None = None
    timeout_seconds: int | None = None
    limit: int | None = None
    allow_watch_bookmarks: bool | None = None
    send_initial_events: bool | None = None
    shard_selector: str | None = None
    extra: Mapping[str, str | int | bool] = field(
        default_factory=dict[str, str | int | bool], hash=False
    )

    def __post_init__(self) -> None:
        for name in ("label_selector", "field_selector"):
            object.__setattr__(self, name, _selector(name, getattr(self, name)))
        object.__setattr__(self, "extra", MappingProxyType(dict(self.extra)))
        for name, kind in _TYPES.items():
            _check_type(name, getattr(self, name), kind)
        _check_extra(self.extra)
        _check_numbers(self)
        _check_match(self)

    @classmethod
    def of(cls, options: ListOptions | Mapping[str, object]) -> ListOptions:
        """Options as they are, or made from a plain mapping of the same names.

        Raises:
            TypeError: the mapping holds a name that is no option.

        """
        if isinstance(options, ListOptions):
            return options
        unknown = sorted(set(options) - OPTION_NAMES)
        if unknown:
            msg = f"not ListOptions: {', '.join(unknown)} (put unknown parameters into extra)"
            raise TypeError(msg)
        return cls(**options)  # type: ignore[arg-type]  # __post_init__ checks the values


_TYPES: Final[dict[str, type]] = {
    "resource_version": str,
    "resource_version_match": str,
    "timeout_seconds": int,
    "limit": int,
    "allow_watch_bookmarks": bool,
    "send_initial_events": bool,
    "shard_selector": str,
}

OPTION_NAMES: Final = frozenset(each.name for each in fields(ListOptions))


def list_query(
    options: ListOptions, *, limit: int | None = PAGE_SIZE, token: str | None = None
) -> Query:
    """The query of one list page: no version ever (the answer is current), `limit=None` unpaged.

    `token` is the continue token of the page before. Versions and continue tokens exclude each
    other (400), which is one more reason to send none.
    """
    query = _everywhere(options)
    if limit is not None:
        query["limit"] = str(limit)
    if token:
        query["continue"] = token
    return query


def watch_query(
    options: ListOptions, *, version: str, timeout: int, bookmarks: bool = True
) -> Query:
    """The query of one watch that resumes strictly after `version`, for `timeout` seconds.

    `bookmarks` asks for them where the options do not say.
    """
    query = _everywhere(options)
    query["resourceVersion"] = version
    query["timeoutSeconds"] = str(timeout)
    if options.allow_watch_bookmarks is not None:
        query["allowWatchBookmarks"] = _text(options.allow_watch_bookmarks)
    elif bookmarks:
        query["allowWatchBookmarks"] = "true"
    return query


def stream_query(options: ListOptions, *, timeout: int) -> Query:
    """The query of a watch that begins with the current objects (KEP-3157, sendInitialEvents).

    Bookmarks are always asked for: the end of the initial events is marked by one.
    """
    query = _everywhere(options)
    query["resourceVersionMatch"] = "NotOlderThan"
    query["sendInitialEvents"] = "true"
    query["timeoutSeconds"] = str(timeout)
    query["allowWatchBookmarks"] = "true"
    return query


def described(options: ListOptions) -> str:
    """The options that the caller chose, as Python spells them: `limit=7, label_selector='a=b'`."""
    chosen = {each.name: getattr(options, each.name) for each in fields(options)}
    chosen["extra"] = dict(options.extra) or None
    return ", ".join(f"{name}={value!r}" for name, value in chosen.items() if value is not None)


def _everywhere(options: ListOptions) -> Query:
    query = {name: _text(value) for name, value in options.extra.items()}
    if options.label_selector:
        query["labelSelector"] = str(options.label_selector)
    if options.field_selector:
        query["fieldSelector"] = str(options.field_selector)
    if options.shard_selector:
        query["shardSelector"] = options.shard_selector
    return query


def _text(value: str | int | bool) -> str:  # noqa: FBT001 - a value, not a switch
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _selector(name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        msg = f"{name} must be a string or a mapping, not {type(value).__name__}"
        raise TypeError(msg)
    pairs: list[str] = []
    for key, wanted in cast("Mapping[object, object]", value).items():
        if not isinstance(key, str) or not isinstance(wanted, str):
            msg = f"{name}: a mapping holds equalities of strings, not {key!r}: {wanted!r}"
            raise TypeError(msg)
        pairs.append(f"{key}={_escaped(wanted) if name == 'field_selector' else wanted}")
    return ",".join(pairs)


def _escaped(value: str) -> str:
    r"""Escape as `fields.EscapeValue` in apimachinery does: `\`, `,` and `=`."""
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")


def _check_type(name: str, value: object, kind: type) -> None:
    """Refuse what would reach the server in another spelling, or be compared as what it is not."""
    is_right = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
    if value is not None and not is_right:
        msg = f"{name} must be {kind.__name__}, not {type(value).__name__}"
        raise TypeError(msg)


def _check_extra(extra: Mapping[str, str | int | bool]) -> None:
    managed = sorted(_MANAGED.intersection(extra))
    if managed:
        msg = f"extra: watchkit manages {', '.join(managed)} itself; use the option of that name"
        raise ValueError(msg)
    for name, value in cast("Mapping[str, object]", extra).items():
        if not isinstance(value, str | int):
            msg = f"extra: {name} must be str, int or bool, not {type(value).__name__}"
            raise TypeError(msg)


def _check_numbers(options: ListOptions) -> None:
    if options.limit is not None and options.limit < 1:
        msg = f"limit must be at least 1 object a page, not {options.limit}"
        raise ValueError(msg)
    if options.timeout_seconds is not None and options.timeout_seconds < 1:
        msg = f"timeout_seconds must be at least 1, not {options.timeout_seconds}"
        raise ValueError(msg)
    if options.resource_version == "":
        msg = 'resource_version is "": leave it out to begin now'
        raise ValueError(msg)


def _check_match(options: ListOptions) -> None:
    """The API's own rules (ValidateListOptions in apimachinery)."""
    match = options.resource_version_match
    if match is not None and match not in _MATCHES:
        msg = f"resource_version_match must be Exact or NotOlderThan, not {match!r}"
        raise ValueError(msg)
    if options.send_initial_events is not None and match != "NotOlderThan":
        msg = "send_initial_events needs resource_version_match='NotOlderThan'"
        raise ValueError(msg)
    if match is None or options.send_initial_events is not None:
        return
    if options.resource_version is None:
        msg = "resource_version_match needs a resource_version (or send_initial_events)"
        raise ValueError(msg)
    if match == "Exact" and options.resource_version == "0":
        msg = "resource_version_match='Exact' is not allowed for resource_version '0'"
        raise ValueError(msg)
