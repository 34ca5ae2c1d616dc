"""Who judges the lines of bills: bureau and regulator read them out of their vaults and hold the sums against them.

The bureau judges every settlement, and confirms its lines or reports the mismatch. The regulator looks at what was
judged: it reports what the bureau passed, and confirms what it reported wrongly.
Whose a settlement is, lines do not tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance.journal import SETTLEMENTS, settlement_key
from consortium.contracts.insurance.lines import Lines, find_mismatch
from consortium.contracts.insurance.payable import (
    CONFIRMED,
    DISPUTED,
    PERSON,
    WORDS,
    ConfirmLines,
    ReportMismatch,
    Word,
)
from consortium.contracts.insurance.private_lines import LINES
from consortium.contracts.records.tombstones import TOMBSTONES
from consortium.core.contract import Event, StateReader
from consortium.core.machine import Note, Opened, Read
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import text
from consortium.roles.work import Work

PURPOSE = "settlement"


class JudgeTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That this member judges lines; without it nobody asks for them, and what is owed becomes payable in time."""


class _Case(NamedTuple):
    psn_no: str
    year: int
    sequence: int


class LineJudge:
    """Part of a conduct. `is_first`: it judges settlements; else the words of others on them."""

    def __init__(self, state: StateReader, *, is_first: bool) -> None:
        self._state = state
        self._is_first = is_first
        self._is_asked = False
        self._member = ""
        self._cases: dict[str, _Case] = {}  # whose lines are being read, by handle

    @property
    def is_done(self) -> bool:
        return not self._cases

    def plan(self, work: Work) -> None:
        self._is_asked, self._member = work.find(JudgeTasks) is not None, work.member

    def on_event(self, event: Event, agenda: Agenda) -> None:
        """Of a transaction that took effect."""
        if not self._is_asked:
            return
        is_word = event.kind in ("lines-confirmed", "lines-mismatch")
        if is_word and text(event, "member") == self._member:
            self._close(f"{LINES}/{text(event, 'bill_no')}", agenda)
        elif event.kind == "settled" if self._is_first else is_word and text(event, "what") != PERSON:
            self._begin(event, agenda)

    def resume(self, agenda: Agenda) -> None:
        """After a gap: what waits for a first word; or, for a second look, every word that stands."""
        if not self._is_asked:
            return
        for key, settlement in list(self._state.range(SETTLEMENTS, "", END)):
            word = self._state.get(WORDS, key)
            is_due = word is None if self._is_first else self._is_looked_at(word)
            bill = self._state.get(bills.BILLS, settlement.bill_no)
            psn_no, year, sequence = key.split("/")
            if is_due and bill is not None and bill.settlement == key:
                self._read(settlement.bill_no, _Case(psn_no, int(year), int(sequence)), agenda)

    def on_opened(self, opened: Opened, agenda: Agenda) -> Sequence[Note]:
        case = self._cases.pop(opened.handle, None)
        if case is None or (opened.why == "erased" and not self._is_erased_early(opened.handle, case)):
            return ()
        number = opened.handle.removeprefix(f"{LINES}/")
        bill = self._state.get(bills.BILLS, number)
        if bill is None or bill.settlement != settlement_key(*case):
            return ()  # it was reversed meanwhile
        what = self._difference(opened, bill)
        word = self._state.get(WORDS, bill.settlement)
        stage = "" if word is None else word.stage
        if what and stage != DISPUTED:
            report = ReportMismatch(*case, what)
            agenda.wish(f"mismatch:{number}:{bill.settlement}", (("settlement", "report_mismatch", report),))
        elif not what and stage != CONFIRMED and (word is None or word.what != PERSON):
            confirm = ConfirmLines(*case)
            agenda.wish(f"lines:{number}:{bill.settlement}", (("settlement", "confirm_lines", confirm),))
        if not what:
            return ()
        records = f"bill {number}; the lines do not bear out its {what}"
        finding = {"rule": "lines-differ", "records": records, "amount_fen": bill.sums.medfee_sumamt}
        return (Note("finding", finding),)

    def _is_erased_early(self, handle: str, case: _Case) -> bool:
        """Whether lines were erased while they were still to be judged: then nothing bears out what is owed."""
        tombstone, settlement = self._state.get(TOMBSTONES, handle), self._state.get(SETTLEMENTS, settlement_key(*case))
        return tombstone is not None and settlement is not None and tombstone.day <= settlement.payable_on

    def _difference(self, opened: Opened, bill: bills.Bill) -> str:
        """What the record does not bear out; "" where it bears out all."""
        if opened.record is None:
            return "commitment" if opened.why == "differs" else "missing"
        try:
            record = msgspec.msgpack.decode(opened.record, type=Lines)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, OverflowError):
            return "lines"
        return find_mismatch(
            self._state, record, opened.salt, day=bill.enddate, sums=bill.sums, sold=bill.sold, lines=bill.lines
        )

    def _begin(self, event: Event, agenda: Agenda) -> None:
        year, sequence = event.fields.get("year"), event.fields.get("sequence")
        if isinstance(year, int) and isinstance(sequence, int):
            self._read(text(event, "bill_no"), _Case(text(event, "psn_no"), year, sequence), agenda)

    def _read(self, number: str, case: _Case, agenda: Agenda) -> None:
        handle = f"{LINES}/{number}"
        self._cases[handle] = case
        agenda.read(Read(handle, PURPOSE))

    def _is_looked_at(self, word: Word | None) -> bool:
        """Whether it is another's word on lines."""
        return word is not None and word.member != self._member and word.what != PERSON

    def _close(self, handle: str, agenda: Agenda) -> None:
        """Our word stands already: history told so."""
        if self._cases.pop(handle, None) is not None:
            agenda.read_no_more(handle)
