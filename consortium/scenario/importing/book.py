"""The book of an import: every line that was read is taken, skipped, recognised as one of before, or refused."""

from __future__ import annotations

from typing import Literal

from consortium.scenario.fhir.records import PLACES_MAX, Converted, ImportFault, Refusal, Same, Unfit

Ends = Literal["never", "unreadable", "refused"]  # at what an import ends with an ImportFault
MENDS = {  # what to do about a reason; tests hold that every reason has one
    "unparsable-line": "write one JSON document a line, in UTF-8, of at most 1 MB",
    "wrong-shape": "give the element the type that FHIR R4 gives it",
    "wrong-resource-type": "put each kind of resource into a file of its name",
    "duplicate-id": "give each record an id of its own",
    "bad-id": "give it an id of 1 to 64 of A-Z a-z 0-9 - .",
    "bad-date": "write a day as 2026-05-01, or a moment with seconds and zone as 2026-05-01T09:30:00+08:00",
    "no-date": "say when it was",
    "no-birth-date": "give the birth date",
    "no-period": "say from which day the cover holds",
    "death-before-birth": "one of the two days is wrong",
    "death-day-unknown": "give the day of death (deceasedDateTime)",
    "before-birth": "the day of service or the birth date is wrong",
    "other-kind": "refer to the kind of record that is meant",
    "unknown-patient": "bring the patient's record too; it may have been refused",
    "unknown-provider": "bring the institution's record too, as a provider",
    "unknown-coverage": "bring the record of the cover too; it may have been refused",
    "no-insurance": "nobody insures it: there is nothing to settle",
    "no-coverage": "name the cover that the claim is on",
    "coverage-of-another": "name a cover of the patient",
    "not-active": "its status says that it does not count",
    "not-a-claim": "only claims are settled",
    "not-an-order": "only orders that stand are dispensed",
    "no-lines": "bill at least one line",
    "no-amount": "give the amount",
    "no-code": "give the code",
    "bad-quantity": "give a whole number of 1 to 10,000",
    "unknown-currency": "give amounts in a currency with a stated rate",
    "bad-amount": "give an amount above zero",
    "total-mismatch": "the total is to be the sum of the lines",
    "unknown-code-system": "give a code of a system that docs/mapping.md names",
    "bad-code": "a code has letters, digits and . _ : - alone",
    "wrong-cells": "a row has as many cells as the header; quote cells that hold commas",
    "bad-share": "give a share of 0 to 1 with four decimals; only class 乙 (02) has one",
    "bad-value": "give one of the values that docs/mapping.md names",
    "bill-differs": "all lines of a bill name one patient, institution, kind of care and day",
    "identity-conflict": "one identifier, two deaths: find out who it is",
    "same-number": "another claim bears this number: find out which is right",
}


class Book:
    def __init__(self, ends: Ends) -> None:
        self.ends = ends
        self._refused: dict[str, Refusal] = {}
        self._same: list[Same] = []
        self._converted: dict[str, Converted] = {}
        self.read: dict[str, int] = {}
        self.skipped: dict[str, int] = {}

    def refuse(self, unfit: Unfit, place: str) -> None:
        """Raises ImportFault where the import is to end at the first."""
        if self.ends == "refused":
            raise ImportFault(sentence_of(unfit.reason, place, unfit.element))
        known = self._refused.get(unfit.reason)
        if known is None:
            known = Refusal(unfit.reason, 0, place, unfit.element)
        places = known.places if len(known.places) >= PLACES_MAX else (*known.places, place)
        self._refused[unfit.reason] = Refusal(unfit.reason, known.count + 1, known.first, known.element, places)

    def skip(self, why: str) -> None:
        self.skipped[why] = self.skipped.get(why, 0) + 1

    def recognise(self, kind: str, why: str, first: str, again: str) -> None:
        self._same.append(Same(kind, why, first, again))

    def convert(self, rule: str, fen: int = 0) -> None:
        known = self._converted.get(rule) or Converted(rule, 0)
        self._converted[rule] = Converted(rule, known.count + 1, known.fen + fen)

    @property
    def refused(self) -> tuple[Refusal, ...]:
        return tuple(refusal for _, refusal in sorted(self._refused.items()))

    @property
    def same(self) -> tuple[Same, ...]:
        return tuple(self._same)

    @property
    def converted(self) -> tuple[Converted, ...]:
        return tuple(each for _, each in sorted(self._converted.items()))


def sentence_of(reason: str, place: str, element: str) -> str:
    """File, line, element, reason, and how to mend it."""
    where = f"{place}, {element}" if element else place
    return f"{where}: {reason}; {MENDS[reason]}"
