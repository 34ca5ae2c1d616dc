"""Off-site care 异地就医: regions, filings 备案 and referrals 转诊 as records that settlement reads.

The bureau places institutions and persons in regions and files a person for another region; a hospital refers a person
to one. What a claim is paid follows from what covered the first day of the stay, never from a word of the claimant:
by version 3 of settlement a claim says nothing of it. A withdrawal ends a filing for stays that begin later.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_BUREAU, BY_FOUNDERS, BY_PROVIDERS, HOSPITAL, SUPERVISORS, among
from consortium.contracts.checks import check_count, check_identifier, check_period, check_pseudonym, check_reason
from consortium.contracts.insurance.enrolment import get_person
from consortium.contracts.insurance.filings import (
    FILINGS,
    HOME,
    HOMES,
    PLACES,
    Filing,
    Filings,
    Region,
    filing_key,
    home_of,
    region_of,
)
from consortium.contracts.insurance.institution import OF_INSTITUTION, check_open, get_institution
from consortium.contracts.insurance.policy_pack import FILED, REFERRAL
from consortium.core.calendar import compute_day_after, compute_days_between
from consortium.core.contract import (
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Reader,
    Refused,
    RowOf,
    State,
    StateReader,
    Table,
)

FILINGS_MAX = 32  # of one person for one region
REFERRAL_DAYS_MAX = 180
FILED_FOR = ("retired-abroad", "long-term-resident", "posted", "emergency", "treatment")
REFERRED_FOR = ("diagnosis", "treatment", "equipment", "no-bed")


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An institution lies in this region; "" is the home region."""

    fixmedins_code: str
    region: str


class Settle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person is at home in this region; "" is the home region."""

    psn_no: str
    region: str


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person may be treated in the region; good for stays that begin in [from_day, to_day). `why`: of FILED_FOR."""

    psn_no: str
    region: str
    from_day: int
    to_day: int
    why: str


class Refer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The institution sends a person to the region, from today until the day before `to_day`. `why`: of
    REFERRED_FOR."""

    fixmedins_code: str
    psn_no: str
    region: str
    to_day: int
    why: str


class OfPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Withdraw what is in force, or ask what a person was filed and referred for in a region."""

    psn_no: str
    region: str


class OfPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks where an institution lies."""

    fixmedins_code: str


def _check_region(region: str) -> None:
    if region != HOME:
        check_identifier(region, "region")


def _place(state: State, arguments: Place, context: Context) -> list[Event]:
    _check_region(arguments.region)
    code = arguments.fixmedins_code
    get_institution(state, code)
    _put_region(state, PLACES, code, arguments.region)
    return [Event("institution-placed", {"fixmedins_code": code, "region": arguments.region})]


def _settle(state: State, arguments: Settle, context: Context) -> list[Event]:
    _check_region(arguments.region)
    get_person(state, arguments.psn_no)
    _put_region(state, HOMES, arguments.psn_no, arguments.region)
    return [Event("person-placed", {"psn_no": arguments.psn_no, "region": arguments.region})]


def _put_region(state: State, table: Table[Region], key: str, region: str) -> None:
    if region == HOME:
        state.delete(table, key)
    else:
        state.put(table, key, Region(region))


def _file(state: State, arguments: File, context: Context) -> list[Event]:
    """Also after the fact (补办): it counts for what is settled from now on."""
    check_reason(arguments.why, FILED_FOR)
    check_period(arguments.from_day, arguments.to_day, "the filing")
    filing = Filing(FILED, arguments.from_day, arguments.to_day, arguments.why)
    _add(state, arguments.psn_no, arguments.region, filing)
    return [_event("offsite-filed", arguments.psn_no, arguments.region, filing)]


def _refer(state: State, arguments: Refer, context: Context) -> list[Event]:
    check_reason(arguments.why, REFERRED_FOR)
    code = arguments.fixmedins_code
    institution = get_institution(state, code)
    check_open(institution, code, context.day)
    if institution.kind != HOSPITAL:
        raise Refused("not-a-hospital", f"{code} is a {institution.kind}: it refers nobody")
    check_period(context.day, arguments.to_day, "the referral")
    if compute_days_between(context.day, arguments.to_day) > REFERRAL_DAYS_MAX:
        raise Refused("referral-too-long", f"a referral is good for at most {REFERRAL_DAYS_MAX} days")
    if region_of(state, code) != home_of(state, arguments.psn_no):
        raise Refused(
            "not-at-home", f"{code} does not lie where {arguments.psn_no} is at home: it refers nobody of there"
        )
    filing = Filing(REFERRAL, context.day, arguments.to_day, arguments.why, code)
    _add(state, arguments.psn_no, arguments.region, filing)
    return [_event("offsite-referred", arguments.psn_no, arguments.region, filing)]


def _add(state: State, psn_no: str, region: str, filing: Filing) -> None:
    """Refuses `bad-identifier`, `at-home`, `bad-length`, and what enrolment refuses."""
    _check_region(region)
    get_person(state, psn_no)
    if home_of(state, psn_no) == region:
        raise Refused("at-home", f"{psn_no} is at home in {region or 'the home region'}: nothing is to be filed")
    key = filing_key(psn_no, region)
    held = state.get(FILINGS, key)
    entries = (*(() if held is None else held.entries), filing)
    check_count(len(entries), FILINGS_MAX, "filings of one person for one region")
    state.put(FILINGS, key, Filings(entries))


def _withdraw(state: State, arguments: OfPerson, context: Context) -> list[Event]:
    """All that is in force ends with today: stays that began keep it. Refuses `no-filing`, `filing-expired`."""
    key, held = _get(state, arguments)
    ends = compute_day_after(context.day, 1)
    left = tuple(
        each if each.to_day <= ends else msgspec.structs.replace(each, to_day=max(ends, each.from_day))
        for each in held.entries
    )
    if left == held.entries:
        raise Refused("filing-expired", f"nothing that {arguments.psn_no} was filed for is in force after today")
    state.put(FILINGS, key, Filings(left))
    return [Event("offsite-withdrawn", {"psn_no": arguments.psn_no, "region": arguments.region, "to_day": ends})]


def _get(state: StateReader, asked: OfPerson) -> tuple[str, Filings]:
    check_pseudonym(asked.psn_no, "psn_no")
    _check_region(asked.region)
    key = filing_key(asked.psn_no, asked.region)
    held = state.get(FILINGS, key)
    if held is None:
        raise Refused("no-filing", f"{asked.psn_no} was never filed for {asked.region or 'the home region'}")
    return key, held


def _ask_filings(state: StateReader, asked: OfPerson, reader: Reader) -> Filings:
    return _get(state, asked)[1]


def _ask_place(state: StateReader, asked: OfPlace, reader: Reader) -> Region:
    """Refuses `at-home`: an institution that nobody placed has no row."""
    get_institution(state, asked.fixmedins_code)
    place = state.get(PLACES, asked.fixmedins_code)
    if place is None:
        raise Refused("at-home", f"{asked.fixmedins_code} lies in the home region")
    return place


def _event(kind: str, psn_no: str, region: str, filing: Filing) -> Event:
    return Event(
        kind,
        {
            "psn_no": psn_no,
            "region": region,
            "from_day": filing.from_day,
            "to_day": filing.to_day,
            "why": filing.why,
            "by": filing.by,
        },
    )


CONTRACT = Contract(
    "offsite",
    1,
    (
        Operation("place", Place, BY_FOUNDERS, _place),
        Operation("settle", Settle, BY_FOUNDERS, _settle),
        Operation("file", File, BY_BUREAU, _file),
        Operation("refer", Refer, among(HOSPITAL), _refer, OF_INSTITUTION),
        Operation("withdraw", OfPerson, BY_BUREAU, _withdraw),
    ),
    (
        Query("filings", OfPerson, BY_PROVIDERS | SUPERVISORS, _ask_filings),
        Query(
            "region",
            OfPlace,
            BY_PROVIDERS | SUPERVISORS,
            _ask_place,
            row=RowOf(PLACES, lambda asked: asked.fixmedins_code, OfPlace),
        ),
    ),
    founding=0,
)
