"""How people of a labelled set live and cheat: two ways, so that rules are not fitted to one of them."""

from __future__ import annotations

from typing import NamedTuple


class Habits(NamedTuple):
    """Ranges of what is drawn, both ends within. `odd_bp`: how often what looks like a case is one by the rule's letter
    and yet right, of ten thousand; `unknown_bp`: how often the bureau lacks what shows a case."""

    nights: tuple[int, int]
    gap_days: tuple[int, int]  # of readmissions that break the rule
    far_gap_days: tuple[int, int]  # of those that come late enough
    extra: tuple[int, int]  # what is charged above the days, or above the stock
    stock: tuple[int, int]  # packs of a clinic
    times: tuple[int, int]  # days on which one drug is dispensed too often
    sharing: tuple[int, int]  # persons of one telephone
    late_days: tuple[int, int]  # from death or lapse to the service
    illnesses: tuple[str, ...]  # categories of ICD-10
    typed: tuple[str, ...]  # ways to type a number again
    odd_bp: int
    unknown_bp: int


CITY = Habits(
    nights=(3, 7),
    gap_days=(2, 15),
    far_gap_days=(16, 20),
    extra=(2, 6),
    stock=(6, 12),
    times=(5, 7),
    sharing=(3, 4),
    late_days=(10, 20),
    illnesses=("K29", "J18", "I25", "M51", "N20"),
    typed=("letter", "point"),
    odd_bp=200,
    unknown_bp=50,
)
VILLAGE = Habits(
    nights=(1, 12),
    gap_days=(2, 9),
    far_gap_days=(17, 22),
    extra=(2, 3),
    stock=(3, 25),
    times=(5, 6),
    sharing=(3, 6),
    late_days=(8, 40),
    illnesses=("J44", "E11", "I63", "K80", "S72", "J15"),
    typed=("zero", "underscore", "letter"),
    odd_bp=300,
    unknown_bp=100,
)
HABITS = {"city": CITY, "village": VILLAGE}
