"""Virtual time: the seeded simulator."""
