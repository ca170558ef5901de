"""How these tests look at metrics: as the text that a scrape gets, read back."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

Series = dict[str, float]


def scraped(registry: CollectorRegistry) -> Series:
    """Give all that a scrape shows: `name{label=value,...}`, the resource first, and its value."""
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        f"{sample.name}{{{_labels(sample.labels)}}}": sample.value
        for family in families
        for sample in family.samples
    }


def seen(registry: CollectorRegistry, name: str) -> Series:
    """Give the values of one metric that are not 0, by what tells them apart within pods."""
    begin = f"{name}{{resource=pods"
    return {
        series.removeprefix(begin).strip(",{}"): value
        for series, value in scraped(registry).items()
        if series.startswith(begin) and value
    }


def _labels(labels: Mapping[str, str]) -> str:
    names = sorted(labels, key=lambda name: (name != "resource", name))
    return ",".join(f"{name}={labels[name]}" for name in names)
