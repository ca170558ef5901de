"""Plain values as YAML for people: keys in order, texts of many lines as such. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import yaml  # type: ignore[import-untyped] # kubernetes_asyncio needs it, and so has it installed

_WIDE: Final = 1_000_000
"""Columns: a long value is not folded, as kubectl folds none."""

_AMBIGUOUS: Final = re.compile(r"[-+]?\.?[0-9]|[yYnN]$")
"""Texts that PyYAML takes for texts, and other readers, the API server's among them, may take for
numbers (1e3, 0o14) or truths (y, n): these are quoted besides those that PyYAML quotes itself."""

# libyaml's is ten times as fast, where PyYAML was built with it.
_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):  # type: ignore[misc] # one of two classes of the same ways
    """Writes what the base does, and texts of many lines as blocks."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the base's signature
        """Write an equal part once more: anchors are for nobody to read."""
        return True


def as_text(dumper: Any, value: str) -> object:  # noqa: ANN401 - the base is chosen at run time
    """Write a text: one of many lines as a block, where YAML can, any other as short as it goes."""
    quoted = '"' if _AMBIGUOUS.match(value) else None
    style = "|" if "\n" in value else quoted
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, as_text)


def to_yaml(value: Mapping[str, object]) -> str:
    """Give the YAML of a mapping of plain values; it ends with a newline.

    Keys are sorted, as kubectl's are. What YAML reads as something else than a text is quoted.
    """
    dumped: str = yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=True,
        default_flow_style=False,
        allow_unicode=True,
        width=_WIDE,
    )
    return dumped
