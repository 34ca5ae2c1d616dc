"""Clinical trials as the ledger has them: protocols, subjects, data sets of sites, and who may read them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.contracts.checks import check_identifier
from consortium.core.codec import Digest
from consortium.core.contract import Life, Move, Refused, StateReader, Table
from consortium.core.vault import Entry

KIND = "dataset"
REGISTERED, APPROVED, REJECTED, PUBLISHED = "registered", "approved", "rejected", "published"
JOINED, WITHDRAWN = "joined", "withdrawn"
CURRENT, SUPERSEDED, VOID = "current", "superseded", "void"
READERS_MAX = 64  # of one data set, ever


class Ethics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by member: the regulator takes its word on protocols since this day."""

    since_day: int


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by its number, which begins with the sponsor's name. `protocol`, `result`: digests of documents that lie
    elsewhere. `rests_on`: the data sets that the result is of."""

    sponsor: str
    ethics: str
    protocol: Digest
    sites: tuple[str, ...]
    stage: str
    registered_on: int
    approved_on: int = 0
    result: bytes = b""
    published_on: int = 0
    rests_on: tuple[str, ...] = ()


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "trial/pseudonym": who takes part at which site, by its own word."""

    site: str
    stage: str
    day: int


class DataSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "trial/site/version". The record lies in the site's vault; `fields` commits to its rows one by one.
    `readers`: who was ever granted it."""

    commitment: Digest
    fields: Digest
    rows: int
    subjects: tuple[str, ...]
    stage: str
    day: int
    readers: tuple[str, ...] = ()


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "trial/site": its newest version."""

    version: int


class HeldData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "site/trial/site/version": this member keeps it."""

    since_day: int


class DataAccess(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "member/trial/site/version": may read it before `to_day`. `is_over`: that was rung."""

    to_day: int
    is_over: bool = False


ETHICS: Table[Ethics] = Table("ethics", Ethics)
TRIALS: Table[Trial] = Table("trial", Trial, told_as="trial")
SUBJECTS: Table[Subject] = Table("trial_subject", Subject)
DATA_SETS: Table[DataSet] = Table("data_set", DataSet, told_as="data-set")
SITES: Table[Site] = Table("trial_site", Site)
HELD_DATA: Table[HeldData] = Table("data_held", HeldData)
ACCESSES: Table[DataAccess] = Table("data_access", DataAccess)
LIFE = Life(
    TRIALS,
    (
        Move("", "register", REGISTERED),
        Move(REGISTERED, "approve", APPROVED),
        Move(REGISTERED, "reject", REJECTED),
        Move(APPROVED, "publish_result", PUBLISHED),
    ),
    code="not-approved",
)
SUBJECT_LIFE = Life(
    SUBJECTS,
    (
        Move("", "join", JOINED),
        Move(JOINED, "withdraw_subject", WITHDRAWN),
        Move(JOINED, "withdraw_for", WITHDRAWN),
    ),
    code="subject-withdrawn",
)


def get_trial(state: StateReader, trial_no: str) -> Trial:
    """Refuses `bad-identifier`, `unknown-trial`."""
    check_identifier(trial_no, "trial_no")
    trial = state.get(TRIALS, trial_no)
    if trial is None:
        raise Refused("unknown-trial", "no such trial is registered")
    return trial


def data_key(trial_no: str, site: str, version: int) -> str:
    return f"{trial_no}/{site}/{version:04d}"


def find_newest(state: StateReader, trial_no: str, site: str) -> tuple[str, DataSet | None]:
    """The key of a site's newest data set, and the data set unless it is void; no key where there never was one."""
    newest = state.get(SITES, f"{trial_no}/{site}")
    if newest is None:
        return "", None
    key = data_key(trial_no, site, newest.version)
    data = state.get(DATA_SETS, key)
    return key, data if data is not None and data.stage == CURRENT else None


def find_data(state: StateReader, key: str) -> Entry | None:
    """What vaults ask: held by its site, readable by whom it is granted to."""
    data = state.get(DATA_SETS, key)
    if data is None:
        return None
    _, site, _ = key.split("/")
    readers = tuple(name for name in data.readers if _may_read(state, name, key, data))
    return Entry(data.commitment, (site,), readers, once=data.readers)


def _may_read(state: StateReader, member: str, key: str, data: DataSet) -> bool:
    access = state.get(ACCESSES, f"{member}/{key}")
    return access is not None and not access.is_over and data.stage != VOID


def data_held_by(state: StateReader, member: str) -> Iterator[str]:
    prefix = f"{member}/"
    return (key.removeprefix(prefix) for key, _ in state.range(HELD_DATA, prefix, f"{member}0"))


def data_ended(state: StateReader, member: str, trial_no: str = "") -> Iterator[str]:
    """Data sets that this member was granted, and may read no longer: of one trial, or of all."""
    prefix = f"{member}/{trial_no}/" if trial_no else f"{member}/"
    for key, _ in list(state.range(ACCESSES, prefix, f"{prefix[:-1]}0")):
        name = key.removeprefix(f"{member}/")
        data = state.get(DATA_SETS, name)
        if data is None or not _may_read(state, member, name, data):
            yield name
