"""Twins: with f members that run twice nothing breaks; with f+1 the chain forks, and the evidence names the guilty."""

import pytest

from consortium.core.quorum import faults_max
from consortium.exploration.twins import WAYS, Enumeration, Round, TwinCase, partitions
from consortium.exploration.twins_judge import TwinExamined, examine_twins
from consortium.lab.checks.evidence import culprits


def _split(n: int, twins: int, protocol: str = "pbft") -> TwinCase:
    """Each of two camps is a quorum by itself, for it has every twinned member: the first copies here, the second
    there."""
    members = tuple(f"m{place}" for place in range(n))
    honest_here = (n - twins + 1) // 2
    groups = (*(0 for _ in range(twins + honest_here)), *(1 for _ in range(n - twins - honest_here)), *([1] * twins))
    return TwinCase(0, members, members[:twins], (Round("m0", groups, 1_000_000),), protocol)


def _claims(examined: TwinExamined) -> list[str]:
    return [failure.claim for failure in examined.failures]


@pytest.mark.parametrize("protocol", WAYS)
def test_f_plus_1_members_that_run_twice_fork_the_chain_and_the_evidence_names_them_and_no_other(protocol: str) -> None:
    """The positive control of every exploration: the checks do see a fork where there is one."""
    for n in (4, 7):
        case = _split(n, faults_max(n) + 1, protocol)
        examined = examine_twins(case)
        assert "agreement" in _claims(examined)
        assert culprits(examined.evidence) == list(case.twinned)
        assert "honest votes" not in _claims(examined)
        blamed = [each.sentence for each in examined.failures if each.claim == "nobody honest is blamed"]
        assert all("is diverged" in sentence for sentence in blamed), "a fork that is noticed blames nobody"


@pytest.mark.parametrize("protocol", WAYS)
def test_f_members_that_run_twice_never_fork_it_even_so(protocol: str) -> None:
    for n in (4, 7):
        examined = examine_twins(_split(n, faults_max(n), protocol))
        assert [claim for claim in _claims(examined) if claim != "progress"] == []
        assert set(culprits(examined.evidence)) <= set(examined.case.twinned)


@pytest.mark.parametrize("protocol", WAYS)
def test_a_slice_of_all_twin_cases_holds_and_reaches_view_changes_and_equivocation(protocol: str) -> None:
    cases = [Enumeration(protocol=protocol).case(number) for number in range(24)]
    cases += [Enumeration(7, 2, protocol=protocol).case(number) for number in range(2)]
    seen: dict[str, int] = {}
    for case in cases:
        examined = examine_twins(case)
        assert examined.failures == (), case.sentence()
        assert set(culprits(examined.evidence)) <= set(case.twinned), case.sentence()
        for name, count in examined.counts["events"].items():
            seen[name] = seen.get(name, 0) + count
        seen["evidence"] = seen.get("evidence", 0) + len(examined.evidence)
    assert seen["new_view"] > 60 and seen["evidence"] > 3, seen


def test_every_case_of_a_small_enumeration_comes_exactly_once() -> None:
    small = Enumeration(4, 1, rounds=1)
    cases = {small.case(number).rounds for number in range(small.total)}
    assert len(cases) == small.total == 4 * 41 * 5
    assert len(list(partitions(5, 3))) == 1 + 15 + 25
