"""Payment by points, from each side. By the members' settings `{"hosts": ["points"]}`.

A hospital puts its settled stays into groups. The bureau puts some of them into another group, and settles months and
years when they are over."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.insurance import dip
from consortium.contracts.insurance.dip_cases import DIP_CASES, DIP_PERIODS, SETTLED, period_key
from consortium.contracts.insurance.institution import find_acting
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Outcome
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class Settle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A month (YYYYMM) or a year of a scheme that the bureau settles from `at_us` on."""

    at_us: int
    insutype: str
    period: int


class PointsTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`groups`: of a hospital's bills by their numbers; `regroups`: of bills that the bureau finds in a wrong group;
    `settles`: in their order."""

    groups: dict[str, str] = {}
    regroups: dict[str, str] = {}
    settles: tuple[Settle, ...] = ()


class PointsConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._tasks = PointsTasks()

    @property
    def is_done(self) -> bool:
        """Whether all that is to be settled is."""
        keys = [period_key(one.insutype, one.period) for one in self._tasks.settles]
        held = [self.state.get(DIP_PERIODS, key) for key in keys]
        return all(one is not None and one.stage == SETTLED for one in held)

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._member, self._tasks = work.member, work.of(PointsTasks)
        for one in self._tasks.settles:
            operation = "settle_month" if one.period > 9_999 else "settle_year"
            period = dip.OfPeriod(one.insutype, one.period)
            agenda.wish(f"settle:{one.insutype}/{one.period}", (("dip", operation, period),), one.at_us)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind in ("settled", "dip-case-grouped"):
                key = f"{text(event, 'psn_no')}/{event.fields['year']}/{int(event.fields['sequence']):06d}"
                self._look(key, agenda)
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        for key, _ in list(self.state.range(SETTLEMENTS, "", END)):
            self._look(key, agenda)

    def _look(self, key: str, agenda: Agenda) -> None:
        settlement = self.state.get(SETTLEMENTS, key)
        if settlement is None or settlement.reverses:
            return
        psn_no, year, sequence = key.split("/")
        number, case = settlement.bill_no, self.state.get(DIP_CASES, key)
        group = self._tasks.groups.get(number, "")
        if case is None and group and self._member in find_acting(self.state, settlement.fixmedins_code):
            call = dip.GroupCase(psn_no, int(year), int(sequence), group)
            agenda.wish(f"group:{key}", (("dip", "group_case", call),))
        found = self._tasks.regroups.get(number, "")
        if case is not None and found and case.dip_group != found:
            again = dip.RegroupCase(psn_no, int(year), int(sequence), found, "upcoding")
            agenda.wish(f"regroup:{key}", (("dip", "regroup_case", again),))


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("points", settings, work, PointsConduct(state))


ROLE = RoleSpec("points", Settings, _build)
