"""Reads traces and ledgers: checks, measures, reports, sweeps. `load(path)` gives results as a DataFrame."""

from consortium.lab.measures.frames import load

__all__ = ["load"]
