"""A script: calls that were written down before the run, submitted in the member's name from their times on.

It lives in a member's node by that member's settings `{"hosts": ["script"]}`: for histories that a workload invents
whole, and that no role would act out by itself. The lines of bills go into the member's vault, and the bills commit to
them under its own salts.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.lines import Lines as PrivateLines
from consortium.contracts.insurance.private_lines import LINES
from consortium.contracts.insurance.settlement import IssueAndClaim
from consortium.core.codec import encode
from consortium.core.contract import StateReader
from consortium.core.machine import Guard
from consortium.core.vault import Salts
from consortium.roles.agenda import Agenda
from consortium.roles.organisation import Conduct, Organisation
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class Lines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls of one bundle, each with its canonical arguments, to be submitted from `at_us` on."""

    at_us: int
    calls: tuple[tuple[str, str, msgspec.Raw], ...]


class Billed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bill that is issued and claimed at once, without its commitment; and the lines that it is to commit to."""

    claim: IssueAndClaim
    lines: tuple[Line, ...]


class Bills(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bills of one bundle, from `at_us` on."""

    at_us: int
    billed: tuple[Billed, ...]


class ScriptTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the member says, in this order where times are equal."""

    lines: tuple[Lines, ...] = ()
    bills: tuple[Bills, ...] = ()


class ScriptConduct(Conduct):
    def plan(self, work: Work, agenda: Agenda) -> None:
        for place, line in enumerate(work.of(ScriptTasks).lines):
            agenda.wish(f"script:{place}", line.calls, line.at_us)
        salts = work.of(Salts)
        for place, bills in enumerate(work.of(ScriptTasks).bills):
            for guard in map(_guard, bills.billed):
                agenda.guard(guard)
            agenda.wish(f"bills:{place}", tuple(_claims(bills.billed, salts)), bills.at_us)


def _guard(billed: Billed) -> Guard:
    number = billed.claim.bill_no
    return Guard(f"{LINES}/{number}", encode(PrivateLines(number, billed.lines)))


def _claims(billed: tuple[Billed, ...], salts: Salts) -> Iterator[tuple[str, str, IssueAndClaim]]:
    for each in billed:
        claim = msgspec.structs.replace(each.claim, lines=salts.commit(*_guard(each)))
        yield "settlement", "issue_and_claim", claim


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("script", settings, work, ScriptConduct(state))


ROLE = RoleSpec("script", Settings, _build)
