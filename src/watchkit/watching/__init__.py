"""Watches that survive: RetryWatcher, watch() and until()."""
