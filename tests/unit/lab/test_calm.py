"""What counts as a fault: members that wait for one who was not started."""

from dataclasses import replace

from msgspec.structs import replace as having

from consortium.lab.checks.calm import trouble_times_us
from consortium.runs.trace import Record
from consortium.scenario.scenario import MemberSpec
from tests.unit.lab.made_up_run import made_up_run


def _times(*records: Record) -> list[int]:
    run = made_up_run()
    late = MemberSpec("late", "hospital", joins=True)
    began = [record for record in run.trace if record["kind"] in ("run", "booted") and record["t_us"] <= 1_000]
    scenario = having(run.scenario, members=(*run.scenario.members, late))
    return trouble_times_us(replace(run, scenario=scenario, trace=[*began, *records]))


def _epoch(t_us: int) -> Record:
    return {"t_us": t_us, "node": "bureau", "kind": "epoch", "epoch": 1, "first_height": 13, "validators": 8}


def _boot(t_us: int) -> Record:
    return {"t_us": t_us, "node": "late", "kind": "booted", "records": 0}


def test_members_are_troubled_from_the_vote_for_one_that_is_not_there_until_it_starts() -> None:
    assert _times(_epoch(5_000), _boot(9_000)) == [5_000, 9_000]


def test_an_epoch_is_no_trouble_where_all_that_join_are_there() -> None:
    assert _times(_boot(4_000), _epoch(5_000)) == [4_000]
