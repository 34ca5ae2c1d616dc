"""The value that says everything about a run except where it runs."""
