"""The cap over the pool and the large-amount scheme together: each sum that it counts, alone."""

from __future__ import annotations

import pytest

from consortium.contracts.insurance.accumulators import Used
from consortium.contracts.insurance.amounts import Amounts
from consortium.contracts.insurance.lines import Sums
from consortium.contracts.insurance.policy_pack import ILLUSTRATIVE_PACK
from consortium.contracts.insurance.settlement_rules import Terms, adjudicate

SCHEME = ILLUSTRATIVE_PACK.employee
POOL_CAP, CAP = SCHEME.pool_cap_fen, SCHEME.pool_and_hifob_cap_fen
DEAR = 5_000_000  # in scope: the pool would pay more than 4 million of it
SUMS = Sums(DEAR, 0, 0, 0, DEAR)


def settled(used: Used, *, is_inpatient: bool = True) -> Amounts:
    terms = Terms(SCHEME, is_inpatient, 3, False, False, "")
    return adjudicate(SUMS, terms, used, ILLUSTRATIVE_PACK, 0)


def test_far_below_every_cap_the_pool_pays_its_ratio_and_the_large_amount_scheme_nothing() -> None:
    amounts = settled(Used())
    assert (amounts.hifp_pay, amounts.hifob_pay) == (4_182_000, 0)  # 85 % of what is above 800 yuan


@pytest.mark.parametrize(
    ("used", "room"),
    [
        (Used(hifob_fen=CAP - 1_000_000), 1_000_000),
        (Used(hifp_fen=400_000, hifob_fen=CAP - 1_000_000), 600_000),
        (Used(hifp_fen=POOL_CAP - 300_000), 300_000),
    ],
    ids=["what large amounts took", "and what the pool took", "the pool's own cap"],
)
def test_the_pool_pays_what_the_two_caps_leave_of_the_year(used: Used, room: int) -> None:
    assert settled(used).hifp_pay == room


def test_large_amounts_pay_what_the_joint_cap_leaves_after_the_year_and_after_the_pool_of_this_claim() -> None:
    """The pool has room for 500,000 fen, and both together for 600,000."""
    used = Used(hifp_fen=POOL_CAP - 500_000, hifob_fen=CAP - POOL_CAP - 100_000)
    amounts = settled(used)
    assert (amounts.hifp_pay, amounts.hifob_pay) == (500_000, 100_000)


def test_who_is_beyond_a_cap_that_was_lowered_gets_nothing_and_owes_nothing() -> None:
    used = Used(hifp_fen=POOL_CAP - 500_000, hifob_fen=CAP - POOL_CAP + 1_000_000)
    amounts = settled(used)
    assert (amounts.hifp_pay, amounts.hifob_pay) == (0, 0)


def test_an_outpatient_meets_the_joint_cap_too() -> None:
    used = Used(hifob_fen=CAP - 1_000)
    assert settled(used, is_inpatient=False).hifp_pay == 1_000
    assert settled(Used(), is_inpatient=False).hifp_pay == SCHEME.outpatient_cap_fen, "the control"


def test_large_amounts_pay_their_ratio_of_what_the_pool_had_no_room_for() -> None:
    used = Used(hifp_fen=POOL_CAP - 850_000)
    amounts = settled(used)  # of 4,920,000 above the deductible the pool's room took 1,000,000
    assert (amounts.hifp_pay, amounts.hifob_pay) == (850_000, 3_528_000)
