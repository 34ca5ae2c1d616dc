"""Random operations of all roles over three years: after every block every account is what a reference says.

Two nodes execute each block, one of them from snapshots: receipts, refusals and state are the same, byte by byte. Chain
time goes on by years; members vote for two other policy packs and for another rule of settlement on the way.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from consortium.contracts.insurance import account_carry, drg, settlement_rules
from consortium.ledger.chain import Ledger
from tests.reference.arithmetic import Used
from tests.reference.book import Book
from tests.reference.run import Run, Told, Wrong

SHORT, LONG = 2_000, 100_000
MET = (  # at least so often in the short walk
    ("settlement.issue_and_claim ok", 100),
    ("settlement.claim ok", 10),
    ("settlement.reverse ok", 30),
    ("settlement.reverse not-newest", 1),
    ("settlement.confirm_lines ok", 20),
    ("settlement.report_mismatch ok", 5),
    ("settlement.release ok", 10),
    ("patient_claim.claim ok", 3),
    ("patient_claim.settle ok", 3),
    ("settlement.claim claim-waits", 3),
    ("bill.reverse claim-waits", 1),
    ("account_carry.carry_out ok", 5),
    ("account_carry.carry_in ok", 5),
    ("account_carry.carry_in amount-stands-out", 1),
    ("fund_transfer.propose bad-account", 1),
    ("fund_transfer.endorse same-organisation", 2),
    ("hold.place ok", 5),
    ("hold.endorse_lift ok", 5),
    ("bill.reverse ok", 5),
    ("institution.disburse ok", 10),
    ("enrolment.endorse_change ok", 10),
    ("enrolment.record_contribution ok", 20),
    ("procurement.prepay ok", 5),
    ("procurement.pay ok", 10),
)
VOTES = 16  # at least, in a walk of any length: it has the same few changes of rules


def _assert_much_was_met(told: Told, times: int) -> None:
    few = {name: told.outcomes[name] for name, least in MET if told.outcomes[name] < least * times}
    assert not few and told.outcomes["governance.vote ok"] >= VOTES, few
    refused: Counter[str] = Counter()
    for name, count in told.outcomes.items():
        refused["refused"] += 0 if name.endswith(" ok") else count
    assert 0.1 < refused["refused"] / told.operations < 0.6


def test_a_walk_of_all_roles_over_three_years_is_to_the_fen_what_the_reference_says() -> None:
    told = Run(1, SHORT).run()
    _assert_much_was_met(told, 1)
    assert told.operations >= SHORT and told.days[1] > 20281200


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
def test_a_long_walk_of_all_roles_over_three_years_is_to_the_fen_what_the_reference_says() -> None:
    told = Run(2, LONG).run()
    _assert_much_was_met(told, 20)
    assert told.operations >= LONG


# --- positive controls: a contract that is wrong by a fen, and a node that executes otherwise, are seen -------------


def test_a_contract_that_rounds_otherwise_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(numerator: int, denominator: int) -> int:
        return numerator // denominator

    monkeypatch.setattr(settlement_rules, "divide_half_up", down)
    with pytest.raises(Wrong, match=r"\(ledger, reference\)"):
        Run(1, SHORT).run()


def test_an_accumulator_that_a_reversal_leaves_as_it_is_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    count = Book.count

    def forgetful(self: Book, year: Any, settled: Any, kind: Any, sign: int) -> None:
        if sign > 0:
            count(self, year, settled, kind, sign)

    monkeypatch.setattr(Book, "count", forgetful)
    with pytest.raises(Wrong):
        Run(1, SHORT).run()


def test_schemes_that_share_their_caps_longer_than_the_members_voted_for_are_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def joint(self: Book, year: Any, scheme: Any) -> Used:
        return year.used["employee"].plus(year.used["resident"])  # type: ignore[no-any-return]

    monkeypatch.setattr(Book, "used", joint)
    with pytest.raises(Wrong, match=r"^2028|^2027|^\w+ in 202[78]"):
        Run(1, SHORT).run()


def test_a_case_that_is_paid_otherwise_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    compute = drg.compute_drg_payment
    for module in ("claim", "settlement"):
        target = f"consortium.contracts.insurance.{module}.compute_drg_payment"
        monkeypatch.setattr(target, lambda *given: compute(*given) + 1, raising=False)
    with pytest.raises(Wrong):
        Run(1, SHORT).run()


def test_a_contract_that_asks_for_more_amounts_alike_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_carry, "ALIKE_MIN", 6)
    with pytest.raises(Wrong, match="the ledger: amount-stands-out"):
        Run(1, SHORT).run()


def test_a_node_that_began_at_another_state_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    state_at = Ledger.state_at

    def without_one(self: Ledger, height: int) -> list[tuple[bytes, bytes]] | None:
        rows = state_at(self, height)
        assert rows is not None
        return rows[:-1]

    monkeypatch.setattr(Ledger, "state_at", without_one)
    with pytest.raises(Exception, match="state root"):
        Run(1, SHORT).run()
