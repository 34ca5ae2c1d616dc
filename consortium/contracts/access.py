"""Who may do what and read what, and on whose records: names of roles, groups of them, what finders are made of.

A role is an open name: it exists where an operation or a query names it, or where a file of `consortium/roles/`
plays it; the ledger admits any. The names below are those that several contracts use.

Whose a record is, a **finder** says: `find(state, arguments)` returns the members, none where there is no such
record. It stands beside the table that it reads (`institution.OF_INSTITUTION`, `bill.OF_ISSUER`) and is the only place
that asks: an operation with such a `Whose` checks no owner of its own.
"""

from __future__ import annotations

from consortium.core.contract import EVERY_MEMBER, GENESIS

BUREAU = "bureau"
HOSPITAL = "hospital"
PHARMACY = "pharmacy"
SUPPLIER = "supplier"
REGULATOR = "regulator"
INSURER = "insurer"


def among(*roles: str) -> frozenset[str]:
    """The group of these roles."""
    return frozenset(roles)


BY_BUREAU = among(BUREAU)
BY_FOUNDERS = among(BUREAU, GENESIS)  # what the first block holds and the bureau adds to later
BY_PROVIDERS = among(HOSPITAL, PHARMACY)  # members that act for designated institutions
BY_HOLDERS = BY_PROVIDERS | {SUPPLIER}  # members that hold packs
SUPERVISORS = among(BUREAU, REGULATOR)  # act on and read the records of everybody
BY_ALL = EVERY_MEMBER
NOBODY: tuple[str, ...] = ()  # what a finder returns where there is no such record
