"""What rules know of items, groups and diagnoses: an illustrative base of knowledge 知识库, as values of parameters.

Prefixes of `med_list_codg` stand for families of items. A region puts its own in place of them: every value here is the
default of a parameter, and no rule looks anywhere else.
"""

from __future__ import annotations

import msgspec


class PerDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Items that begin with `prefix` are charged at most `most` times on each day of service."""

    prefix: str
    most: int = 1


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Items that begin with `prefix` are of one sex ("" of both) and of an age of [from_years, to_years]; but not where
    the same bill holds an item that begins with `save`: a newborn is on its mother's bill."""

    prefix: str
    sex: str = ""
    from_years: int = 0
    to_years: int = 200
    save: str = ""


class Package(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What begins with `whole` contains what begins with one of `parts`: they are not charged beside it."""

    whole: str
    parts: tuple[str, ...]


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A DRG group is of main diagnoses of these ICD-10 categories."""

    drg_group: str
    categories: tuple[str, ...]


class Swap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`billed` may stand on bills for `supplied`, which the funds do not pay."""

    billed: str
    supplied: str


PER_DAY = (PerDay("svc-bed-day"), PerDay("svc-nursing"), PerDay("svc-oxygen-hour", 24))
ONCE_A_DAY = (PerDay("svc-ct"), PerDay("svc-blood-count"), PerDay("svc-ecg"), PerDay("svc-dialysis"))
PACKAGES = (Package("svc-appendectomy", ("svc-incision", "svc-suture")), Package("svc-health-check", ("svc-weighing",)))
LIMITS = (
    Limit("svc-prostate", sex="M"),
    Limit("svc-delivery", sex="F", from_years=12, to_years=58),
    Limit("svc-cervical", sex="F", from_years=12),
    Limit("svc-newborn", to_years=0, save="svc-delivery"),
    Limit("svc-geriatric", from_years=60),
)
GROUPS = (
    Group("DRG-PNEUMONIA-MAJOR", ("J15", "J18")),
    Group("DRG-BRONCHITIS", ("J20", "J40", "J15", "J18")),
    Group("DRG-INFARCT", ("I21", "I22")),
    Group("DRG-ANGINA", ("I20", "I25", "I21", "I22")),
)
SWAPS = (Swap("drug-herbal", "goods-tonic"), Swap("drug-patch", "goods-cosmetic"))
CYCLES = ("Z51", "Z49")  # chemotherapy and other treatment in cycles; dialysis
CERTIFICATES = ("svc-death-certificate", "svc-mortuary")
