"""What shows that watchkit does what it promises."""
