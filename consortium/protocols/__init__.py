"""One consensus protocol each."""
