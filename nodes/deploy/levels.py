"""How much a node of a standing consortium says in its log: changed while it runs."""

from __future__ import annotations

from nodes.deploy.standing import Standing
from nodes.errors import UserError
from nodes.process.door_client import ask_door
from nodes.process.door_frames import DoorClosed, DoorError, door_path
from nodes.process.log import LEVELS


def set_log_level(standing: Standing, name: str, level: str) -> None:
    """Of a node, and of its gateway, which asks the node for it. Until the node ends. Raises UserError."""
    if level not in LEVELS:
        raise UserError(f"there is no level {level!r}; there are {', '.join(LEVELS)}")
    if name not in standing.deployment.members:
        raise UserError(f"there is no node {name!r}; there are {', '.join(standing.deployment.members)}")
    try:
        ask_door(door_path(standing.node(name)), "log", level=level)
    except (DoorClosed, DoorError) as error:
        raise UserError(f"{name} cannot be told: {error}") from None
