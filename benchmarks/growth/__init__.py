"""How what watchkit costs grows with what there is to watch: one curve per kind of growth."""
