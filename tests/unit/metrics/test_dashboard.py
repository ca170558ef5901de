"""docs/grafana-dashboard.json: what it asks for exists, and all that exists is asked for."""

import json
import re
from itertools import combinations
from typing import Any

import pytest

from tests.unit.metrics.documents import DOCS, documented, family_of, faults_of
from tests.unit.metrics.promql import query_of

DASHBOARD: dict[str, Any] = json.loads((DOCS / "grafana-dashboard.json").read_text("utf-8"))
PANELS: list[dict[str, Any]] = [each for each in DASHBOARD["panels"] if each["type"] != "row"]
VARIABLES: dict[str, dict[str, Any]] = {
    each["name"]: each for each in DASHBOARD["templating"]["list"]
}
QUERIES: list[str] = [target["expr"] for panel in PANELS for target in panel["targets"]]
OVER_TIME = re.compile(r"(?:rate|increase)\((\w+)(?:\{[^}]*\})?\[\$__rate_interval\]\)")


def test_it_can_be_imported_anywhere() -> None:
    """A schema that Grafana 12 has; no data source, folder or identity of somebody's own."""
    assert DASHBOARD["schemaVersion"] >= 41
    assert DASHBOARD["id"] is None
    assert (DASHBOARD["uid"], DASHBOARD["title"]) == ("watchkit", "watchkit")
    sources = [panel["datasource"] for panel in PANELS]
    sources += [target["datasource"] for panel in PANELS for target in panel["targets"]]
    sources += [each["datasource"] for each in VARIABLES.values() if each["type"] == "query"]
    wanted = {"type": "prometheus", "uid": "${datasource}"}
    assert sources == [wanted] * len(sources)


def test_each_query_asks_for_what_there_is() -> None:
    """No metric, label, value or function that does not exist."""
    assert {query: faults_of(query) for query in QUERIES} == {query: [] for query in QUERIES}


def test_each_metric_is_on_a_panel() -> None:
    """So that who looks at the dashboard has seen all."""
    shown = {family_of(metric) for query in QUERIES for metric in query_of(query).metrics}

    assert shown == {*documented()}


@pytest.mark.parametrize("query", QUERIES)
def test_what_only_grows_is_asked_for_as_a_rate(query: str) -> None:
    """Within the interval that Grafana chooses; and what goes up and down is not."""
    metrics = query_of(query).metrics
    counted = {each for each in metrics if documented()[family_of(each) or ""][0] != "gauge"}

    assert {*OVER_TIME.findall(query)} == counted
    assert query.count("[") == len(OVER_TIME.findall(query))


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_is_of_what_was_chosen(query: str) -> None:
    """Every series is narrowed by the namespace, and by the resource or the controller."""
    chosen = re.findall(r"\{namespace=~\"\$namespace\", (\w+)=~\"\$(\w+)\"\}", query)

    assert len(chosen) == query.count("{") > 0
    expected = {"resource": "resource", "controller": "controller", "name": "controller"}
    assert all(expected[label] == variable for label, variable in chosen)


def test_quantiles_keep_the_buckets_apart() -> None:
    """A quantile of a sum without `le` is a number, but none of the sort."""
    for query in QUERIES:
        assert ("histogram_quantile" in query) == ("_bucket" in query) == ("le)" in query)


def test_the_variables_can_be_chosen() -> None:
    """The data source, and namespaces, resources and controllers as they are scraped."""
    assert [*VARIABLES] == ["datasource", "namespace", "resource", "controller"]
    assert (VARIABLES["datasource"]["type"], VARIABLES["datasource"]["query"]) == (
        "datasource",
        "prometheus",
    )
    for name in ("namespace", "resource", "controller"):
        variable = VARIABLES[name]
        asked = variable["query"]["query"]
        found = re.fullmatch(r"label_values\((.*), (\w+)\)", asked)
        assert found is not None
        series, label = found.groups()
        assert faults_of(f"sum by ({label}) ({series})") == []
        assert variable["definition"] == asked
        # Without a label it still matches: a scrape may come without a namespace.
        assert (variable["multi"], variable["includeAll"], variable["allValue"]) == (
            True,
            True,
            ".*",
        )


def test_panels_stand_side_by_side() -> None:
    """Each with a title and an explanation of its own, none over another."""
    placed = [each["gridPos"] for each in DASHBOARD["panels"]]
    for one, other in combinations(placed, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above
    assert all(each["x"] + each["w"] <= 24 for each in placed)
    assert len({each["id"] for each in DASHBOARD["panels"]}) == len(placed)
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    assert all(
        panel["description"] and panel["fieldConfig"]["defaults"]["unit"] for panel in PANELS
    )


def test_each_line_says_what_it_is_of() -> None:
    """By labels that its query keeps."""
    for panel in PANELS:
        refs = [target["refId"] for target in panel["targets"]]
        assert len({*refs}) == len(refs)
        for target in panel["targets"]:
            named = re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])
            assert named
            assert {*named} <= query_of(target["expr"]).grouped
