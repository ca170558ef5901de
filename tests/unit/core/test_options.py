"""ListOptions: every field reaches the requests that it applies to, and only those (C6)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.core.options import (
    OPTION_NAMES,
    PAGE_SIZE,
    ListOptions,
    Query,
    described,
    list_query,
    stream_query,
    watch_query,
)

MANAGED = {
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

names = st.text(st.characters(codec="ascii", categories=["Lu", "Ll"]), min_size=1, max_size=8)
words = st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1, max_size=8)
extras = st.dictionaries(
    names.filter(lambda name: name not in MANAGED), words | st.integers() | st.booleans()
)
every_option = st.fixed_dictionaries(
    {},
    optional={
        "label_selector": words | st.dictionaries(names, names, min_size=1),
        "field_selector": words,
        "resource_version": st.integers(0, 2**64).map(str),
        "timeout_seconds": st.integers(1, 1000),
        "limit": st.integers(1, 1000),
        "allow_watch_bookmarks": st.booleans(),
        "shard_selector": words,
        "extra": extras,
    },
)


def spelled(value: object) -> str:
    """Spell a value as the API takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def everywhere(given_: dict[str, Any]) -> Query:
    """What each request has to carry, by the words of the design."""
    query = {name: spelled(value) for name, value in given_.get("extra", {}).items()}
    label = given_.get("label_selector")
    if isinstance(label, dict):
        label = ",".join(f"{key}={value}" for key, value in label.items())
    wanted = {
        "labelSelector": label,
        "fieldSelector": given_.get("field_selector"),
        "shardSelector": given_.get("shard_selector"),
    }
    return query | {name: value for name, value in wanted.items() if value}


@given(given_=every_option, limit=st.none() | st.integers(1, 10_000), token=st.none() | words)
def test_a_list_page_has_selectors_extra_limit_and_token(
    given_: dict[str, Any], limit: int | None, token: str | None
) -> None:
    """Nothing else: no version, no timeout, no bookmarks."""
    query = list_query(ListOptions(**given_), limit=limit, token=token)

    paging = {"limit": limit and str(limit), "continue": token}
    assert query == everywhere(given_) | {name: each for name, each in paging.items() if each}


@given(given_=every_option, version=words, timeout=st.integers(1, 1000))
def test_a_watch_has_selectors_extra_version_timeout_and_bookmarks(
    given_: dict[str, Any], version: str, timeout: int
) -> None:
    """Never a limit; the version is where it resumes, not where the caller's options began."""
    query = watch_query(ListOptions(**given_), version=version, timeout=timeout)

    assert query == everywhere(given_) | {
        "resourceVersion": version,
        "timeoutSeconds": str(timeout),
        "allowWatchBookmarks": spelled(given_.get("allow_watch_bookmarks", True)),
    }


@given(given_=every_option, timeout=st.integers(1, 1000))
def test_a_streaming_list_has_selectors_extra_timeout_and_what_makes_it_one(
    given_: dict[str, Any], timeout: int
) -> None:
    """No version: the newest state. Bookmarks always: one of them ends the initial events."""
    query = stream_query(ListOptions(**given_), timeout=timeout)

    assert query == everywhere(given_) | {
        "resourceVersionMatch": "NotOlderThan",
        "sendInitialEvents": "true",
        "timeoutSeconds": str(timeout),
        "allowWatchBookmarks": "true",
    }


def test_a_page_has_500_objects_where_nobody_says_otherwise() -> None:
    """The page size of client-go."""
    assert list_query(ListOptions()) == {"limit": "500"}
    assert PAGE_SIZE == 500


@given(given_=every_option)
def test_a_plain_mapping_serves_as_options(given_: dict[str, Any]) -> None:
    """The same names mean the same; options are taken as they are."""
    options = ListOptions.of(given_)

    assert options == ListOptions(**given_)
    assert ListOptions.of(options) is options
    assert hash(options) == hash(ListOptions(**given_))


def test_a_mapping_with_another_name_is_refused() -> None:
    """A typo is told, with all of the names that are none."""
    with pytest.raises(TypeError, match=r"not ListOptions: labelSelector, watch"):
        ListOptions.of({"labelSelector": "a=b", "watch": True, "limit": 5})


def test_options_have_the_names_of_kubernetes_asyncio() -> None:
    """Keyword arguments of a list method can be taken over as they are."""
    names_there = {
        "label_selector",
        "field_selector",
        "resource_version",
        "resource_version_match",
        "timeout_seconds",
        "limit",
        "allow_watch_bookmarks",
        "send_initial_events",
        "shard_selector",
        "extra",
    }
    assert names_there == OPTION_NAMES


@pytest.mark.parametrize("name", sorted(MANAGED))
def test_extra_may_not_name_what_watchkit_manages(name: str) -> None:
    """Two answers to one question would be one too many."""
    with pytest.raises(ValueError, match=f"manages {name} itself"):
        ListOptions(extra={"other": "1", name: "x"})


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (1, "1"), ("T", "T")]
)
def test_extra_values_are_spelled_as_the_api_does(value: str | int | bool, text: str) -> None:  # noqa: FBT001
    """A bool is true or false, never True or 1."""
    options = ListOptions(extra={"newParam": value})

    assert list_query(options)["newParam"] == text
    assert watch_query(options, version="1", timeout=1)["newParam"] == text
    assert stream_query(options, timeout=1)["newParam"] == text


