"""Rules of oversight over accepted claims, one a file that offers `RULE`. They find; contracts and people decide."""

from __future__ import annotations

from consortium.core.discovery import offered_by_name
from consortium.rules.rule import Rule


def load_rules() -> dict[str, Rule]:
    """Every rule by its name, in order of name, also those of plug-ins."""
    return offered_by_name(__name__, "RULE", Rule)
