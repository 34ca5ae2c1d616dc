"""One system of the domain each; every module that is a contract offers one `CONTRACT`."""

from __future__ import annotations

from consortium.core.contract import Contract
from consortium.core.discovery import offered_by_name


def load_contracts() -> dict[str, Contract]:
    """Every contract by its name, in order of name: a new contract is one new file in this folder or one within it."""
    return offered_by_name(__name__, "CONTRACT", Contract)
