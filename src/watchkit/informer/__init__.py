"""A shared cache of what is watched: its store, its indexes, and the handlers of its changes."""
