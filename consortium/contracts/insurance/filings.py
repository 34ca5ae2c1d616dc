"""Filings and referrals of off-site care, and what they make of a claim: tables that settlement reads.

An institution and a person have a region each; who is not placed is of the home region, "". A claim is off site where
the two differ. It is then filed, referred or unfiled by what stood on the ledger for the first day of the stay.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.insurance.policy_pack import FILED, REFERRAL, UNFILED
from consortium.core.contract import Refused, StateReader, Table

HOME = ""  # the region of all that nobody placed


class Region(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Where an institution lies, or a person is at home; never HOME, which needs no row."""

    region: str


class Filing(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Good for stays that begin on a day of [from_day, to_day). `kind`: filed | referral. `by`: the institution that
    referred, "" of the bureau's."""

    kind: str
    from_day: int
    to_day: int
    why: str
    by: str = ""


class Filings(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Keyed "psn_no/region", in the order in which they came. None is ever taken out: a stay is judged by those that
    covered its first day."""

    entries: tuple[Filing, ...]


PLACES: Table[Region] = Table("institution_region", Region, told_as="institution-region")
HOMES: Table[Region] = Table("person_region", Region)
FILINGS: Table[Filings] = Table("filing", Filings)


def region_of(state: StateReader, fixmedins_code: str) -> str:
    place = state.get(PLACES, fixmedins_code)
    return HOME if place is None else place.region


def home_of(state: StateReader, psn_no: str) -> str:
    home = state.get(HOMES, psn_no)
    return HOME if home is None else home.region


def filing_key(psn_no: str, region: str) -> str:
    """A person that is filed for the home region is at home elsewhere: its region has a key, too."""
    return f"{psn_no}/{region or '-'}"


def check_no_word(offsite: str) -> None:
    """Refuses `offsite-is-recorded`: a claimant says nothing where records tell."""
    if offsite:
        raise Refused(
            "offsite-is-recorded", "whether care is off site, and filed, is read from the ledger: say nothing"
        )


def find_offsite(state: StateReader, psn_no: str, fixmedins_code: str, begndate: int) -> str:
    """ "" at home, else filed, referral or unfiled; a filing is worth more than a referral."""
    region = region_of(state, fixmedins_code)
    if region == home_of(state, psn_no):
        return ""
    held = state.get(FILINGS, filing_key(psn_no, region))
    entries = () if held is None else held.entries
    kinds = {each.kind for each in entries if each.from_day <= begndate < each.to_day}
    return FILED if FILED in kinds else REFERRAL if REFERRAL in kinds else UNFILED
