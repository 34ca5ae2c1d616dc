"""How to reach a consortium whose folder is at hand, as `consortium up` made it on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec


class _Place(msgspec.Struct, frozen=True):
    host: str
    port: int


class _Deployment(msgspec.Struct, frozen=True):
    gateways: dict[str, _Place] = {}


def desk_of(folder: str | Path, member: str, application: str = "desk") -> dict[str, Any]:
    """The settings of a client of this application, whose token lies at the gateway of its member:
    `BlockingClient(**desk_of("consortium-data", "hospital-1"))`. Raises ValueError, OSError."""
    folder = Path(folder)
    deployment = msgspec.json.decode((folder / "consortium.json").read_bytes(), type=_Deployment)
    place = deployment.gateways.get(member)
    if place is None:
        raise ValueError(f"{folder} has no gateway of {member!r}; there are {', '.join(deployment.gateways)}")
    return {
        "gateways": [f"https://{place.host}:{place.port}"],
        "token": folder / "nodes" / member / "gateway" / f"{application}.token",
        "genesis": folder / "genesis.json",
        "ca": folder / "ca.crt",
        "application": f"{member}/{application}",
    }
