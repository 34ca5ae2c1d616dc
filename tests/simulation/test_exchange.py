"""Nobody reads a record of another without leave; what ends with a leave is in no store any more."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from consortium.lab.checks.opened_by_leave import CHECK
from consortium.lab.checks.private_records import kept_handles, tombstones
from consortium.runs.run import Run
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.scenario.scenario import Fault, MemberSpec
from consortium.scenario.workloads.exchange import WORKLOAD
from tests.simulated_runs import outcomes, sound

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "systems" / "exchange.py")
READER_AWAY = (Fault("kill", "hospital-2", at_us=2_000_000), Fault("restart", "hospital-2", after_us=4_000_000))
KEEPER_AWAY = (Fault("kill", "hospital-1", at_us=300_000), Fault("restart", "hospital-1", after_us=5_000_000))


def kept(run: Run, member: str) -> set[int]:
    return {int(handle[-4:]) for handle in kept_handles(run, member)}


@pytest.mark.parametrize("faults", [(), READER_AWAY, KEEPER_AWAY], ids=["all there", "reader away", "keeper away"])
def test_a_record_is_read_by_leave_and_what_ends_with_it_is_let_go(faults: tuple[Fault, ...]) -> None:
    run = sound(SCENARIO, faults=faults)
    refused = Counter(one.receipt.code for one in outcomes(run) if not one.receipt.is_ok)
    assert set(refused) == {"consent-missing", "purpose-differs"}
    assert faults == KEEPER_AWAY or refused.total() == 2  # a keeper that comes back may come just behind a last word
    assert run.fullest is not None and set(tombstones(run.fullest.rows)) == {"record/hospital-1:r-0003"}
    assert kept(run, "hospital-1") == {0, 1, 2, 4, 5, 6, 7, 8}
    assert kept(run, "hospital-2") == {0, 1, 2, 6}, "consent, and an emergency"
    events = Counter(event.kind for one in outcomes(run) for event in one.receipt.events)
    assert (events["glass-broken"], events["glass-judged"], events["exchange-differs"]) == (2, 2, 1)


def test_the_check_tells_what_a_vault_gives_past_the_ledger() -> None:
    """The positive control, over a run: it gave once more, to somebody else, and when the consent was taken back."""
    run = sound(SCENARIO)
    given = next(one for one in run.trace if one["kind"] == "record_given" and one["handle"].endswith("3"))
    assert CHECK.is_asked(run) and CHECK.check(run) == []
    for change in ({"to": "regulator"}, {"t_us": run.records.end_us + 1}):
        told = CHECK.check(replace(run, trace=[*run.trace, {**given, **change}]))
        assert any("had no leave" in sentence for sentence in told) and any("audit" in sentence for sentence in told)


@pytest.mark.parametrize(
    ("members", "options", "words"),
    [
        (SCENARIO.members[:3], {}, "needs two hospitals"),
        (tuple(msgspec.structs.replace(one, settings={}) for one in SCENARIO.members), {}, "hosts a 'consents'"),
        ((MemberSpec("b", "bureau", settings={"hosts": ["consents"]}), *SCENARIO.members[2:]), {}, "beside the bureau"),
        (SCENARIO.members, {"persons": 0}, "1 to 900 persons"),
        (SCENARIO.members, {"data": "nowhere.json"}, "a JSON file"),
    ],
)
def test_a_scenario_that_lacks_something_is_told_so(
    members: tuple[MemberSpec, ...], options: dict[str, int], words: str
) -> None:
    workload = msgspec.structs.replace(SCENARIO.workload, options=options)
    with pytest.raises(ScenarioError, match=words):
        WORKLOAD.prepare(msgspec.structs.replace(SCENARIO, members=members, workload=workload), b"k" * 32)
