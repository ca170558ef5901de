"""Tests of the examples, as those who copy them would write theirs."""
