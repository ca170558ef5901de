"""Scripts nobody thought of: writes, reads and watches in any order."""

from typing import Final

from hypothesis import strategies as st

from .script import (
    MAPS,
    SHOPS,
    Ask,
    Follow,
    Json,
    Script,
    Step,
    config_map,
    delete,
    get,
    patch,
    post,
    put,
    shop,
)

_LAST: Final = "zz"
_COLOURS: Final = (None, "red", "blue")
_SELECTORS: Final = ("", "colour=red", "colour!=red", "!colour", "colour in (red,blue)")
_PATHS: Final = {"maps": MAPS, "shops": SHOPS}


@st.composite
def _write(draw: st.DrawFn, path: str) -> Ask:
    """One write of one of three objects; versions named are current, old or none."""
    name = draw(st.sampled_from("abc"))
    colour, value = draw(st.sampled_from(_COLOURS)), draw(st.integers(0, 2))
    labels: Json = {"colour": colour} if colour else {}
    finalizers: Json = draw(st.sampled_from([[], [], ["x.io/a"]]))
    version = draw(st.sampled_from(["", "<list.metadata.resourceVersion>", f"<{name}.{_AT}>"]))

    def body(version: str = "") -> Json:
        if path == MAPS:
            made = config_map(name, str(value), version, labels=labels, finalizers=finalizers)
        else:
            made = shop(name, value, version, labels=labels, finalizers=finalizers)
        return made

    conditions: Json = {"preconditions": {"resourceVersion": version}} if version else None
    return draw(
        st.sampled_from(
            [
                post(path, body(), name),
                post(path, body(), name),
                put(f"{path}/{name}", body(version)),
                patch(f"{path}/{name}", {"metadata": {"labels": {"colour": colour}}}),
                patch(f"{path}/{name}", {"metadata": {"finalizers": finalizers}}),
                patch(f"{path}/{name}", {"data": {"k": str(value)}, "spec": {"size": value}})
                if path == SHOPS
                else patch(f"{path}/{name}", {"data": {"k": str(value)}}),
                delete(f"{path}/{name}", conditions),
                delete(path, labelSelector=draw(st.sampled_from(_SELECTORS))),
            ]
        )
    )


_AT: Final = "metadata.resourceVersion"


@st.composite
def _read(draw: st.DrawFn, path: str) -> Ask:
    selector = draw(st.sampled_from(_SELECTORS))
    query = {"labelSelector": selector} if selector else {}
    limit = draw(st.sampled_from(["", "1", "2"]))
    if limit:
        query["limit"] = limit
    how = draw(st.sampled_from(["list", "exact", "rest", "get"]))
    if how == "exact":
        query |= {"resourceVersion": f"<list.{_AT}>", "resourceVersionMatch": "Exact"}
    if how == "rest":
        query["continue"] = "<list.metadata.continue>"
    if how == "get":
        return get(f"{path}/{draw(st.sampled_from('abc'))}")
    return get(path, "list" if how == "list" else "", **query)


@st.composite
def _script(draw: st.DrawFn) -> Script:
    """A list, watches from there, writes and reads; each watch ends with an object it must see."""
    path = _PATHS[draw(st.sampled_from(sorted(_PATHS)))]
    before = draw(st.lists(_write(path), max_size=4))
    begins = [get(path, "list"), get(path, "first")]
    watches = [
        Follow(
            path,
            {
                "resourceVersion": f"<first.{_AT}>",
                "timeoutSeconds": "60",
                **({"labelSelector": selector} if selector else {}),
            },
            until=_LAST,
        )
        for selector in draw(st.lists(st.sampled_from(_SELECTORS), unique=True, max_size=2))
    ]
    after = draw(st.lists(st.one_of(_write(path), _write(path), _read(path)), max_size=10))
    steps: list[Step] = [*before, *begins, *watches, *after]
    make = config_map if path == MAPS else shop
    wanted = "red"
    ends: list[Step] = [post(path, make(_LAST, labels={"colour": wanted}))]
    for watch in watches:  # those that do not want red are ended by what has no colour
        if watch.query.get("labelSelector", "") in {"colour!=red", "!colour"}:
            ends = [post(path, make(_LAST)), patch(f"{path}/{_LAST}", _RED)]
    return Script("random", [*steps, *ends])


_RED: Final[Json] = {"metadata": {"labels": {"colour": "red"}}}

SCRIPTS: Final = _script()
