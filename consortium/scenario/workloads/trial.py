"""The workload "trial": a sponsor has a drug tried at all hospitals; persons take part, and some withdraw.

Needs a regulator, a bureau, hospitals that host "trial_site", an agent that does, and researchers: a sponsor, a
committee, and one at least that reads. A second trial has a protocol that the committee rejects. The first person
withdraws before the result is published, the second after it; the first hospital tries to commit to other data then.
`data`: a JSON list of what was observed, a text a person.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL, REGULATOR
from consortium.contracts.records.trial import RESEARCHER, Accredit
from consortium.core.genesis import genesis_call
from consortium.roles.agent import AgentTasks
from consortium.roles.patient_desk import DeskTasks
from consortium.roles.researcher import ResearcherTasks, ToPlan
from consortium.roles.trial_site import SiteData, ToTakePart, TrialSiteTasks
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

TRIALS = "t"  # the purpose of pseudonyms under which persons take part
PROTOCOL_TEXT = "Arm 1 is given the drug, arm 0 is not; what counts is the outcome after a year.\n"
RESULT_TEXT = "The outcome of arm 1 was no better.\n"
PROTOCOL, UNSOUND, RESULT = (
    sha256(text.encode()).digest() for text in (PROTOCOL_TEXT, "What counts is what looks best.\n", RESULT_TEXT)
)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`persons`: at each hospital."""

    persons: int = 4
    withdrawn_at_us: int = 2_000_000
    published_at_us: int = 4_000_000
    late_at_us: int = 5_000_000
    data: str = ""


class _Cast(msgspec.Struct, frozen=True):
    bureau: str
    agent: str
    sponsor: str
    ethics: str
    readers: tuple[str, ...]
    sites: tuple[str, ...]


def _cast(scenario: Scenario) -> _Cast:
    researchers = [one for one in scenario.members if one.role == RESEARCHER]
    sponsors = [one.name for one in researchers if one.settings.get("is_sponsor")]
    ethics = [one.name for one in researchers if one.settings.get("is_ethics")]
    readers = tuple(one.name for one in researchers if one.name not in (*sponsors, *ethics))
    if not (sponsors and ethics and readers):
        raise ScenarioError("the workload trial needs researchers: a sponsor, a committee (is_ethics), and a reader")
    playing(scenario, REGULATOR, "trial")
    hosting = playing(scenario, "trial_site", "trial")
    sites = tuple(one.name for one in scenario.members if one.role == HOSPITAL and one.name in hosting)
    agents = [name for name in hosting if name not in sites]
    if not (sites and agents):
        raise ScenarioError("the workload trial needs a hospital and an agent that host 'trial_site'")
    bureau = playing(scenario, BUREAU, "trial")[0]
    return _Cast(bureau, agents[0], sponsors[0], ethics[0], readers, sites)


def _read_rows(path: str, count: int) -> list[str]:
    """Raises ScenarioError."""
    if not path:
        return [f"arm {number % 2}, outcome {number * 7 % 5}" for number in range(count)]
    try:
        found = msgspec.json.decode(Path(path).read_bytes(), type=list[str])
    except (OSError, msgspec.MsgspecError):
        raise ScenarioError("workload.options.data: expected a JSON file with a list of texts") from None
    if len(found) < count:
        raise ScenarioError(f"workload.options.data holds {len(found)} rows for {count} persons")
    return found


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options, cast = read_workload_options(scenario.workload.options, Options), _cast(scenario)
    if not 2 <= options.persons <= 200:
        raise ScenarioError("workload.options: expected 2 to 200 persons")
    pseudonyms, trial_no = Pseudonyms(pseudonym_key), f"{cast.sponsor}:t-1"
    count = options.persons * len(cast.sites)
    names = [pseudonyms.of(TRIALS, f"{trial_no}/{number}") for number in range(count)]
    rows = _read_rows(options.data, count)
    leave = {0: options.withdrawn_at_us, 1: options.late_at_us}
    persons = tuple(
        ToTakePart(name, trial_no, cast.sites[number // options.persons], leave.get(number, 0))
        for number, name in enumerate(names)
    )
    plans = (
        ToPlan(trial_no, PROTOCOL, cast.ethics, cast.sites, RESULT, options.published_at_us),
        ToPlan(f"{cast.sponsor}:t-2", UNSOUND, cast.ethics, cast.sites),
    )
    work: dict[str, tuple[msgspec.Struct, ...]] = {
        cast.bureau: (DeskTasks(dict.fromkeys(names, cast.agent)),),
        cast.agent: (AgentTasks(), TrialSiteTasks(persons)),
        cast.sponsor: (ResearcherTasks(plans),),
        cast.ethics: (ResearcherTasks(sound=(PROTOCOL,)),),
        **{name: (ResearcherTasks(),) for name in cast.readers},
    }
    for place, site in enumerate(cast.sites):
        span = slice(place * options.persons, (place + 1) * options.persons)
        own = dict(zip(names[span], rows[span], strict=True))
        work[site] = (TrialSiteTasks(data=(SiteData(trial_no, own, cast.readers, alters=place == 0),)),)
    calls = (genesis_call("trial", "accredit", Accredit(cast.ethics)),)
    return Prepared(calls, {name: Work(name, own) for name, own in work.items()})


WORKLOAD = WorkloadSpec("trial", _prepare)
