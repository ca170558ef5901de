"""Plain values as YAML for people: keys in order, texts of many lines as such. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml  # type: ignore[import-untyped] # kubernetes_asyncio needs it, and so has it installed

_WIDE: Final = 1_000_000
"""Columns: a long value is not folded, as kubectl folds none."""

# libyaml's is ten times as fast, where PyYAML was built with it.
_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):  # type: ignore[misc] # one of two classes of the same ways
    """Writes what the base does, and texts of many lines as blocks."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the base's signature
        """Write an equal part once more: anchors are for nobody to read."""
        return True


def as_text(dumper: Any, value: str) -> object:  # noqa: ANN401 - the base is chosen at run time
    """Write a text: one of many lines as a block, where YAML can, any other as short as it goes."""
    style = "|" if "\n" in value else None
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
