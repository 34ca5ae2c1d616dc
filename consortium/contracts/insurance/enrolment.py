"""Enrolment 参保登记: who is covered by which scheme on which day, by the word of two organisations.

A person is a pseudonym `psn_no` and a salted commitment: no personal data in clear. The pseudonym is of one person and
one insurance year: coverage is a list of periods [from, to) inside that year, each with its scheme and flags, and the
next year the person is registered anew under another pseudonym, which nobody but the bureau can tell (docs/privacy.md).
In operation a change is proposed by one organisation and takes effect when another organisation of another role
endorses it; only genesis registers directly, and may bring persons of more than one year.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL, NOBODY, REGULATOR, SUPERVISORS
from consortium.contracts.checks import (
    check_amount,
    check_choice,
    check_count,
    check_day,
    check_digest,
    check_period,
    check_positive_amount,
    check_pseudonym,
)
from consortium.contracts.insurance import funds
from consortium.core.contract import (
    GENESIS,
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Refused,
    RowOf,
    State,
    StateReader,
    Table,
    Whose,
)

EMPLOYEE, RESIDENT = "employee", "resident"
SCHEMES = (EMPLOYEE, RESIDENT)
POOLS = {EMPLOYEE: funds.EMPLOYEE_POOL, RESIDENT: funds.RESIDENT_POOL}
PERIODS_MAX = 64


class Period(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Covered by a scheme on each day of [from_day, to_day); FOREVER (99991231) leaves it open."""

    from_day: int
    to_day: int
    insutype: str  # employee | resident
    retired: bool = False
    assisted: bool = False


