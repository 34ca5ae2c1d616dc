"""Tables by the names of the national insurance data standard (NHSA), a file a table."""
