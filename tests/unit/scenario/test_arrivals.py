"""Arrivals: exact in number, at their times, seeded, spread by a rule; what cannot be meant is told in a sentence."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from consortium.core.errors import UserError
from consortium.scenario.arrivals import load_arrivals
from consortium.scenario.arrivals.options import ArrivalsError, LoadOptions, Recorded
from consortium.scenario.arrivals.plan import plan_load
from consortium.scenario.arrivals.recorded import read_arrivals
from consortium.scenario.load import ScenarioError
from consortium.scenario.scenario import MemberSpec, Scenario, Workload
from consortium.scenario.workloads.settlement_load import KINDS, WORKLOAD

MEMBERS = ("a", "b", "c", "d")
OPEN = {
    "poisson": {},
    "constant": {},
    "bursty": {"on_us": 50_000, "off_us": 150_000},
    "diurnal": {"period_us": 400_000},
}


def _plan(seed: int = 1, members: tuple[str, ...] = MEMBERS, **options: Any) -> dict[str, Any]:
    return dict(plan_load(LoadOptions(**options), seed, members, tuple(KINDS)))


def _times(shares: dict[str, Any]) -> list[int]:
    return sorted(t_us for share in shares.values() for t_us in share.due_us)


@pytest.mark.parametrize("transactions", [0, 3, 384, 400, 401])
@pytest.mark.parametrize(
    "how", [{}, {"interval_us": 1_000}, *({"arrivals": name, "rate": 900.0, **more} for name, more in OPEN.items())]
)
@pytest.mark.parametrize("sizes", [{}, {"1": 3, "20": 1}])
def test_a_total_is_exact_whatever_it_is_divided_by(
    transactions: int, how: dict[str, Any], sizes: dict[str, int]
) -> None:
    for count in (1, 4, 64):
        shares = _plan(1, tuple(f"m{i}" for i in range(count)), transactions=transactions, sizes=sizes, **how)
        sent = [sum(map(len, share.bundles)) for share in shares.values()]
        assert sum(sent) == transactions
        assert all(len(share.due_us) == len(share.bundles) * bool(how) for share in shares.values())


def test_members_with_a_pace_of_their_own_never_beat_together() -> None:
    times = _times(_plan(transactions=400, interval_us=200_000))
    assert len(set(times)) == 400
    assert {later - earlier for earlier, later in pairwise(times)} == {50_000}


def test_a_paced_load_rests_after_every_so_many_bundles() -> None:
    (share,) = _plan(1, ("a",), transactions=6, interval_us=100, rest_every=2, rest_us=9_000).values()
    assert [later - earlier for earlier, later in pairwise(share.due_us)] == [100, 9_000, 100, 9_000, 100]


@pytest.mark.parametrize("name", OPEN)
def test_another_seed_is_another_load_at_the_same_rate(name: str) -> None:
    options: dict[str, Any] = {"arrivals": name, "rate": 500.0, "transactions": 4_000, **OPEN[name]}
    one, again, other = _plan(1, **options), _plan(1, **options), _plan(2, **options)
    assert one == again and one != other
    for shares in (one, other):
        rate = 4_000 / (max(_times(shares)) / 1e6)
        assert rate == pytest.approx(500, rel=0.06)


def test_poisson_arrivals_have_exponential_times_between_them() -> None:
    times = _times(_plan(arrivals="poisson", rate=1_000.0, transactions=20_000))
    gaps = [later - earlier for earlier, later in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert mean == pytest.approx(1_000, rel=0.03) and deviation == pytest.approx(mean, rel=0.03)
    assert sum(gap > mean for gap in gaps) / len(gaps) == pytest.approx(0.368, abs=0.01)


def test_between_two_bursts_nothing_comes_and_noon_is_busier_than_night() -> None:
    bursts = _times(_plan(arrivals="bursty", rate=500.0, on_us=50_000, off_us=150_000, transactions=1_000))
    assert all(t_us % 200_000 <= 50_000 for t_us in bursts)
    day = _times(_plan(arrivals="diurnal", rate=500.0, period_us=1_000_000, swing_percent=100, transactions=2_000))
    at_noon = sum(250_000 <= t_us % 1_000_000 < 750_000 for t_us in day)
    assert 0.75 < at_noon / len(day) < 0.9


def test_a_rate_of_each_member_is_that_many_times_the_rate_of_all() -> None:
    per_member = _plan(arrivals="poisson", rate=100.0, per="member", transactions=4_000)
    whole = _plan(arrivals="poisson", rate=100.0, transactions=4_000)
    assert max(_times(whole)) / max(_times(per_member)) == pytest.approx(4, rel=0.15)
    assert len({share.due_us for share in per_member.values()}) == 4, "each has a process of its own"


def test_arrivals_of_all_are_taken_in_turns_or_at_random() -> None:
    turns = _plan(arrivals="poisson", rate=100.0, transactions=402)
    assert [len(share.due_us) for share in turns.values()] == [101, 101, 100, 100]
    by_chance = _plan(arrivals="poisson", rate=100.0, spread="random", transactions=402)
    assert _times(by_chance) == _times(turns) and len({len(s.due_us) for s in by_chance.values()}) > 1


def test_kinds_and_sizes_are_mixed_by_their_shares() -> None:
    shares = _plan(transactions=5_000, outstanding=100, kinds={"claim": 8, "bill": 2}, sizes={"1": 1, "4": 1})
    bundles = [bundle for share in shares.values() for bundle in share.bundles]
    kinds = [kind for bundle in bundles for kind in bundle]
    assert kinds.count("bill") / len(kinds) == pytest.approx(0.2, abs=0.03)
    assert sum(len(bundle) == 4 for bundle in bundles) / len(bundles) == pytest.approx(0.5, abs=0.05)


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_csv_and_a_parquet_file_are_the_same_load(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("due_s,kind,size,member\n0.5,,,\n0.25,bill,3,b\n1,claim,1,\n")
    table = pyarrow.table({"due_us": [500_000, 250_000, 1_000_000], "kind": [None, "bill", "claim"],
                           "size": [1, 3, 1], "member": [None, "b", None]})  # fmt: skip
    parquet.write_table(table, tmp_path / "day.parquet")
    read = [read_arrivals({"arrivals": "file", "file": name}, tmp_path) for name in ("day.csv", "day.parquet")]
    assert read[0] == read[1] == {"arrivals": "file", "recorded": [[500_000, "", 1, ""], [250_000, "bill", 3, "b"],
                                                                   [1_000_000, "claim", 1, ""]]}  # fmt: skip
    shares = _plan(arrivals="file", recorded=tuple(Recorded(*row) for row in read[0]["recorded"]))
    assert shares["b"].due_us == (250_000, 1_000_000) and shares["b"].bundles == (("bill",) * 3, ("claim",))
    assert shares["a"].due_us == (500_000,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("when\n1\n", "expected a column due_us or due_s"),
        ("due_s,colour\n1,red\n", "it has due_s, colour"),
        ("due_s\nsoon\n", "row 1: due_s='soon' is no number"),
        ("due_us\n-1\n", "row 1: due_us=-1"),
        ("due_us,size\n1,0\n", "size=0: expected 1"),
        ("due_us\n", "holds 0 arrivals"),
    ],
)
def test_a_file_that_cannot_be_meant_is_told_with_its_row(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(ArrivalsError) as refused:
        read_arrivals({"arrivals": "file", "file": "bad.csv"}, tmp_path)
    assert words in str(refused.value)
    with pytest.raises(ArrivalsError, match="lies relative to its scenario"):
        read_arrivals({"arrivals": "file", "file": "none.csv"}, tmp_path)


# --- what cannot be meant ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"arrivals": "poison", "rate": 5}, "did you mean 'poisson'"),
        ({"arrivals": "poisson"}, "rate=0: arrivals 'poisson' need a rate above 0"),
        ({"arrivals": "poisson", "rate": -1}, "rate=-1"),
        ({"arrivals": "poisson", "rate": float("nan")}, "rate=nan"),
        ({"arrivals": "poisson", "rate": 5, "interval_us": 5}, "give one of them"),
        ({"arrivals": "poisson", "interval_us": 5}, "give a rate for anything else"),
        ({"arrivals": "bursty", "rate": 5}, "need on_us and off_us"),
        ({"arrivals": "diurnal", "rate": 5}, "need a period_us"),
        ({"arrivals": "diurnal", "rate": 5, "period_us": 9, "swing_percent": 101}, "swing_percent=101"),
        ({"arrivals": "poisson", "rate": 5, "on_us": 5}, "on_us is for arrivals 'bursty'"),
        ({"arrivals": "poisson", "rate": 5, "per": "ward"}, "per: 'ward'"),
        ({"arrivals": "poisson", "rate": 5, "spread": "fair"}, "spread: 'fair'"),
        ({"arrivals": "file"}, "need a file"),
        ({"arrivals": "file", "file": "x.csv"}, "was not read"),
        ({"arrivals": "file", "recorded": [[5, "milk"]]}, "kind of the file: 'milk'"),
        ({"arrivals": "file", "recorded": [[5, "", 1, "z"]]}, "member of the file: 'z'"),
        ({"arrivals": "file", "recorded": [[5]], "transactions": 2}, "the file has 1"),
        ({"rate": 5}, "rate is for an open load"),
        ({"rest_every": 5}, "interval_us above 0"),
        ({"interval_us": 9, "rest_us": 5}, "rest_every"),
        ({"bundle": 20, "outstanding": 10}, "give outstanding=20 or more"),
        ({"bundle": 2, "sizes": {"3": 1}}, "give one of them"),
        ({"sizes": {"many": 1}}, "'many' transactions"),
        ({"kinds": {"claims": 1}}, "did you mean 'claim'"),
        ({"kinds": {"claim": 0}}, "kinds.claim=0"),
        ({"transactions": -1}, "transactions=-1: expected 0 or more"),
        ({"interval_us": -1}, "interval_us=-1: expected 0 or more"),
    ],
)
def test_a_load_that_cannot_be_meant_is_told_in_one_sentence(options: dict[str, Any], words: str) -> None:
    members = tuple(MemberSpec(name, "hospital", settings={"hosts": ["loader"]}) for name in MEMBERS)
    scenario = Scenario("meant", members, workload=Workload("settlement_load", options))
    with pytest.raises(ScenarioError) as refused:
        WORKLOAD.prepare(scenario, bytes(32))
    assert words in str(refused.value) and str(refused.value).startswith("workload.options")
    assert isinstance(refused.value, UserError) and "\n" not in str(refused.value)


def test_a_load_that_nobody_submits_is_refused() -> None:
    scenario = Scenario("idle", (MemberSpec("a", "hospital"),), workload=Workload("settlement_load", {}))
    with pytest.raises(ScenarioError, match="no member hosts a load"):
        WORKLOAD.prepare(scenario, bytes(32))


def test_every_process_is_one_file_that_says_what_it_is() -> None:
    assert sorted(load_arrivals()) == ["bursty", "constant", "diurnal", "poisson"]
    assert all(each.sentence for each in load_arrivals().values())
