"""The demo: an informer on an API server that fails on purpose, and a verified tally at the end."""
