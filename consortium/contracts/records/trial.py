"""Clinical trials 临床试验数据共享: what was planned, who approved it, on which data it rests, as they were.

A sponsor registers the digest of its protocol, before there are data; a committee that the regulator accredited
approves it. Persons take part by their own voice. Each site commits to its data set, which stays in its vault, and
grants it to researchers until a day. A result names the data sets that it rests on; from then on nothing is committed
any more.

A person withdraws at any moment. Before the result is published the data set that it is in becomes void: every vault
erases it, and the site commits to another one without the person. What a published result rests on stays as it was.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from msgspec.structs import replace

from consortium.contracts.access import BY_ALL, HOSPITAL, NOBODY, REGULATOR, SUPERVISORS, among
from consortium.contracts.checks import check_count, check_digest, check_identifier, check_own_number, check_range
from consortium.contracts.oversight import due
from consortium.contracts.oversight.due import Ring
from consortium.contracts.records.consents import check_end
from consortium.contracts.records.delegations import TRIAL, check_delegate, find_delegates
from consortium.contracts.records.tombstones import bury, check_not_erased
from consortium.contracts.records.trial_records import (
    ACCESSES,
    APPROVED,
    CURRENT,
    DATA_SETS,
    ETHICS,
    HELD_DATA,
    JOINED,
    KIND,
    LIFE,
    PUBLISHED,
    READERS_MAX,
    SITES,
    SUBJECT_LIFE,
    SUBJECTS,
    SUPERSEDED,
    TRIALS,
    VOID,
    DataAccess,
    DataSet,
    Ethics,
    HeldData,
    Site,
    Subject,
    Trial,
    data_ended,
    data_held_by,
    data_key,
    find_data,
    find_newest,
    get_trial,
)
from consortium.core.contract import GENESIS, Context, Contract, Event, Operation, Refused, State, StateReader, Whose
from consortium.core.registry import newest_epoch
from consortium.core.spoken import Speech
from consortium.core.vault import RecordKind

RESEARCHER = "researcher"
END_ACCESS = "trial.end_access"
SITES_MAX, SUBJECTS_MAX, ROWS_MAX = 32, 500, 256
SUBJECT_LEFT = "subject-left"  # the reason of a data set that is erased because a person withdrew


class Accredit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Take this member's word on protocols."""

    member: str


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Plan a trial. `trial_no`: begins with the sponsor's name and ":". `protocol`: SHA-256 of the document. `ethics`:
    the committee that is asked. `sites`: members that will commit to data."""

    trial_no: str
    protocol: bytes
    ethics: str
    sites: tuple[str, ...]


class OfTrial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which trial."""

    trial_no: str