def test_extra_is_the_options_own() -> None:
    """What the caller does to the dict later changes nothing."""
    extra = {"newParam": "x"}
    options = ListOptions(extra=extra)
    extra["watch"] = "true"

    assert options.extra == {"newParam": "x"}
    with pytest.raises(TypeError):
        options.extra["other"] = "y"  # type: ignore[index]


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ({"app": "web"}, "app=web"),
        ({"app": "web", "tier": "front"}, "app=web,tier=front"),
        ({"app": ""}, "app="),
        ("app in (web, db),!old", "app in (web, db),!old"),
    ],
)
def test_a_label_selector_may_be_a_mapping(selector: Any, text: str) -> None:  # noqa: ANN401
    """A mapping holds equalities, a string is sent as it is."""
    assert list_query(ListOptions(label_selector=selector))["labelSelector"] == text


def test_a_field_selector_of_a_mapping_is_escaped() -> None:
    """As EscapeValue of apimachinery does: a value may hold what separates."""
    options = ListOptions(field_selector={"metadata.name": "a,b", "spec.x": "c=d\\e"})

    assert list_query(options)["fieldSelector"] == r"metadata.name=a\,b,spec.x=c\=d\\e"


@pytest.mark.parametrize("nothing", ["", {}, None])
def test_an_empty_selector_is_not_sent(nothing: Any) -> None:  # noqa: ANN401
    """It selects everything, as none does."""
    options = ListOptions(label_selector=nothing, field_selector=nothing, shard_selector=None)

    assert list_query(options, limit=None) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"label_selector": ["app=web"]},
        {"label_selector": {"app": 1}},
        {"label_selector": {1: "web"}},
        {"field_selector": 5},
        {"resource_version": 0},
        {"resource_version": 5},
        {"resource_version_match": True},
        {"timeout_seconds": "5"},
        {"timeout_seconds": 5.5},
        {"timeout_seconds": True},
        {"limit": "5"},
        {"allow_watch_bookmarks": "true"},
        {"allow_watch_bookmarks": 1},
        {"send_initial_events": 0},
        {"shard_selector": {}},
        {"extra": {"newParam": None}},
        {"extra": {"newParam": ["x"]}},
    ],
)
def test_a_value_of_another_type_is_a_type_error(wrong: dict[str, Any]) -> None:
    """It names the option: a version 0 would otherwise not be the "0" that is refused."""
    (name,) = wrong

    with pytest.raises(TypeError, match=name):
        ListOptions(**wrong)
    with pytest.raises(TypeError, match=name):
        ListOptions.of(wrong)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"limit": 0}, "limit must be at least 1"),
        ({"limit": -1}, "limit must be at least 1"),
        ({"timeout_seconds": 0}, "timeout_seconds must be at least 1"),
        ({"resource_version": ""}, "leave it out"),
        ({"resource_version_match": "exact", "resource_version": "5"}, "Exact or NotOlderThan"),
        ({"resource_version_match": "Exact"}, "needs a resource_version"),
        ({"resource_version_match": "NotOlderThan"}, "needs a resource_version"),
        ({"resource_version_match": "Exact", "resource_version": "0"}, "not allowed"),
        ({"send_initial_events": True}, "needs resource_version_match='NotOlderThan'"),
        ({"send_initial_events": False}, "needs resource_version_match='NotOlderThan'"),
        (
            {"send_initial_events": True, "resource_version_match": "Exact"},
            "needs resource_version_match='NotOlderThan'",
        ),
    ],
)
def test_what_the_api_refuses_is_refused_at_construction(wrong: dict[str, Any], why: str) -> None:
    """The rules of ValidateListOptions in apimachinery, before any request."""
    with pytest.raises(ValueError, match=why):
        ListOptions(**wrong)


@pytest.mark.parametrize(
    "right",
    [
        {"resource_version_match": "Exact", "resource_version": "5"},
        {"resource_version_match": "NotOlderThan", "resource_version": "0"},
        {"resource_version_match": "NotOlderThan", "send_initial_events": True},
        {
            "resource_version_match": "NotOlderThan",
            "send_initial_events": True,
            "resource_version": "5",
        },
        {"limit": 1, "timeout_seconds": 1},
    ],
)
def test_what_the_api_allows_is_allowed(right: dict[str, Any]) -> None:
    """The same rules, from the other side."""
    options = ListOptions(**right)

    assert {name: getattr(options, name) for name in right} == right


def test_what_the_caller_chose_is_told_as_python_spells_it() -> None:
    """In an error, only what was chosen helps; False is a choice, too."""
    options = ListOptions(
        label_selector={"app": "web"}, limit=7, allow_watch_bookmarks=False, extra={"a": 1}
    )

    assert described(options) == (
        "label_selector='app=web', limit=7, allow_watch_bookmarks=False, extra={'a': 1}"
    )
    assert described(ListOptions()) == ""
