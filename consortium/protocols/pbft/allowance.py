"""Where PBFT's files find the allowance: it serves every protocol and lives in `core`."""

from consortium.core.allowance import Allowance

__all__ = ["Allowance"]
