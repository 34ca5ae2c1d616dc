"""Where PBFT's files find what keeps early votes: it serves every protocol and lives in `core`."""

from consortium.core.early import Early

__all__ = ["Early"]
