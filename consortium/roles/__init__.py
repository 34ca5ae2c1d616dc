"""What each organisation does. A role is one module that offers `ROLE = RoleSpec(name, Settings, build)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType, ModuleType
from typing import Any

import msgspec

from consortium.core.contract import StateReader
from consortium.core.discovery import offered_by_name, plugins
from consortium.node.parts import RoleMachine
from consortium.roles.hosted_roles import HostedRoles
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


def load_roles() -> Mapping[str, RoleSpec]:
    """Every module's `ROLE` by name, in order of name. Each builds also the roles that its settings' `hosts` name."""
    return _load_roles(plugins())


@cache
def _load_roles(_: tuple[ModuleType, ...]) -> Mapping[str, RoleSpec]:
    """The roles with these plug-ins; looked for once: each host asks."""
    found = offered_by_name(__name__, "ROLE", RoleSpec)
    hosting = {name: spec._replace(build=_hosting(spec, found)) for name, spec in found.items()}
    return MappingProxyType(hosting)


def read_settings(role: str, settings: Mapping[str, Any]) -> Settings:
    """The settings of a member of a known role. Raises ValueError with a sentence: an unknown key, a hosted role that
    does not exist, a number that cannot be."""
    roles = load_roles()
    try:
        found = msgspec.convert(settings, roles[role].settings)
    except msgspec.ValidationError as error:
        known = ", ".join(roles[role].settings.__struct_fields__)
        raise ValueError(f"settings of a {role}: {error}; known are {known}") from None
    for name in found.hosts:
        if name not in roles:
            raise ValueError(f"settings of a {role}: hosts: there is no role {name!r}; there are {', '.join(roles)}")
    if found.outstanding_max < 1:
        raise ValueError(f"settings of a {role}: outstanding_max is {found.outstanding_max}, expected 1 or more")
    return found


def _hosting(spec: RoleSpec, found: dict[str, RoleSpec]) -> Callable[[Any, Work | None, StateReader], RoleMachine]:
    def build(settings: Settings, work: Work | None, state: StateReader) -> RoleMachine:
        own = spec.build(settings, work, state)
        if not settings.hosts:
            return own
        hosted = [
            found[name].build(found[name].settings(settings.outstanding_max), work, state) for name in settings.hosts
        ]
        return HostedRoles([own, *hosted])

    return build
