"""What can be counted over persons for the public, and by how much one person changes each answer, at most.

Cells are those that anybody could name beforehand (schemes, institutions), also where nothing is in them: that a cell
is there tells of nobody. A person counts as one person-year, and for no more than its answer says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from consortium.contracts.insurance.enrolment import SCHEMES
from consortium.contracts.insurance.institution import INSTITUTIONS
from consortium.contracts.insurance.journal import SETTLEMENTS, Settlement
from consortium.core.contract import StateReader

STAYS_MAX = 3  # of a person that count
FUND_FEN_MAX = 5_000_000  # of a person that count
END = "~"


class Question(NamedTuple):
    """`answer(state, year)`: the exact answer, which is for nobody's eyes. `unit`: of its numbers."""

    name: str
    sentence: str
    unit: str
    sensitivity: int
    answer: Callable[[StateReader, int], Mapping[str, int]]


def _of_persons(state: StateReader, year: int) -> Iterator[list[Settlement]]:
    """The settlements of each person-year that stand, in their order; of persons that have any."""
    psn_no, held = "", dict[int, Settlement]()
    for key, settlement in state.range(SETTLEMENTS, "", END):
        of, in_year, sequence = key.split("/")
        if of != psn_no:
            if held:
                yield list(held.values())
            psn_no, held = of, {}
        if int(in_year) != year:
            continue
        if settlement.reverses:
            held.pop(settlement.reverses, None)
        else:
            held[int(sequence)] = settlement
    if held:
        yield list(held.values())


def _persons_by_scheme(state: StateReader, year: int) -> Mapping[str, int]:
    """Under the scheme of its first settlement."""
    counted = Counter(settlements[0].insutype for settlements in _of_persons(state, year))
    return {scheme: counted[scheme] for scheme in SCHEMES}


def _stays_by_institution(state: StateReader, year: int) -> Mapping[str, int]:
    counted: Counter[str] = Counter()
    for settlements in _of_persons(state, year):
        stays = [each.fixmedins_code for each in settlements if each.med_type == "inpatient"]
        counted.update(stays[:STAYS_MAX])
    return {code: counted[code] for code, _ in state.range(INSTITUTIONS, "", END)}


def _fund_pay_by_institution(state: StateReader, year: int) -> Mapping[str, int]:
    counted: Counter[str] = Counter()
    for settlements in _of_persons(state, year):
        left = FUND_FEN_MAX
        for each in settlements:
            paid = min(left, max(0, each.amounts.fund_pay_sumamt))
            counted[each.fixmedins_code] += paid
            left -= paid
    return {code: counted[code] for code, _ in state.range(INSTITUTIONS, "", END)}


QUESTIONS: Mapping[str, Question] = {
    one.name: one
    for one in (
        Question("persons-by-scheme", "persons that anything was settled for", "persons", 1, _persons_by_scheme),
        Question(
            "stays-by-institution",
            f"stays in hospital, {STAYS_MAX} a person at most",
            "stays",
            STAYS_MAX,
            _stays_by_institution,
        ),
        Question(
            "fund-pay-by-institution",
            f"what the funds paid, {FUND_FEN_MAX // 100} yuan a person at most",
            "fen",
            FUND_FEN_MAX,
            _fund_pay_by_institution,
        ),
    )
}
