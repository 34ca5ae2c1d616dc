"""Version 3 of settlement beside a reference: off-site care, premiums and months, to the fen, over three years."""

from __future__ import annotations

import pytest

from consortium.contracts.insurance import claim, month_totals
from tests.reference.run import Wrong
from tests.reference.travelling import TravelRun

SHORT, LONG = 2_000, 50_000
MET = (  # at least so often in the short walk
    ("settlement.issue_and_claim ok", 50),
    ("settlement.issue_and_claim premium-unpaid", 5),
    ("settlement.issue_and_claim offsite-is-recorded", 3),
    ("settlement.reverse ok", 15),
    ("settlement.report_mismatch ok", 3),
    ("patient_claim.settle ok", 1),
    ("offsite.file ok", 20),
    ("offsite.file at-home", 5),
    ("offsite.refer ok", 5),
    ("offsite.refer not-at-home", 5),
    ("offsite.withdraw ok", 5),
    ("offsite.place ok", 5),
)


def test_a_walk_under_version_3_is_to_the_fen_what_the_reference_says() -> None:
    told = TravelRun(1, SHORT).run()
    few = {name: told.outcomes[name] for name, least in MET if told.outcomes[name] < least}
    assert not few, few


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
def test_a_long_walk_under_version_3_is_to_the_fen_what_the_reference_says() -> None:
    TravelRun(2, LONG).run()


def test_a_filing_that_is_not_looked_up_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "find_offsite", lambda *_: "")
    with pytest.raises(Wrong, match=r"\(ledger, reference\)"):
        TravelRun(1, SHORT).run()


def test_a_month_that_counts_no_reversal_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = {kind: count for kind, count in month_totals._COUNTED.items() if kind != "settlement-reversed"}
    monkeypatch.setattr(month_totals, "_COUNTED", counted)
    with pytest.raises(Wrong):
        TravelRun(1, SHORT).run()
