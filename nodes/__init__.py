"""Everything with side effects, for real runs: processes, bus, broker, disk, keys."""
