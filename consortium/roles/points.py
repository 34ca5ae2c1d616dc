"""Payment by points, from each side. By the members' settings `{"hosts": ["points"]}`.

A hospital puts its settled stays into groups. The bureau puts some of them into another group, and settles every month
in which cases were counted."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.insurance import dip
from consortium.contracts.insurance.dip_cases import DIP_CASES, DIP_PERIODS, SETTLED, DipPeriod
from consortium.contracts.insurance.institution import find_acting
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Outcome
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class PointsTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`groups`: of a hospital's bills by their numbers; `regroups`: of bills that the bureau finds in a wrong group;
    `settles_at_us`: from when on it settles months that are over, 0 = it does not."""

    groups: dict[str, str] = {}
    regroups: dict[str, str] = {}
    settles_at_us: int = 0


class PointsConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._tasks = PointsTasks()

    @property
    def is_done(self) -> bool:
        """Whether the months are settled."""
        if not self._tasks.settles_at_us:
            return True
        stages = [one.stage for _, one in self._months()]
        return bool(stages) and all(stage == SETTLED for stage in stages)

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._member, self._tasks = work.member, work.of(PointsTasks)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind in ("settled", "dip-case-grouped"):
                key = f"{text(event, 'psn_no')}/{event.fields['year']}/{int(event.fields['sequence']):06d}"
                self._look(key, agenda)
        return ()

    def on_block(self, height: int, agenda: Agenda) -> None:
        for key, one in self._months() if self._tasks.settles_at_us else ():
            if one.stage != SETTLED:
                insutype, _, month = key.partition("/")
                settle = dip.OfPeriod(insutype, int(month))
                agenda.wish(f"settle:{key}", (("dip", "settle_month", settle),), self._tasks.settles_at_us)

    def _months(self) -> list[tuple[str, DipPeriod]]:
        """Those in which cases were counted, by scheme and month."""
        periods = self.state.range(DIP_PERIODS, "", END)
        return [(key, one) for key, one in periods if len(key.partition("/")[2]) == len("YYYYMM")]

    def resume(self, height: int, agenda: Agenda) -> None:
        for key, _ in list(self.state.range(SETTLEMENTS, "", END)):
            self._look(key, agenda)
        self.on_block(height, agenda)

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
