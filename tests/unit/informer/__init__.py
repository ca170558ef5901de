"""Tests of the shared cache: its store, its indexes, and how its handlers are served."""
