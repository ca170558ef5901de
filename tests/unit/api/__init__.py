"""Laws of the edge: what watchkit sends to a real socket, and what it makes of what comes back."""
