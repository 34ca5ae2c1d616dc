"""One page that shows a consortium: over a finished run, a lone trace, or one that stands (docs/page.md)."""
