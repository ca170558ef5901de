"""Programs that type checkers must find nothing wrong with; nobody runs them."""
