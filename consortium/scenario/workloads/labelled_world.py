"""Persons, institutions, goods and bills of a labelled set of claims, as they are made one after the other.

Whoever makes a case says what it is about, in `label`; what makes it look like one and is none gets no label. All
persons are invented: their pseudonyms follow from the seed, and there is nothing behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from consortium.contracts.insurance import enrolment, settlement
from consortium.contracts.insurance.lines import Line, compute_sold, compute_sums
from consortium.contracts.insurance.policy import ItemVersion
from consortium.core.calendar import day_of_ordinal, ordinal_of_day
from consortium.core.codec import tagged_hash
from consortium.roles.script import Billed
from consortium.rules.facts import Insured
from consortium.rules.judge import Label
from consortium.scenario.streams import Stream

YEAR = 2026
FIRST, LAST = ordinal_of_day(20260105), ordinal_of_day(20260328)  # of services: runs happen from April on
FROM_DAY, TO_DAY = 20260101, 20270101
MAIN, SECOND, FAR, NEAR, PHARMACY = "LA1", "LA2", "LN1", "LS1", "LP1"  # institutions; the clinics come beside them
REGIONS = {FAR: "north", NEAR: "suburb"}
SERVICES = (
    "svc-consultation",
    "svc-registration",
    "svc-bed-day",
    "svc-nursing",
    "svc-ct-head",
    "svc-ct-chest",
    "svc-blood-count",
    "svc-ecg",
    "svc-prostate-exam",
    "svc-delivery",
    "svc-cervical-smear",
    "svc-newborn-care",
    "svc-geriatric-review",
    "svc-death-certificate",
    "svc-appendectomy",
    "svc-suture",
    "svc-incision",
    "svc-infusion",
    "svc-ultrasound",
    "svc-surgery",
)
FREE_DRUGS = ("drug-metformin", "drug-statin", "drug-morphine", "drug-herbal", "drug-tea")
CODED_DRUG, TONIC = "drug-coded", "goods-tonic"
TENDERED = ("drug-herbal", TONIC)
WEIGHTS = {"DRG-PNEUMONIA-MAJOR": 9_000, "DRG-BRONCHITIS": 4_000, "DRG-INFARCT": 12_000, "DRG-ANGINA": 5_000}
ITEMS: dict[str, ItemVersion] = {
    **{name: ItemVersion(FROM_DAY, "A", "service") for name in SERVICES},
    **{name: ItemVersion(FROM_DAY, "A", "drug", code_free=True) for name in FREE_DRUGS},
    CODED_DRUG: ItemVersion(FROM_DAY, "A", "drug"),
    TONIC: ItemVersion(FROM_DAY, "C", "consumable"),
}
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
UNITS = 10  # in a pack with a code


class Someone(NamedTuple):
    """An invented person, under the pseudonym of the year."""

    psn_no: str
    insured: Insured


class Order(NamedTuple):
    """So many packs of a tendered item that a clinic orders and receives."""

    fixmedins_code: str
    item: str
    packs: int


class LabelledWorld:
    """What was made so far. `unknown_bp`: how often something that a rule needs is not known to the bureau."""

    def __init__(self, seed: int, unknown_bp: int) -> None:
        self._seed, self._unknown_bp = seed, unknown_bp
        self._draw = Stream(seed, "labelled", "world")
        self.persons: list[tuple[Someone, tuple[enrolment.Period, ...]]] = []
        self.claims: list[Billed] = []
        self.reversed: list[str] = []  # persons whose only settlement is reversed before the later claims
        self.late: list[Billed] = []  # claimed after that
        self.changes: dict[str, tuple[tuple[enrolment.Period, ...], int]] = {}  # new periods, died on
        self.orders: list[Order] = []
        self.clinics: list[str] = []
        self.codes: list[tuple[str, str]] = []  # trace code, institution that holds it
        self.lines: dict[str, tuple[Line, ...]] = {}
        self.diagnoses: dict[str, str] = {}
        self.labels: list[Label] = []

    # --- persons and places ------------------------------------------------------------------------------------------

    def person(
        self,
        *,
        sex: str = "",
        years: int = 0,
        phone: str = "",
        region: str = "",
        person: str = "",
        periods: tuple[enrolment.Period, ...] = (),
    ) -> Someone:
        """`years`: of age when the year begins, 0 = any. `person`: who it is where known already under another
        pseudonym."""
        number = len(self.persons)
        hashed = tagged_hash(b"labelled person", str(self._seed).encode(), str(number).encode()).hex()
        psn_no = f"L{hashed[:20].translate(_LETTERS)}"  # no digits: it looks like nobody's number
        born = (YEAR - (years or 20 + self._draw.below(60))) * 10_000 + 101
        own = Insured(
            person or f"person-{number}", sex or "FM"[self._draw.below(2)], born, phone or f"phone-{number}", region
        )
        someone = Someone(psn_no, own)
        self.persons.append((someone, periods or (period(FROM_DAY, TO_DAY),)))
        return someone

    def clinic(self) -> str:
        code = f"LC{len(self.clinics):03d}"
        self.clinics.append(code)
        return code

    def pack(self, holder: str) -> str:
        """A pack of the coded drug that this institution holds."""
        code = f"{7_000_000_000 + self._seed % 10**9:010d}{len(self.codes):010d}"
        self.codes.append((code, holder))
        return code

    def receives(self, fixmedins_code: str, item: str, packs: int) -> None:
        self.orders.append(Order(fixmedins_code, item, packs))

    # --- claims ------------------------------------------------------------------------------------------------------

    def stay(
        self,
        who: Someone,
        place: str,
        first: int,
        nights: int,
        diagnosis: str = "K29.1",
        lines: tuple[Line, ...] = (),
        drg_group: str = "",
    ) -> str:
        """An inpatient claim from the day `first` (days since 1970) on, with a bed for each day; the bill's number."""
        usual = (
            Line("svc-bed-day", nights + 1, 9_000),
            Line("svc-surgery", 1, 300_000 + 100 * self._draw.below(2_000)),
        )
        last = first + nights
        return self.bill(who, place, first, last, lines or usual, diagnosis, med_type="inpatient", drg_group=drg_group)

    def visit(self, who: Someone, place: str, day: int, *lines: Line, bill_no: str = "", is_late: bool = False) -> str:
        """An outpatient claim of one day; a consultation where no lines are said."""
        charged = lines or (Line("svc-consultation", 1, 30_000 + 100 * self._draw.below(400)),)
        return self.bill(who, place, day, day, charged, med_type="outpatient", bill_no=bill_no, is_late=is_late)

    def bill(
        self,
        who: Someone,
        place: str,
        first: int,
        last: int,
        lines: Sequence[Line],
        diagnosis: str = "",
        *,
        med_type: str,
        drg_group: str = "",
        bill_no: str = "",
        is_late: bool = False,
    ) -> str:
        number = (bill_no or self.number(place)).lower()
        own, items = tuple(lines), [ITEMS[line.med_list_codg] for line in lines]
        units = [UNITS if line.trdn_flag else 1 for line in own]
        claim = settlement.IssueAndClaim(
            fixmedins_code=place,
            bill_no=number,
            patient="",
            med_type=med_type,
            begndate=day_of_ordinal(first),
            enddate=day_of_ordinal(last),
            sums=compute_sums(own, items, units),
            sold=compute_sold(own, items),
            lines=b"",
            psn_no=who.psn_no,
            drg_group=drg_group,
        )
        (self.late if is_late else self.claims).append(Billed(claim, own))
        self.lines[number] = own
        if diagnosis:
            self.diagnoses[number] = diagnosis
        return number

    def number(self, place: str) -> str:
        """Of a new bill: numbers of one institution are far apart, so that no two read alike by chance."""
        return f"{place}-{100_000 + 7 * (len(self.claims) + len(self.late))}".lower()

    def changes_to(self, who: Someone, periods: tuple[enrolment.Period, ...], died_on: int = 0) -> None:
        """What the bureau proposes and the regulator endorses when all claims are settled."""
        self.changes[who.psn_no] = periods, died_on

    # --- what is true ------------------------------------------------------------------------------------------------

    def label(self, rule: str, *records: str) -> None:
        self.labels.append(Label(rule, tuple(records)))

    def is_unknown(self) -> bool:
        """Whether the bureau happens not to know what shows this case."""
        return self._draw.below(10_000) < self._unknown_bp

    def forget(self, *numbers: str) -> None:
        """The bureau knows neither lines nor diagnoses of these bills."""
        for number in numbers:
            self.lines.pop(number, None)
            self.diagnoses.pop(number, None)

    def forget_person(self, who: Someone) -> None:
        """Nor anything of this person but who it is."""
        unknown = Someone(who.psn_no, Insured(who.insured.person, region=who.insured.region))
        self.persons = [(unknown if one is who else one, periods) for one, periods in self.persons]


def period(from_day: int, to_day: int, insutype: str = enrolment.EMPLOYEE) -> enrolment.Period:
    return enrolment.Period(from_day, to_day, insutype)
