"""The seam between contract and ledger for applications: keys that sign for a member, within what it has allowed them.

A member registers a key under a name (contracts/governance/application.py). A bundle that the key signed is executed
with the member's role, from the block after that on, for the operations that are listed; after the block of its
revocation it signs nothing. A key that was revoked never comes back.
"""

from __future__ import annotations

import msgspec

from consortium.core.codec import Digest
from consortium.core.contract import StateReader, Table
from consortium.core.membership import NodeId

CONTRACT = "application"  # its operations are for the member's own key alone
EVERYTHING = "*"  # in the place of an operation: all of its contract


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "member/key" in hexadecimal. `may`: "contract.operation" or "contract.*". `revoked_at`: the height of its
    revocation; 0: it holds."""

    name: str
    may: tuple[str, ...]
    revoked_at: int

    def is_allowed(self, contract: str, operation: str) -> bool:
        """Whether its member lets it use this operation."""
        if contract == CONTRACT:
            return False
        return f"{contract}.{operation}" in self.may or f"{contract}.{EVERYTHING}" in self.may


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "member/name": the key of an application that holds."""

    key: Digest


APPLICATIONS: Table[Application] = Table("application_key", Application)
NAMES: Table[Named] = Table("application", Named, told_as="application")


def application_key(member: NodeId, key: bytes) -> str:
    return f"{member}/{key.hex()}"


def find_application(state: StateReader, member: NodeId, key: bytes) -> Application | None:
    """Which application of this member has the key, or had it."""
    return state.get(APPLICATIONS, application_key(member, key))


def is_application(state: StateReader, member: NodeId, key: bytes) -> bool:
    """Whether the next block executes what this key signs for the member."""
    found = find_application(state, member, key)
    return found is not None and not found.revoked_at
