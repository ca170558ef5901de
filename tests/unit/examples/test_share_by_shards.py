"""The ranges of examples/share_by_shards.py."""

import re

from hypothesis import given
from hypothesis import strategies as st

from examples.share_by_shards import selector


def bounds(shard: int, of: int) -> tuple[int, int]:
    """Give the range that a selector names."""
    found = re.fullmatch(
        r"shardRange\(object\.metadata\.uid, '0x([0-9a-f]{16})', '0x([0-9a-f]{16,17})'\)",
        selector(shard, of),
    )
    assert found is not None
    return int(found[1], 16), int(found[2], 16)


@given(st.integers(1, 1000))
def test_shards_have_neither_gap_nor_overlap(of: int) -> None:
    """Each begins where the one before ends; together they are all hashes, in like parts."""
    parts = [bounds(shard, of) for shard in range(of)]

    assert (parts[0][0], parts[-1][1]) == (0, 2**64)
    assert [end for _, end in parts[:-1]] == [start for start, _ in parts[1:]]
    sizes = {end - start for start, end in parts}
    assert max(sizes) - min(sizes) <= 1
