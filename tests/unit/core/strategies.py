"""What Hypothesis draws for the core: JSON, in the shapes and the spellings that servers send."""

import json
from random import Random

from hypothesis import strategies as st

texts = st.text(st.characters(codec="utf-8"), max_size=12)
"""Any text that UTF-8 can hold, U+0085, U+2028 and emoji among it; no lone surrogates."""

numbers = st.integers(-(2**80), 2**80) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts


def _nested(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)


values: st.SearchStrategy[object] = st.recursive(scalars, _nested, max_leaves=12)
_taken = {"metadata", "kind", "apiVersion", "name", "namespace", "uid", "version"}
sections = st.dictionaries(
    texts.filter(lambda name: name not in _taken), values, max_size=5
) | st.fixed_dictionaries({}, optional={"spec": values, "status": values, "data": values})
"""What an object has beside its kind and metadata (the rest of `_taken` names these here)."""

_TYPED = frozenset({"metadata", "kind", "apiVersion"})


def spelt(value: object, luck: Random, *, twins: bool = True) -> str:
    r"""Write an object as nobody does: with spaces, escapes, `\/`, E-notation, -0, `twins`.

    Those are names that come twice, with null first, where that may be.
    """
    match value:
        case dict():
            members = [
                _member(str(name), each, luck, twins=twins and name not in _TYPED)
                for name, each in value.items()
            ]
            return _spaced("{" + ",".join(members) + "}", luck)
        case list():
            return _spaced(
                "[" + ",".join(spelt(each, luck, twins=twins) for each in value) + "]", luck
            )
        case str():
            return _spaced(_text(value, luck), luck)
        case float():
            plain = json.dumps(value)
            return _spaced(luck.choice([plain, f"{value:.17E}", f"{value:.17e}", "-0"]), luck)
        case _:
            return _spaced(json.dumps(value), luck)


def _member(name: str, value: object, luck: Random, *, twins: bool) -> str:
    begin = _spaced(_text(name, luck), luck) + ":"
    member = begin + spelt(value, luck, twins=twins)
    return f"{begin}null,{member}" if twins and luck.random() < 0.1 else member


def _space(luck: Random) -> str:
    return luck.choice(["", "", " ", "\t", "\r\n"])


def _spaced(text: str, luck: Random) -> str:
    return _space(luck) + text + _space(luck)


def _text(text: str, luck: Random) -> str:
    """Escape some characters that need it not."""
    return f'"{"".join(_escaped(each, luck) for each in text)}"'


def _escaped(one: str, luck: Random) -> str:
    if luck.random() < 0.2:
        return "\\/" if one == "/" else _code(one)
    return json.dumps(one, ensure_ascii=False)[1:-1]


def _code(one: str) -> str:
    return "".join(f"\\u{int.from_bytes(unit):04X}" for unit in _units(one))


def _units(one: str) -> list[bytes]:
    wide = one.encode("utf-16-be")
    return [wide[at : at + 2] for at in range(0, len(wide), 2)]


numeric_versions = st.integers(1, 2**128).map(str)
opaque_versions = st.sampled_from(["abc", "007", "1-2", "-4", "+4", "1.0", "٣", "²", "0x1", ""])
lucks = st.floats(0, 1, exclude_max=True)
