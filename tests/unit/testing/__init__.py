"""The laws of the fake cluster, its faces and its clocks."""
