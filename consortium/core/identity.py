"""Which names and keys a member may have: one rule for the genesis, for admission, re-keying and recovery by vote, and
for the members of a scenario.

A name stands in topics, in folders and in keys of the state, so it holds nothing but small letters, digits and hyphens
between them. A key is sound in its suite, and nobody has it twice: one secret behind two names is two votes, and one
key for voting and submitting lets whoever handles submissions vote.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, get_args

from consortium.core.contract import NOBODY
from consortium.core.crypto import KeySuite
from consortium.core.membership import Kind, Member, Purpose

NAME_LENGTH_MAX = 64
KINDS: tuple[Kind, ...] = get_args(Kind)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

_is_name = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?").fullmatch
is_identifier = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}").fullmatch


class Fault(NamedTuple):
    """Why a name or a key may not be: a stable code, as receipts have it, and a sentence for a person."""

    code: str
    sentence: str


def name_fault(name: str) -> Fault | None:
    """`bad-name`; None where a member may be called so."""
    if _is_name(name) is not None:
        return None
    return Fault("bad-name", f"a member's name has 1 to {NAME_LENGTH_MAX} of a-z 0-9 and hyphens inside")


def role_fault(role: str) -> Fault | None:
    """`bad-identifier`, `bad-choice`; None where a member may have this role, whether any code knows it or not."""
    if is_identifier(role) is None:
        return Fault("bad-identifier", "role must be 1 to 64 of A-Z a-z 0-9 . _ : - and begin with one of A-Z a-z 0-9")
    if role in NOBODY:
        return Fault("bad-choice", f"role must be that of an organisation; {role!r} is nobody's")
    return None


def needed_fault(kind: str, keys: Collection[str]) -> Fault | None:
    """`key-missing`; None where a member of this kind has the keys that it needs: a client submits alone."""
    needed: tuple[Purpose, ...] = ("submit",) if kind == "client" else ("submit", "vote")
    missing = [purpose for purpose in needed if purpose not in keys]
    if not missing:
        return None
    return Fault("key-missing", f"a {kind} needs keys for {' and '.join(needed)}; {missing[0]} is missing")


def keys_fault(keys: Mapping[Purpose, bytes], suite: KeySuite, used: Collection[bytes]) -> Fault | None:
    """`bad-choice`, `key-weak`, `key-used`; None where each key is sound, and neither among the `used` ones nor given
    for two purposes."""
    given: set[bytes] = set()
    for purpose, key in sorted(keys.items()):
        if purpose not in PURPOSES:
            return Fault("bad-choice", f"a key's purpose is one of {', '.join(PURPOSES)}")
        if not suite.is_sound_key(key):
            return Fault("key-weak", f"the {purpose} key is not a sound {suite.name} key")
        if key in used or key in given:
            return Fault("key-used", f"the {purpose} key is or was registered already; make a new one")
        given.add(key)
    return None


def members_fault(members: Sequence[Member], suite: KeySuite) -> str | None:
    """Why these cannot be the first members of a consortium, in a sentence that names the member; None = they can."""
    names = [member.name for member in members]
    if names != sorted(set(names)):
        return "they must be sorted by name, each once"
    used: set[bytes] = set()
    for member in members:
        fault = (
            name_fault(member.name)
            or role_fault(member.role)
            or needed_fault(member.kind, member.keys)
            or keys_fault(member.keys, suite, used)
        )
        if fault is not None:
            return f"member {member.name[:NAME_LENGTH_MAX]!r}: {fault.sentence}"
        used.update(member.keys.values())
    return None
