"""What Hypothesis draws for the core: JSON, in the shapes and the spellings that servers send."""

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

numeric_versions = st.integers(1, 2**128).map(str)
opaque_versions = st.sampled_from(["abc", "007", "1-2", "-4", "+4", "1.0", "٣", "²", "0x1", ""])
lucks = st.floats(0, 1, exclude_max=True)