class Join(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says to take part, at this site."""

    trial_no: str
    site: str


class Withdraw(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says to take part no longer."""

    trial_no: str


class WithdrawFor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As Withdraw, by a member to which the person has delegated it."""

    trial_no: str
    patient: str


class CommitData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A site's data set: the commitment to the whole record, and to its rows one by one. `subjects`: whom it is about,
    all of whom take part at this site. Said again, it supersedes the version before."""

    trial_no: str
    commitment: bytes
    fields: bytes
    rows: int
    subjects: tuple[str, ...]


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Let a member read the site's newest data set, of this version, before `to_day`."""

    trial_no: str
    version: int
    researcher: str
    to_day: int


class Publish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The digest of the document that says what came out. It rests on the newest data set of every site."""

    trial_no: str
    result: bytes


JOIN: Speech[Join] = Speech("trial", "join", Join)
WITHDRAW: Speech[Withdraw] = Speech("trial", "withdraw_subject", Withdraw)


def _accredit(state: State, arguments: Accredit, context: Context) -> list[Event]:
    check_identifier(arguments.member, "member")
    state.put(ETHICS, arguments.member, Ethics(context.day))
    return [Event("ethics-accredited", {"member": arguments.member})]


def _register(state: State, arguments: Register, context: Context) -> list[Event]:
    number = arguments.trial_no
    check_own_number(number, context.member, "trial_no")
    check_digest(arguments.protocol, "protocol")
    check_count(len(set(arguments.sites)), SITES_MAX, "sites")
    epoch = newest_epoch(state)
    for site in arguments.sites:
        if epoch is None or site not in epoch.by_name:
            raise Refused("unknown-member", "every site must be a member")
    if arguments.ethics == context.member or state.get(ETHICS, arguments.ethics) is None:
        raise Refused("not-accredited", "a protocol is judged by another member, which the regulator accredited")
    if state.get(TRIALS, number) is not None:
        raise Refused("trial-exists", f"the trial {number} is registered already")
    stage = LIFE.move("register", "", f"the trial {number}")
    sites = tuple(sorted(set(arguments.sites)))
    trial = Trial(context.member, arguments.ethics, arguments.protocol, sites, stage, context.day)
    state.put(TRIALS, number, trial)
    return [_told("trial-registered", number, sponsor=context.member, ethics=arguments.ethics)]


def _told(kind: str, trial_no: str, **more: int | str) -> Event:
    return Event(kind, {"trial_no": trial_no, **more})


def _approve(state: State, arguments: OfTrial, context: Context) -> list[Event]:
    trial = get_trial(state, arguments.trial_no)
    stage = LIFE.move("approve", trial.stage, f"the trial {arguments.trial_no}")
    state.put(TRIALS, arguments.trial_no, replace(trial, stage=stage, approved_on=context.day))
    return [_told("trial-approved", arguments.trial_no, ethics=context.member)]


def _reject(state: State, arguments: OfTrial, context: Context) -> list[Event]:
    trial = get_trial(state, arguments.trial_no)
    stage = LIFE.move("reject", trial.stage, f"the trial {arguments.trial_no}")
    state.put(TRIALS, arguments.trial_no, replace(trial, stage=stage))
    return [_told("trial-rejected", arguments.trial_no, ethics=context.member)]


def _check_open(trial: Trial, trial_no: str) -> None:
    """Data come in. Refuses `sealed`, `not-approved`."""
    if trial.stage == PUBLISHED:
        raise Refused("sealed", f"the result of {trial_no} is published: its data are what they were")
    if trial.stage != APPROVED:
        raise Refused("not-approved", f"no committee has approved {trial_no}")


# --- persons ---------------------------------------------------------------------------------------------------------


def _join(state: State, said: Join, pseudonym: str, context: Context) -> list[Event]:
    trial = get_trial(state, said.trial_no)
    _check_open(trial, said.trial_no)
    if said.site not in trial.sites:
        raise Refused("unknown-site", "this member is no site of the trial")
    key = f"{said.trial_no}/{pseudonym}"
    before = state.get(SUBJECTS, key)
    stage = SUBJECT_LIFE.move("join", SUBJECT_LIFE.stage_of(before), "who wants to take part")
    state.put(SUBJECTS, key, Subject(said.site, stage, context.day))
    return [_told("subject-joined", said.trial_no, subject=pseudonym, site=said.site)]


def _withdraw_subject(state: State, said: Withdraw, pseudonym: str, context: Context) -> list[Event]:
    return _withdraw(state, said.trial_no, pseudonym, "withdraw_subject", context)


def _withdraw_for(state: State, arguments: WithdrawFor, context: Context) -> list[Event]:
    check_delegate(state, arguments.patient, TRIAL, context)
    return _withdraw(state, arguments.trial_no, arguments.patient, "withdraw_for", context)


def _withdraw(state: State, trial_no: str, pseudonym: str, verb: str, context: Context) -> list[Event]:
    """Refuses `unknown-subject`, `subject-withdrawn`."""
    trial, key = get_trial(state, trial_no), f"{trial_no}/{pseudonym}"
    subject = state.get(SUBJECTS, key)
    if subject is None:
        raise Refused("unknown-subject", "the speaker takes no part in this trial")
    stage = SUBJECT_LIFE.move(verb, subject.stage, "who wants to withdraw")
    state.put(SUBJECTS, key, Subject(subject.site, stage, context.day))
    told = [_told("subject-withdrawn", trial_no, subject=pseudonym, site=subject.site)]
    if trial.stage != PUBLISHED:
        told += _make_void(state, trial_no, subject.site, pseudonym, context)
    return told


def _make_void(state: State, trial_no: str, site: str, pseudonym: str, context: Context) -> list[Event]:
    """All versions of the site that the person is in are erased wherever they lie."""
    newest = state.get(SITES, f"{trial_no}/{site}")
    told: list[Event] = []
    for version in range(1, 1 if newest is None else newest.version + 1):
        key = data_key(trial_no, site, version)
        data = state.get(DATA_SETS, key)
        if data is None or data.stage == VOID or pseudonym not in data.subjects:
            continue
        entry = find_data(state, key)
        assert entry is not None
        state.put(DATA_SETS, key, replace(data, stage=VOID))
        told.append(_told("data-void", trial_no, site=site, version=version))
        told.append(bury(state, f"{KIND}/{key}", entry, SUBJECT_LEFT, context))
    return told


# --- data ------------------------------------------------------------------------------------------------------------


def _commit_data(state: State, arguments: CommitData, context: Context) -> list[Event]:
    trial_no, site = arguments.trial_no, context.member
    trial = get_trial(state, trial_no)
    _check_open(trial, trial_no)
    check_digest(arguments.commitment, "commitment")
    check_digest(arguments.fields, "fields")
    check_range(arguments.rows, 1, ROWS_MAX, "rows")
    check_count(len(arguments.subjects), SUBJECTS_MAX, "subjects")
    for pseudonym in arguments.subjects:
        _check_takes_part(state, trial_no, site, pseudonym)
    newest, (before, data) = state.get(SITES, f"{trial_no}/{site}"), find_newest(state, trial_no, site)
    if data is not None:
        state.put(DATA_SETS, before, replace(data, stage=SUPERSEDED))
    version = 1 if newest is None else newest.version + 1
    check_range(version, 1, 9_999, "version")
    key = data_key(trial_no, site, version)
    subjects = tuple(sorted(set(arguments.subjects)))
    made = DataSet(arguments.commitment, arguments.fields, arguments.rows, subjects, CURRENT, context.day)
    state.put(DATA_SETS, key, made)
    state.put(SITES, f"{trial_no}/{site}", Site(version))
    state.put(HELD_DATA, f"{site}/{key}", HeldData(context.day))
    return [_told("data-committed", trial_no, handle=f"{KIND}/{key}", site=site, version=version, rows=arguments.rows)]


def _check_takes_part(state: StateReader, trial_no: str, site: str, pseudonym: str) -> None:
    """Refuses `bad-identifier`, `unknown-subject`, `subject-withdrawn`."""
    check_identifier(pseudonym, "subject")
    subject = state.get(SUBJECTS, f"{trial_no}/{pseudonym}")
    if subject is None or subject.site != site:
        raise Refused("unknown-subject", "a data set is about persons that take part at its site by their own word")
    if subject.stage != JOINED:
        raise Refused("subject-withdrawn", "a person that withdrew is in no data set any more")


def _grant(state: State, arguments: Grant, context: Context) -> list[Event]:
    """By the site, of its own data. Refuses `data-missing`, `not-researcher`."""
    trial_no = arguments.trial_no
    trial = get_trial(state, trial_no)
    if trial.stage not in (APPROVED, PUBLISHED):
        raise Refused("not-approved", f"no committee has approved {trial_no}")
    check_end(arguments.to_day, context)
    key, data = find_newest(state, trial_no, context.member)
    if data is None or key != data_key(trial_no, context.member, arguments.version):
        raise Refused("data-missing", "the site has no data set of this version that stands")
    check_not_erased(state, f"{KIND}/{key}")
    epoch = newest_epoch(state)
    member = None if epoch is None else epoch.by_name.get(arguments.researcher)
    if member is None or member.role not in (RESEARCHER, HOSPITAL):
        raise Refused("not-researcher", "data of a trial are granted to researchers and hospitals")
    readers = tuple(sorted({*data.readers, arguments.researcher}))
    check_count(len(readers), READERS_MAX, "members that were granted the data")
    place = f"{arguments.researcher}/{key}"
    before = state.get(ACCESSES, place)
    if before is not None:
        due.clear(state, before.to_day, END_ACCESS, place)
    state.put(DATA_SETS, key, replace(data, readers=readers))
    state.put(ACCESSES, place, DataAccess(arguments.to_day))
    due.put(state, arguments.to_day, END_ACCESS, place, context)
    fields = {"handle": f"{KIND}/{key}", "site": context.member, "member": arguments.researcher}
    return [_told("data-granted", trial_no, **fields, to_day=arguments.to_day)]


def _end_access(state: State, ring: Ring, context: Context) -> list[Event]:
    access = state.get(ACCESSES, ring.key)
    if not due.take(state, ring, END_ACCESS, context) or access is None:
        return []
    state.put(ACCESSES, ring.key, replace(access, is_over=True))
    member, trial_no, site, _ = ring.key.split("/")
    return [_told("data-access-ended", trial_no, site=site, member=member, leave_of=trial_no)]


def _publish_result(state: State, arguments: Publish, context: Context) -> list[Event]:
    """Refuses `data-missing` where a site has no data set that stands."""
    trial_no = arguments.trial_no
    trial = get_trial(state, trial_no)
    check_digest(arguments.result, "result")
    stage = LIFE.move("publish_result", trial.stage, f"the trial {trial_no}")
    found = [find_newest(state, trial_no, site) for site in trial.sites]
    if any(data is None for _, data in found):
        raise Refused("data-missing", "a result rests on a data set of every site")
    rests_on = tuple(key for key, _ in found)
    published = replace(trial, stage=stage, result=arguments.result, published_on=context.day, rests_on=rests_on)
    state.put(TRIALS, trial_no, published)
    return [_told("result-published", trial_no, sponsor=context.member, data_sets=len(rests_on))]


def _sponsor(state: StateReader, arguments: Publish) -> Collection[str]:
    trial = state.get(TRIALS, arguments.trial_no)
    return NOBODY if trial is None else (trial.sponsor,)


def _committee(state: StateReader, arguments: OfTrial) -> Collection[str]:
    trial = state.get(TRIALS, arguments.trial_no)
    return NOBODY if trial is None else (trial.ethics,)


def _sites(state: StateReader, arguments: CommitData | Grant) -> Collection[str]:
    trial = state.get(TRIALS, arguments.trial_no)
    return NOBODY if trial is None else trial.sites


def _delegates(state: StateReader, arguments: WithdrawFor) -> Collection[str]:
    return tuple(find_delegates(state, arguments.patient))


PRIVATE = RecordKind(KIND, find_data, data_held_by, ended_for=data_ended, fields_in="data-set")
_BY_RESEARCHERS = among(RESEARCHER, HOSPITAL)
_OF_ETHICS = Whose(_committee, owner="who judges the protocol")
_OF_SITE = Whose(_sites, owner="who is a site of the trial")

CONTRACT = Contract(
    "trial",
    1,
    (
        Operation("accredit", Accredit, among(REGULATOR, GENESIS), _accredit),
        Operation("register", Register, _BY_RESEARCHERS, _register),
        Operation("approve", OfTrial, _BY_RESEARCHERS, _approve, _OF_ETHICS),
        Operation("reject", OfTrial, _BY_RESEARCHERS, _reject, _OF_ETHICS),
        JOIN.operation(_join),
        WITHDRAW.operation(_withdraw_subject),
        Operation(
            "withdraw_for", WithdrawFor, BY_ALL, _withdraw_for, Whose(_delegates, owner="who acts for the person")
        ),
        Operation("commit_data", CommitData, _BY_RESEARCHERS, _commit_data, _OF_SITE),
        Operation("grant", Grant, _BY_RESEARCHERS, _grant, _OF_SITE),
        Operation("end_access", Ring, SUPERVISORS, _end_access),
        Operation(
            "publish_result", Publish, _BY_RESEARCHERS, _publish_result, Whose(_sponsor, owner="who is the sponsor")
        ),
    ),
    lives=(LIFE, SUBJECT_LIFE),
    founding=0,
)
