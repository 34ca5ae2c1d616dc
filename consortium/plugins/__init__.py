"""A user's own files, loaded from folders outside the package (`--plugins FOLDER`) or from installed packages."""
