"""Off-site clearing from the side of a bureau, and of the finance office that endorses its rates. By the members'
settings `{"hosts": ["clearing"]}`.

The place of treatment charges, when a month is over, whatever its ledger holds for it. The home region confirms and
pays what is proven to it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.contracts.bridges import clearing, rate
from consortium.contracts.bridges.clearing_records import (
    CLAIMS,
    CLEARED,
    CONFIRMED,
    DUES,
    GATHERED,
    PAID,
    PROPOSED,
    RECEIVED,
    month_key,
)
from consortium.contracts.bridges.foreign_facts import FOREIGN, find_row, read_value
from consortium.contracts.insurance.filings import home_of
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.contracts.insurance.month_totals import first_day_after
from consortium.core.calendar import compute_day
from consortium.core.contract import StateReader
from consortium.node.parts import RoleMachine
from consortium.roles.desk import Desk, Move
from consortium.roles.duties import ChainCalendar
from consortium.roles.executed_effects import END
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class Charge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A month to charge to a region, in this ledger's currency; `known_as`: the name of this region there; `target`:
    the fund that paid."""

    counterpart: str
    month: int
    currency: str
    known_as: str
    target: str


class Owed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A month that a region will charge; `source`: the fund that pays; `rate`: what the bureau states where it is
    needed."""

    counterpart: str
    month: int
    known_as: str
    source: str
    rate: rate.Set | None = None


class ClearingTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`endorses`: of a finance office, rates that it has found to be right."""

    charges: tuple[Charge, ...] = ()
    owed: tuple[Owed, ...] = ()
    endorses: tuple[rate.Endorse, ...] = ()


class Books:
    """What a bureau or a finance office has to do for its months, by the state."""

    def __init__(self, state: StateReader, tasks: ClearingTasks, utc_offset_minutes: int) -> None:
        self._state = state
        self._tasks = tasks
        self._offset = utc_offset_minutes

    def moves(self, wall_us: int) -> Iterator[Move]:
        day = compute_day(wall_us, self._offset)
        for charge in self._tasks.charges:
            if day >= first_day_after(charge.month) and self._state.get(FOREIGN, charge.counterpart) is not None:
                yield from self._charge(charge)
        for owed in self._tasks.owed:
            yield from self._owe(owed)
        for wanted in self._tasks.endorses:
            if self._stage_of_rate(wanted.currency, wanted.day) == rate.STATED:
                yield "rate", "endorse", wanted

    def waits(self, wall_us: int) -> bool:
        day = compute_day(wall_us, self._offset)
        claims = [(each, self._claim_stage(each)) for each in self._tasks.charges]
        is_charging = any(
            stage != RECEIVED and (stage or day < first_day_after(each.month) or self._unpaid(each))
            for each, stage in claims
        )
        is_owing = any(self._due_stage(each) != PAID for each in self._tasks.owed)
        rates = [self._stage_of_rate(each.currency, each.day) for each in self._tasks.endorses]
        return is_charging or is_owing or any(stage != rate.ENDORSED for stage in rates)

    def _charge(self, charge: Charge) -> Iterator[Move]:
        name, month, stage = charge.counterpart, charge.month, self._claim_stage(charge)
        if stage in ("", GATHERED):
            unpaid = self._unpaid(charge)[: clearing.SETTLEMENTS_MAX]
            if unpaid:
                yield "clearing", "gather", clearing.Gather(name, month, charge.currency, unpaid)
            elif stage:
                yield "clearing", "propose", clearing.OfMonth(name, month)
        elif stage == PROPOSED:
            row = find_row(self._state, name, DUES.name, month_key(charge.known_as, month))
            due = None if row is None else read_value(row, DUES)
            if due is not None and due.stage == PAID:
                yield "clearing", "receive", clearing.Receive(name, month, charge.known_as, charge.target)

    def _owe(self, owed: Owed) -> Iterator[Move]:
        name, month, stage = owed.counterpart, owed.month, self._due_stage(owed)
        if stage == "":
            row = find_row(self._state, name, CLAIMS.name, month_key(owed.known_as, month))
            claim = None if row is None else read_value(row, CLAIMS)
            if claim is not None and claim.stage == PROPOSED:
                yield "clearing", "confirm", clearing.Confirm(name, month, owed.known_as)
        elif stage == CONFIRMED:
            stated = "" if owed.rate is None else self._stage_of_rate(owed.rate.currency, owed.rate.day)
            if owed.rate is not None and stated == "":
                yield "rate", "set", owed.rate
            elif owed.rate is None or stated == rate.ENDORSED:
                yield "clearing", "pay", clearing.Pay(name, month, owed.source)

    def _unpaid(self, charge: Charge) -> tuple[clearing.Which, ...]:
        """Settlements of the month that belong to the region and are charged to nobody; none that was reversed."""
        entries = list(self._state.range(SETTLEMENTS, "", END))
        reversed_ones = {(key.rpartition("/")[0], each.reverses) for key, each in entries if each.reverses}
        found = []
        for key, each in entries:
            person_year, _, number = key.rpartition("/")
            psn_no, _, year = person_year.partition("/")
            which = clearing.Which(psn_no, int(year), int(number))
            if (
                not each.reverses
                and each.enddate // 100 == charge.month
                and (person_year, which.sequence) not in reversed_ones
                and home_of(self._state, psn_no) == charge.counterpart
                and self._state.get(CLEARED, key) is None
            ):
                found.append(which)
        return tuple(found)

    def _claim_stage(self, charge: Charge) -> str:
        claim = self._state.get(CLAIMS, month_key(charge.counterpart, charge.month))
        return "" if claim is None else claim.stage

    def _due_stage(self, owed: Owed) -> str:
        due = self._state.get(DUES, month_key(owed.counterpart, owed.month))
        return "" if due is None else due.stage

    def _stage_of_rate(self, currency: str, day: int) -> str:
        known = self._state.get(rate.RATES, rate.rate_key(currency, day))
        return "" if known is None else known.stage


def _build(settings: Settings, work: Work | None, state: StateReader) -> RoleMachine:
    tasks = ClearingTasks() if work is None else work.of(ClearingTasks)
    calendar = None if work is None else work.find(ChainCalendar)
    books = Books(state, tasks, 0 if calendar is None else calendar.utc_offset_minutes)
    return Desk("clearing", "" if work is None else work.member, books.moves, books.waits)


ROLE = RoleSpec("clearing", Settings, _build)
