"""Publishes tables about persons that were made outside, with their noise in them. By `{"hosts": ["statistician"]}`."""

from __future__ import annotations

import msgspec

from consortium.contracts.records.statistics import Publish
from consortium.core.contract import StateReader
from consortium.roles.agenda import Agenda
from consortium.roles.organisation import Conduct, Organisation
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class ToPublish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table, at its time."""

    at_us: int
    table: Publish


class StatisticianTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tables: tuple[ToPublish, ...] = ()


class StatisticianConduct(Conduct):
    def plan(self, work: Work, agenda: Agenda) -> None:
        for one in work.of(StatisticianTasks).tables:
            agenda.wish(f"statistic:{one.table.statistic_no}", (("statistics", "publish", one.table),), one.at_us)


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("statistician", settings, work, StatisticianConduct(state))


ROLE = RoleSpec("statistician", Settings, _build)
