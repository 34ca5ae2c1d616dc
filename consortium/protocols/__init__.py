"""One consensus protocol each: a module or package with a value `PROTOCOL`, found by its name."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from consortium.core.protocol import ConsensusProtocol


def load_protocols() -> dict[str, ConsensusProtocol]:
    """Every protocol of this room by its name, in order of name. Asserts that no two share one."""
    found: dict[str, ConsensusProtocol] = {}
    for module in sorted(iter_modules(__path__), key=lambda entry: entry.name):
        protocol = getattr(import_module(f"{__name__}.{module.name}"), "PROTOCOL", None)
        if protocol is not None:
            assert protocol.name not in found, f"two protocols are called {protocol.name!r}"
            found[protocol.name] = protocol
    return found
