"""Bugs that somebody made, or would make, as small patches; each must be found by somebody."""
