"""Load, wherever it runs: how much of what comes, when, and at whom. One process of arrivals a file, found by its name.

`plan.py` makes of the options what each member has to submit and when; `recorded.py` reads arrivals out of files.
"""

from __future__ import annotations

from consortium.core.discovery import offered_by_name
from consortium.scenario.arrivals.process import Arrivals


def load_arrivals() -> dict[str, Arrivals]:
    """Every module's `ARRIVALS` by name, in order of name."""
    return offered_by_name(__name__, "ARRIVALS", Arrivals)
