"""Tables by the names of the national insurance data standard (NHSA), in: what `consortium export` writes, and more."""
