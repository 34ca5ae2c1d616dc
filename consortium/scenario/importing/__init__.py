"""What all kinds of input share: what was read, taken, refused and recognised, and the files that they lie in."""
