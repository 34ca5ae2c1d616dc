"""What institutions and the bureau do when a month ends: state its books, state them anew, close it.

An institution here keeps no books beside its node: it states what its ledger counted, and `errors` of its first word.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.insurance import reconciliation
from consortium.contracts.insurance.institution import find_acting
from consortium.contracts.insurance.month_totals import get_month
from consortium.contracts.insurance.reconciliation import AGREED, CLOSED, DIFFERS, ENDED, RECONCILIATIONS
from consortium.contracts.oversight.notice import NOTICE
from consortium.core.contract import Event, StateReader
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import text
from consortium.roles.work import Work


class BookTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By institution, in whatever month the run happens: `errors`: fen by which its books are wrong when they are
    stated first; `silent`: whose books are not stated at all; `awaited`: for which the bureau is to see a month
    closed."""

    errors: dict[str, int] = {}
    silent: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()


class MonthBooks:
    """Part of an institution's conduct. A month that ended never changes, so that it is read from the state."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._member = ""
        self._tasks = BookTasks()

    def plan(self, work: Work) -> None:
        self._member, self._tasks = work.member, work.of(BookTasks)

    def on_event(self, event: Event, agenda: Agenda) -> None:
        if event.kind in ("month-ended", "books-differ"):
            code, month = text(event, "fixmedins_code"), int(event.fields["month"])
            self._state_books(code, month, agenda, is_first=event.kind == "month-ended")

    def resume(self, agenda: Agenda) -> None:
        for key, held in list(self._state.range(RECONCILIATIONS, "", END)):
            if held.stage in (ENDED, DIFFERS):
                code, _, month = key.partition("/")
                self._state_books(code, int(month), agenda, is_first=held.stage == ENDED)

    def _state_books(self, code: str, month: int, agenda: Agenda, *, is_first: bool) -> None:
        key = f"{code}/{month}"
        if self._member not in find_acting(self._state, code) or code in self._tasks.silent:
            return
        total = get_month(self._state, code, month)
        figures = {name: getattr(total, name) for name in reconciliation.FIGURES}
        figures["owed_fen"] += self._tasks.errors.get(code, 0) if is_first else 0
        books = reconciliation.StateBooks(code, month, **figures)
        word = "first" if is_first else "anew"
        agenda.wish(f"books:{key}:{word}", (("reconciliation", "state_books", books),))


class MonthClosing:
    """Part of the bureau's conduct: it closes what is agreed, and by the ledger what was not stated in time."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._awaited: set[str] = set()

    @property
    def is_done(self) -> bool:
        return not self._awaited

    def plan(self, work: Work) -> None:
        self._awaited = set(work.of(BookTasks).awaited)

    def on_event(self, event: Event, agenda: Agenda) -> None:
        if event.kind == "month-closed":
            self._awaited.discard(text(event, "fixmedins_code"))
        elif event.kind == "books-agreed":
            self._close(text(event, "fixmedins_code"), int(event.fields["month"]), agenda)
        elif event.kind == NOTICE and text(event, "why") == "books-not-stated":
            _, code, month = text(event, "record").split("/")
            close = reconciliation.CloseByLedger(code, int(month), "not-stated")
            agenda.wish(f"close-by-ledger:{code}/{month}", (("reconciliation", "close_by_ledger", close),))

    def resume(self, agenda: Agenda) -> None:
        for key, held in list(self._state.range(RECONCILIATIONS, "", END)):
            if held.stage == CLOSED:
                self._awaited.discard(key.partition("/")[0])
            elif held.stage == AGREED:
                code, _, month = key.partition("/")
                self._close(code, int(month), agenda)

    def _close(self, code: str, month: int, agenda: Agenda) -> None:
        close = reconciliation.OfMonth(code, month)
        agenda.wish(f"close-month:{code}/{month}", (("reconciliation", "close", close),))
