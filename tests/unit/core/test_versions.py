"""Versions: a total order on the numeric ones, and never a guess about the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.strategies import numeric_versions, opaque_versions
from watchkit.core.versions import is_at_or_before, is_before, is_numeric, is_usable, latest


@given(first=st.integers(1, 2**130), second=st.integers(1, 2**130))
def test_numeric_versions_are_ordered_as_numbers(first: int, second: int) -> None:
    """Decimal integers of any length compare by value (KEP-5504)."""
    assert is_before(str(first), str(second)) == (first < second)
    assert is_at_or_before(str(first), str(second)) == (first <= second)


@given(opaque=opaque_versions, other=opaque_versions | numeric_versions)
def test_opaque_versions_are_never_ordered(opaque: str, other: str) -> None:
    """What is no plain decimal integer is neither before, nor at, nor after anything."""
    assert not is_numeric(opaque)
    assert not is_before(opaque, other)
    assert not is_before(other, opaque)
    assert not is_at_or_before(opaque, other)
    assert not is_at_or_before(other, opaque)
    assert not is_at_or_before(opaque, opaque)


@pytest.mark.fault("F40")
@pytest.mark.parametrize("version", ["", "0"])
def test_versions_that_mean_any_are_no_place_to_resume_from(version: str) -> None:
    """Empty and zero ask for any state; nothing can be strictly after them."""
    assert not is_usable(version)


@given(numeric_versions | opaque_versions.filter(bool))
def test_every_other_version_is_a_place_to_resume_from(version: str) -> None:
    """An opaque version is as good a place as a numeric one."""
    assert is_usable(version)


@pytest.mark.fault("F49")
@given(version=numeric_versions, other=numeric_versions)
def test_a_position_never_goes_back(version: str, other: str) -> None:
    """The latest of two numeric positions is the higher one, whichever came first."""
    assert latest(version, other) == latest(other, version) == str(max(int(version), int(other)))


@given(version=opaque_versions.filter(bool), other=numeric_versions)
def test_of_opaque_positions_the_newly_learnt_one_counts(version: str, other: str) -> None:
    """Without an order the server's last word is the position."""
    assert latest(version, other) == version
    assert latest(other, version) == other
    assert latest(version, None) == version