class Person(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Keyed by `psn_no`. `died_on` is 0 for the living; `revision` counts the changes. `covered_before`: was covered on
    the last day of the year before, when a stay that crosses the New Year began (that year has a pseudonym of its
    own)."""

    periods: tuple[Period, ...]
    died_on: int = 0
    commitment: bytes = b""
    revision: int = 1
    covered_before: bool = False

    @property
    def year(self) -> int:
        """The insurance year in which all its periods lie; 0 where they reach over more, or there are none."""
        if not self.periods:
            return 0
        year = self.periods[0].from_day // 10_000
        return year if self.periods[-1].to_day <= (year + 1) * 10_000 + 101 else 0


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A proposed state of a person, keyed "psn_no/change_id", until it is endorsed or withdrawn."""

    person: Person
    proposer: str
    role: str
    revision: int  # of the person when it was proposed; 0 where there was none


class Contribution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "psn_no/YYYYMM": what was paid for the month into the pool and into the personal account."""

    insutype: str
    pool_fen: int
    account_fen: int


PERSONS: Table[Person] = Table("person", Person, told_as="person")
CHANGES: Table[Change] = Table("enrolment_change", Change)
CONTRIBUTIONS: Table[Contribution] = Table("contribution", Contribution)


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person as genesis finds them. Periods in order, not overlapping. `commitment` is empty or 32 bytes."""

    psn_no: str
    periods: tuple[Period, ...]
    died_on: int = 0
    commitment: bytes = b""
    covered_before: bool = False


class ProposeChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole new state of a person, known or new, for another organisation to endorse."""

    change_id: str
    psn_no: str
    periods: tuple[Period, ...]
    died_on: int = 0
    commitment: bytes = b""
    covered_before: bool = False


class DecideChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Endorse or withdraw a proposed change."""

    change_id: str
    psn_no: str


class OfPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the periods of a person."""

    psn_no: str


class RecordContribution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A month's premium `month` (YYYYMM): into the scheme's pool and, of employees, the personal account."""

    psn_no: str
    month: int
    insutype: str
    pool_fen: int
    account_fen: int


def cover(person: Person, psn_no: str, day: int) -> Period:
    """The period that covers a day. Refuses `person-dead`, `not-enrolled` (before the first), `coverage-lapsed`."""
    if person.died_on and day > person.died_on:
        raise Refused("person-dead", f"{psn_no} died on {person.died_on}; {day} is later")
    for period in reversed(person.periods):
        if period.from_day <= day:
            if day < period.to_day:
                return period
            raise Refused("coverage-lapsed", f"the cover of {psn_no} lapsed on {period.to_day}; {day} is not covered")
    raise Refused("not-enrolled", f"{psn_no} was not yet enrolled on {day}")


def check_cover_began(person: Person, psn_no: str, begndate: int, enddate: int) -> None:
    """Whether a stay that ended on `enddate` was covered when it began. Refuses like `cover`."""
    if begndate // 10_000 == enddate // 10_000 - 1 and person.covered_before:
        return
    cover(person, psn_no, begndate)


def get_person(state: StateReader, psn_no: str) -> Person:
    """Refuses `bad-identifier`, `not-enrolled`."""
    check_pseudonym(psn_no, "psn_no")
    person = state.get(PERSONS, psn_no)
    if person is None:
        raise Refused("not-enrolled", f"{psn_no} is not enrolled")
    return person


def _check_person(psn_no: str, person: Person) -> None:
    check_pseudonym(psn_no, "psn_no")
    check_digest(person.commitment, "commitment", may_be_empty=True)
    check_count(len(person.periods), PERIODS_MAX, "periods", 0)
    if person.died_on:
        check_day(person.died_on, "died_on")
    ended = 0
    for period in person.periods:
        check_choice(period.insutype, SCHEMES, "insutype")
        check_period(period.from_day, period.to_day, "a period's")
        if period.from_day < ended:
            raise Refused("periods-overlap", f"a period begins on {period.from_day}, before the last ended on {ended}")
        ended = period.to_day


def _person_of(arguments: Register | ProposeChange) -> Person:
    return Person(arguments.periods, arguments.died_on, arguments.commitment, covered_before=arguments.covered_before)


def _check_year(person: Person, known: Person | None) -> None:
    """Refuses `other-year`: a pseudonym that is of one year stays of that year, and a new one is of one."""
    year = 0 if known is None else known.year
    if known is not None and (year == 0 or not person.periods):
        return
    if person.year == 0 or year not in (0, person.year):
        raise Refused("other-year", f"a pseudonym is of one insurance year{f', this one of {year}' if year else ''}")


def _put_person(state: State, psn_no: str, person: Person) -> None:
    state.put(PERSONS, psn_no, person)
    if any(period.insutype == EMPLOYEE for period in person.periods):
        funds.open_account(state, f"person/{psn_no}")


def _register(state: State, arguments: Register, context: Context) -> list[Event]:
    person = _person_of(arguments)
    _check_person(arguments.psn_no, person)
    if state.get(PERSONS, arguments.psn_no) is not None:
        raise Refused("already-enrolled", f"{arguments.psn_no} is enrolled already")
    _put_person(state, arguments.psn_no, person)
    return [Event("enrolled", {"psn_no": arguments.psn_no})]


def _propose_change(state: State, arguments: ProposeChange, context: Context) -> list[Event]:
    check_pseudonym(arguments.change_id, "change_id")
    person = _person_of(arguments)
    _check_person(arguments.psn_no, person)
    key = f"{arguments.psn_no}/{arguments.change_id}"
    if state.get(CHANGES, key) is not None:
        raise Refused("change-exists", f"change {key} is proposed already")
    known = state.get(PERSONS, arguments.psn_no)
    _check_year(person, known)
    revision = 0 if known is None else known.revision
    proposed = msgspec.structs.replace(person, revision=revision + 1)
    state.put(CHANGES, key, Change(proposed, context.member, context.role, revision))
    return [
        Event(
            "change-proposed",
            {"psn_no": arguments.psn_no, "change_id": arguments.change_id, "proposer": context.member},
        )
    ]


def _get_change(state: StateReader, arguments: DecideChange) -> tuple[str, Change]:
    check_pseudonym(arguments.psn_no, "psn_no")
    check_pseudonym(arguments.change_id, "change_id")
    key = f"{arguments.psn_no}/{arguments.change_id}"
    change = state.get(CHANGES, key)
    if change is None:
        raise Refused("unknown-change", f"no change {key} waits for endorsement")
    return key, change


def _endorse_change(state: State, arguments: DecideChange, context: Context) -> list[Event]:
    key, change = _get_change(state, arguments)
    if context.member == change.proposer or context.role == change.role:
        raise Refused(
            "same-organisation",
            f"{change.proposer} ({change.role}) proposed it: another organisation of another role must endorse",
        )
    known = state.get(PERSONS, arguments.psn_no)
    if (0 if known is None else known.revision) != change.revision:
        raise Refused("stale-proposal", f"{arguments.psn_no} has changed since {key} was proposed")
    _put_person(state, arguments.psn_no, change.person)
    state.delete(CHANGES, key)
    return [
        Event(
            "enrolment-changed",
            {
                "psn_no": arguments.psn_no,
                "change_id": arguments.change_id,
                "proposer": change.proposer,
                "endorser": context.member,
            },
        )
    ]


def _find_proposer(state: StateReader, arguments: DecideChange) -> tuple[str, ...]:
    change = state.get(CHANGES, f"{arguments.psn_no}/{arguments.change_id}")
    return NOBODY if change is None else (change.proposer,)


def _withdraw_change(state: State, arguments: DecideChange, context: Context) -> list[Event]:
    key, _ = _get_change(state, arguments)
    state.delete(CHANGES, key)
    return [Event("change-withdrawn", {"psn_no": arguments.psn_no, "change_id": arguments.change_id})]


def _record_contribution(state: State, arguments: RecordContribution, context: Context) -> list[Event]:
    psn_no = arguments.psn_no
    get_person(state, psn_no)
    check_choice(arguments.insutype, SCHEMES, "insutype")
    check_day(arguments.month * 100 + 1, "month's first day")
    check_amount(arguments.pool_fen, "pool_fen")
    check_amount(arguments.account_fen, "account_fen")
    check_positive_amount(arguments.pool_fen + arguments.account_fen, "pool_fen + account_fen")
    if arguments.insutype == RESIDENT and arguments.account_fen:
        raise Refused("no-account", "the residents' scheme has no personal account")
    key = f"{psn_no}/{arguments.month}"
    if state.get(CONTRIBUTIONS, key) is not None:
        raise Refused("contribution-exists", f"the premium of {psn_no} for {arguments.month} is recorded already")
    record = Contribution(arguments.insutype, arguments.pool_fen, arguments.account_fen)
    state.put(CONTRIBUTIONS, key, record)
    events: list[Event] = []
    movements = (
        (funds.EXTERNAL, POOLS[arguments.insutype], arguments.pool_fen),
        (funds.EXTERNAL, f"person/{psn_no}", arguments.account_fen),
    )
    funds.move_all(state, movements, f"premium/{key}", events)
    return events


_CHANGERS = frozenset((BUREAU, HOSPITAL, REGULATOR))

CONTRACT = Contract(
    "enrolment",
    1,
    (
        Operation("register", Register, frozenset((GENESIS,)), _register),
        Operation("propose_change", ProposeChange, _CHANGERS, _propose_change),
        Operation("endorse_change", DecideChange, _CHANGERS, _endorse_change),
        Operation(
            "withdraw_change",
            DecideChange,
            _CHANGERS,
            _withdraw_change,
            Whose(_find_proposer, owner="who proposed the change"),
        ),
        Operation("record_contribution", RecordContribution, frozenset((BUREAU, GENESIS)), _record_contribution),
    ),
    (
        Query(
            "get",
            OfPerson,
            SUPERVISORS,
            lambda state, asked, _: get_person(state, asked.psn_no),
            row=RowOf(PERSONS, lambda asked: asked.psn_no, OfPerson),
        ),
        Query("change", DecideChange, _CHANGERS, lambda state, asked, _: _get_change(state, asked)[1]),
    ),
)
