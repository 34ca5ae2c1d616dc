"""Checks, measures and reports over a run: they read its trace and its ledgers, nothing else."""
