"""Where PBFT's files find the judgement of batches: it is the same for every protocol and lives in `core`."""

from consortium.core.fitness import batch_fault, is_undecidable

__all__ = ["batch_fault", "is_undecidable"]
