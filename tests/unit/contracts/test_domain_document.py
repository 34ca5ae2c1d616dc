"""The worked cases that docs/domain.md states are what the contracts compute."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from consortium.contracts.insurance import accumulators
from consortium.contracts.insurance.accumulators import Accumulator, OfScheme, Used
from consortium.contracts.insurance.amounts import Amounts
from consortium.contracts.insurance.dip_rules import compute_case_points, compute_dues
from consortium.contracts.insurance.drg import compute_drg_payment
from consortium.contracts.insurance.lines import Line, Sums
from consortium.contracts.insurance.policy_pack import ILLUSTRATIVE_PACK
from consortium.contracts.insurance.second_rules import Cover, compute_benefit
from consortium.contracts.insurance.settlement_rules import Terms, adjudicate
from tests.contracts_state import founded
from tests.unit.contracts.test_schemes_and_years import RESIDENT_STAY, of_both
from tests.unit.contracts.test_settlement_cases import CASE_A, fund_account

PAGE = Path(__file__).resolve().parents[3] / "docs" / "domain.md"
DIP_COSTS = {"DIP": 1_000_000, "DIP dear": 2_500_000, "DIP cheap": 250_000}  # of a mean of 10,000 yuan
CASES = (
    "A",
    "A′",
    "B",
    "C",
    "two schemes",
    "exhausted",
    "rounding",
    "DRG",
    "DRG high",
    "DRG low",
    *DIP_COSTS,
    "A, then 商保",
)
ROW = re.compile(rf"^\| ({'|'.join(CASES)}) \|[^|]*\| `?(\w+)`? \| ([\d,]+\.\d\d) \|$", re.MULTILINE)


def stated() -> list[tuple[str, str, int]]:
    """Case, amount's name, fen: each row of the page's table."""
    text = PAGE.read_text(encoding="utf-8")
    return [(case, name, int(re.sub(r"[,.]", "", value))) for case, name, value in ROW.findall(text)]


def amounts_of(case: str) -> Amounts:
    house = founded()
    if case == "A":
        fund_account(house, "E", 500_000)
        return house.claim("E", CASE_A).amounts
    if case == "A′":
        return house.claim("E", CASE_A, offsite="unfiled").amounts
    if case == "B":
        used = Accumulator(sequence=1, newest=0, stays=1, employee=OfScheme(hifp_fen=10_000_000))
        house.state.put(accumulators.ACCUMULATORS, "R/2026", used)
        return house.claim("R", (Line("A", 1, 6_000_000),), fixmedins_code="H2").amounts
    if case == "C":
        return house.claim("A", (Line("A", 1, 15_800_000), Line("C", 1, 2_200_000))).amounts
    if case in SECOND_STAYS:
        first_fen, second_fen = SECOND_STAYS[case]
        person = of_both(house)
        house.claim(person, (Line("A", 1, first_fen),))
        return house.claim(person, (Line("A", 1, second_fen),), **RESIDENT_STAY).amounts
    assert case == "rounding"
    terms = Terms(ILLUSTRATIVE_PACK.employee, True, 3, False, False, "")
    return adjudicate(Sums(90_010, 0, 0, 0, 90_010), terms, Used(), ILLUSTRATIVE_PACK, 0)


SECOND_STAYS: Mapping[str, tuple[int, int]] = {
    "two schemes": (15_000_000, 10_040_000),
    "exhausted": (40_000_000, 1_040_000),
}
DRG_COSTS: Mapping[str, int] = {"DRG": 800_000, "DRG high": 2_000_000, "DRG low": 200_000}


@pytest.mark.parametrize(("case", "name", "fen"), stated())
def test_a_worked_case_of_the_page_is_what_the_contracts_pay(case: str, name: str, fen: int) -> None:
    if case == "A, then 商保":
        policy = Cover(200_000, 10**8, 8_000, 5_000)
        assert compute_benefit(amounts_of("A"), policy).benefit_fen == fen
    elif case in DRG_COSTS:
        assert compute_drg_payment(5_660, 1_000_000, 10_500, DRG_COSTS[case], 30_000, 4_000) == fen
    elif case in DIP_COSTS:
        points = compute_case_points(85_324, 10_500, 1_000_000, DIP_COSTS[case], 5_000, 20_000)
        assert compute_dues({"first": points, "second": 97_500_000}, 10_000_000, 10**9)["first"] == fen
    else:
        assert getattr(amounts_of(case), name) == fen


def test_the_page_states_every_case() -> None:
    assert {case for case, _, _ in stated()} == set(CASES)
    assert len(stated()) == 25
