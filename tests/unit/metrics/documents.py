"""What docs/metrics.md lists: metrics, their types, labels and values; what is wrong in a query."""

import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from tests.unit.metrics.promql import Matcher, query_of

DOCS = Path(__file__).parents[3] / "docs"
DOCUMENT = DOCS / "metrics.md"
METRIC = re.compile(
    r"^\| `(?P<name>\w+)` \| (?P<kind>counter|gauge|histogram) \| (?P<labels>.*?) \|"
)
VALUE = re.compile(r"^\| `(?P<label>\w+)` \| `(?P<value>\w+)` \|")
FUNCTIONS = {
    *("avg", "count", "max", "min", "sum", "topk"),
    *("histogram_quantile", "increase", "max_over_time", "min_over_time", "rate"),
}
TARGETS = {"job", "namespace", "pod"}
"""Labels that Prometheus adds to what it scrapes from a pod."""


@cache
def documented() -> dict[str, tuple[str, set[str]]]:
    """Give the type and the labels of each metric that the document lists."""
    rows = filter(None, map(METRIC.match, DOCUMENT.read_text(encoding="utf-8").splitlines()))
    return {row["name"]: (row["kind"], set(re.findall(r"`(\w+)`", row["labels"]))) for row in rows}


@cache
def values() -> dict[str, set[str]]:
    """Give the values of each label that the document lists."""
    found: dict[str, set[str]] = defaultdict(set)
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    for row in filter(None, map(VALUE.match, lines)):
        found[row["label"]].add(row["value"])
    return found


def family_of(series: str) -> str | None:
    """Give the metric that a series belongs to; None: it is of none that is listed."""
    if series in documented() and documented()[series][0] != "histogram":
        return series
    base = re.sub(r"_(bucket|sum|count)$", "", series)
    return base if base != series and documented().get(base, ("",))[0] == "histogram" else None


def labels_of(series: str) -> set[str]:
    """Give the labels that a series may be asked by."""
    family = family_of(series)
    own = documented()[family][1] if family is not None else set[str]()
    return own | TARGETS | ({"le"} if series.endswith("_bucket") else set())


def faults_of(text: str) -> list[str]:
    """Give what is wrong in a query: a name that there is not, a value that never comes."""
    query = query_of(text)
    found = [f"no metric {each}" for each in query.metrics if family_of(each) is None]
    found += [f"no function {each}" for each in query.functions - FUNCTIONS]
    known = set[str]().union(*map(labels_of, query.metrics))
    found += [f"no label {each}" for each in query.grouped - known]
    found += [fault for each in query.matchers for fault in _faults_of(each)]
    return found if query.metrics else ["it asks for nothing"]


def _faults_of(matcher: Matcher) -> list[str]:
    if matcher.label not in labels_of(matcher.metric):
        return [f"no label {matcher.label} of {matcher.metric}"]
    listed = values().get(matcher.label)
    if listed is None or "$" in matcher.value:
        return []
    return [f"no value {each}" for each in matcher.value.split("|") if each not in listed]
