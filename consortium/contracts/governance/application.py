"""Applications of a member: a hospital's billing system signs for the hospital with a key of its own.

The member says which operations the key may use, and takes it back when it likes; what the key signs is executed with
the member's role. So no application needs the key with which its member governs and administrates, and what one of them
loses is stopped by one transaction. The genesis may register some, for a member to begin with.
"""

from __future__ import annotations

import re

import msgspec

from consortium.contracts.access import BY_ALL, NOBODY, SUPERVISORS
from consortium.contracts.checks import check_count
from consortium.core import registry
from consortium.core.applications import (
    APPLICATIONS,
    NAMES,
    Application,
    Named,
    application_key,
    find_application,
)
from consortium.core.applications import (
    CONTRACT as NAME,
)
from consortium.core.contract import (
    GENESIS,
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Reader,
    Refused,
    State,
    StateReader,
    Whose,
)
from consortium.core.identity import keys_fault, name_fault
from consortium.core.spoken import suite_of

APPLICATIONS_MAX = 64  # of one member, those that hold
MAY_MAX = 64
_is_permission = re.compile(r"[a-z][a-z_]{0,31}\.(?:[a-z][a-z_]{0,31}|\*)").fullmatch


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`member`: whose it is, and who says it; in the genesis any. `may`: "contract.operation" or "contract.*", in
    order."""

    member: str
    name: str
    key: bytes
    may: tuple[str, ...]


class Revoke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`member`: whose it is, and who says it."""

    member: str
    name: str


class AskList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The applications of a member."""

    member: str


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One that holds."""

    name: str
    key: bytes
    may: tuple[str, ...]


class Applications(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By name."""

    applications: tuple[Listed, ...]


def _check_key(state: StateReader, member: str, key: bytes) -> None:
    """Refuses `key-weak`; `key-used` where a member has it, or an application of this one has or had it."""
    epoch = registry.newest_epoch(state)
    used = [] if epoch is None else [held for each in epoch.members for held in each.keys.values()]
    fault = keys_fault({"submit": key}, suite_of(state), used)
    if fault is not None:
        raise Refused(fault.code, "an application needs a sound key that no member has")
    if find_application(state, member, key) is not None:
        raise Refused("key-used", "an application has or had this key already; make a new one")


def _check_may(may: tuple[str, ...]) -> None:
    check_count(len(may), MAY_MAX, "may")
    for each in may:
        if _is_permission(each) is None or each.startswith(f"{NAME}."):
            raise Refused(
                "bad-permission", f"what an application may is named contract.operation or contract.*; never {NAME}"
            )
    if list(may) != sorted(set(may)):
        raise Refused("bad-permission", "what an application may is sorted, and each stands once")


def _register(state: State, arguments: Register, context: Context) -> list[Event]:
    member, name = arguments.member, arguments.name
    epoch = registry.newest_epoch(state)
    if epoch is None or member not in epoch.by_name:
        raise Refused("unknown-member", "an application is a member's; there is none of this name")
    fault = name_fault(name)
    if fault is not None:
        raise Refused(fault.code, "an application's name has 1 to 64 of a-z 0-9 and hyphens inside")
    _check_may(arguments.may)
    _check_key(state, member, arguments.key)
    held = _names(state, member)
    if name in held:
        raise Refused("application-exists", f"{member} has an application {name}: revoke it first")
    if len(held) >= APPLICATIONS_MAX:
        raise Refused("too-many-applications", f"a member has at most {APPLICATIONS_MAX} applications")
    state.put(APPLICATIONS, application_key(member, arguments.key), Application(name, arguments.may, 0))
    state.put(NAMES, f"{member}/{name}", Named(arguments.key))
    fields = {"member": member, "name": name, "key": arguments.key.hex(), "may": " ".join(arguments.may)}
    return [Event("application-registered", {**fields})]


def _names(state: StateReader, member: str) -> dict[str, bytes]:
    """The applications of a member that hold, by name."""
    held = state.range(NAMES, f"{member}/", f"{member}0", limit=APPLICATIONS_MAX)
    return {key.partition("/")[2]: named.key for key, named in held}


def _revoke(state: State, arguments: Revoke, context: Context) -> list[Event]:
    member, name = arguments.member, arguments.name
    named = state.get(NAMES, f"{member}/{name}")
    if named is None:
        raise Refused("unknown-application", f"{member} has no such application")
    application = find_application(state, member, named.key)
    assert application is not None, "both rows are written together"
    revoked = msgspec.structs.replace(application, revoked_at=context.height)
    state.put(APPLICATIONS, application_key(member, named.key), revoked)
    state.delete(NAMES, f"{member}/{name}")
    return [Event("application-revoked", {"member": member, "name": name, "key": named.key.hex()})]


def _list(state: StateReader, arguments: AskList, reader: Reader) -> Applications:
    found = []
    for name, key in sorted(_names(state, arguments.member).items()):
        application = find_application(state, arguments.member, key)
        assert application is not None, "both rows are written together"
        found.append(Listed(name, key, application.may))
    return Applications(tuple(found))


_OF_MEMBER = Whose(
    lambda state, arguments: (arguments.member,) if arguments.member else NOBODY, owner="whose application it is"
)

CONTRACT = Contract(
    NAME,
    1,
    (
        Operation("register", Register, BY_ALL | {GENESIS}, _register, _OF_MEMBER),
        Operation("revoke", Revoke, BY_ALL, _revoke, _OF_MEMBER),
    ),
    (Query("list", AskList, BY_ALL, _list, _OF_MEMBER.or_of(*sorted(SUPERVISORS))),),
)
