"""Byzantine acts, each wrapping a machine."""
