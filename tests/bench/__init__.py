"""The programs of benchmarks/, on small sizes: what they count, never how long they take."""
