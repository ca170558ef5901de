"""The laws of RetryWatcher, watch() and until(), in virtual time."""
