"""One system of the domain each; every module that is a contract offers one `CONTRACT`."""

from __future__ import annotations

import importlib
import pkgutil

from consortium.core.contract import Contract


def load_contracts() -> dict[str, Contract]:
    """Every module's `CONTRACT` by contract name, in order of name: a new contract is one new file in this folder."""
    found: dict[str, Contract] = {}
    for module_info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        contract = getattr(importlib.import_module(f"{__name__}.{module_info.name}"), "CONTRACT", None)
        if isinstance(contract, Contract):
            assert contract.name not in found, f"two contracts are named {contract.name}"
            found[contract.name] = contract
    return dict(sorted(found.items()))
