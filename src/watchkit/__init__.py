"""Kubernetes watches that survive anything: the list+watch half of client-go for Python."""

__all__: list[str] = []
