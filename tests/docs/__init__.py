"""What the documents show: each block of Python in them is run."""
