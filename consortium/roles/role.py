"""What a role module offers: one value `ROLE = RoleSpec(name, Settings, build)`, found by pkgutil."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from consortium.core.contract import StateReader
from consortium.node.parts import RoleMachine
from consortium.roles.work import Work


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of every role. `outstanding_max`: wishes submitted and not executed, at most. `hosts`: roles that live in the
    same node, such as the agents of patients."""

    outstanding_max: int = 64
    hosts: tuple[str, ...] = ()


class RoleSpec(NamedTuple):
    """`build(settings, work, state)`: a machine. `work` None is a member without a work list."""

    name: str
    settings: type[Settings]
    build: Callable[[Any, Work | None, StateReader], RoleMachine]
