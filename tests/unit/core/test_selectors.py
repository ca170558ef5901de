"""Label selectors: the API's grammar, what matches, and what is refused where."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.core.selectors import SelectorError, parse_labels

KEYS = st.sampled_from(["app", "tier", "k8s.io/name", "a-b_c.d", "in", "notin"])
VALUES = st.sampled_from(["web", "db", "v1.2_x-y", "7", "in", ""])
LABELS = st.dictionaries(KEYS, VALUES)


def matches(selector: str, labels: dict[str, str]) -> bool:
    """Whether these labels fulfil a selector."""
    return parse_labels(selector).matches(labels)


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ("", True),
        ("  ", True),
        ("app=web", True),
        ("app==web", True),
        (" app\t=\nweb ", True),
        ("app=db", False),
        ("app!=db", True),
        ("app!=web", False),
        ("tier!=front", True),
        ("app", True),
        ("tier", False),
        ("!tier", True),
        ("! tier", True),
        ("!app", False),
        ("app in (web,db)", True),
        ("app in(web)", True),
        ("app in ( db )", False),
        ("tier in (web)", False),
        ("app notin (db, cache)", True),
        ("app notin (web)", False),
        ("tier notin (web)", True),
        ("empty=", True),
        ("empty in (,x)", True),
        ("empty in (x,)", True),
        ("empty in ()", True),
        ("app in ()", False),
        ("app notin ()", True),
        ("app=", False),
        ("app=web,!tier,empty", True),
        ("app=web,tier", False),
        ("count>8", True),
        ("count > 9", False),
        ("count<10", True),
        ("count<9", False),
        ("count>-5", True),
        ("app>1", False),
        ("tier<1", False),
    ],
)
def test_the_grammar(selector: str, *, wanted: bool) -> None:
    """Each form of a requirement holds where the API says that it does."""
    assert matches(selector, {"app": "web", "empty": "", "count": "9"}) is wanted


@pytest.mark.parametrize(
    ("selector", "at", "problem"),
    [
        ("a====", 4, "found '==', expected: identifier"),
        ("=a", 1, "found '=', expected: !, identifier, or 'end of string'"),
        ("a=b c", 5, "found 'c', expected: ',' or 'end of string'"),
        ("a b", 3, "found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a (b)", 3, r"found '\(', expected: in, notin, =, ==, !=, gt, lt"),
        ("a in", 5, r"found '', expected: '\('"),
        ("a in b", 6, r"found 'b', expected: '\('"),
        ("a in (b", 8, r"found '', expected: ',' or '\)'"),
        ("a in (b c)", 9, r"found 'c', expected: ',' or '\)'"),
        ("a in (b=c)", 8, r"found '=', expected: ',' or '\)'"),
        ("a in (=)", 7, "found '=', expected: identifier"),
        ("a in (b;c)", 7, "found 'b;c', expected: a label value"),
        (",", 1, "found ',', expected: !, identifier"),
        ("!", 2, "found '', expected: identifier"),
        ("!a=b", 3, "found '=', expected: ',' or 'end of string'"),
        ("a,,b", 3, "found ',', expected: identifier after ','"),
        ("a,", 3, "found '', expected: identifier after ','"),
        ("a<b", 3, "found 'b', expected: an integer"),
        ("a>", 3, "found '', expected: identifier"),
        ("a=_b", 3, "found '_b', expected: a label value of at most 63"),
        (f"a={'b' * 64}", 3, "expected: a label value of at most 63"),
        (f"{'a' * 64}", 1, "expected: a label key of at most 63"),
        ("-a", 1, "expected: a label key"),
        ("a/b/c", 1, "prefix is no DNS subdomain"),
        ("/a", 1, "prefix is no DNS subdomain"),
        ("A.io/a", 1, "prefix is no DNS subdomain"),
        (f"{'a.' * 127}a/b", 1, "prefix is no DNS subdomain of at most 253"),
        ("a.io/", 1, "expected: a label key"),
    ],
)
def test_what_is_no_selector_is_refused_with_its_place(
    selector: str, at: int, problem: str
) -> None:
    """The error says what was found, what was expected, and at which character."""
    with pytest.raises(SelectorError, match=rf"at character {at}: .*{problem}"):
        parse_labels(selector)


@given(labels=LABELS, key=KEYS, value=VALUES)
def test_a_requirement_and_its_opposite_part_the_objects(
    labels: dict[str, str], key: str, value: str
) -> None:
    """Of = and !=, in and notin, key and !key exactly one holds."""
    assert matches(f"{key}={value}", labels) is (labels.get(key) == value)
    assert matches(f"{key}!={value}", labels) is not matches(f"{key}={value}", labels)
    if value:
        assert matches(f"{key} in ({value})", labels) is matches(f"{key}={value}", labels)
        opposite = matches(f"{key} notin ({value})", labels)
        assert opposite is not matches(f"{key} in ({value})", labels)
    assert matches(f"!{key}", labels) is not matches(key, labels)


@given(wanted=LABELS, labels=LABELS)
def test_a_mapping_is_a_set_of_equalities(wanted: dict[str, str], labels: dict[str, str]) -> None:
    """What a mapping selects is what its pairs select, joined by commas."""
    written = ",".join(f"{key}={value}" for key, value in wanted.items())

    assert parse_labels(wanted) == parse_labels(written)
    assert parse_labels(wanted).matches(labels) is (wanted.items() <= labels.items())


@pytest.mark.parametrize("selector", [{"a b": "c"}, {"a": "b,c"}])
def test_a_mapping_holds_labels_only(selector: dict[str, str]) -> None:
    """What would be read as more than one requirement is refused, not sent along."""
    with pytest.raises(ValueError, match="expected: a label"):
        parse_labels(selector)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but a SelectorError comes of text that is no selector."""
    with contextlib.suppress(SelectorError):
        parse_labels(text).matches({})
