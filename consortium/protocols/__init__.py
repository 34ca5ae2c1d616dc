"""One consensus protocol each: a module or package with a value `PROTOCOL`, found by its name."""

from __future__ import annotations

from typing import cast

from consortium.core.discovery import offered_by_name
from consortium.core.protocol import ConsensusProtocol


def load_protocols() -> dict[str, ConsensusProtocol]:
    """Every protocol of this room by its name, in order of name."""
    return cast("dict[str, ConsensusProtocol]", offered_by_name(__name__, "PROTOCOL", object))
