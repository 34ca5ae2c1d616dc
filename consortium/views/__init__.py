"""Read models beside the ledger, one a file that offers `VIEW`: what contracts do not keep, in the order that a reader
wants. Each can be thrown away and made again; no contract reads one."""

from __future__ import annotations

from consortium.core.discovery import offered_by_name
from consortium.views.view import View


def load_views() -> dict[str, View]:
    """Every view by its name, in order of name, also those of plug-ins."""
    return offered_by_name(__name__, "VIEW", View)
