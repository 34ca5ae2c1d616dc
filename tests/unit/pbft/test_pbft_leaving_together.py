"""Nobody leaves a view alone: SUSPECT, who joins in it, who leaves, and who is called after them (docs/consensus.md).

n=4: quorum 3, f+1 = 2. n=7: quorum 5, f+1 = 3. T = 1 s; n0 leads view 0, n1 leads view 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from consortium.core.codec import encode
from consortium.core.machine import Available, Effect, Executed, Persist, Rebroadcast
from consortium.core.messages import Signed
from consortium.protocols.common.records import FORMAT
from consortium.protocols.pbft.messages import Ask, Body, Commit, Prepare, PrePrepare, Suspect, Told, ViewChange
from consortium.protocols.pbft.records import SuspectRecord, ViewRecord, decode_record
from tests.pbft_bench import Bench
from tests.pbft_network import PARAMETERS
from tests.unit.pbft.test_pbft_epochs import grown, hear_in

T_US = PARAMETERS.timer_base_us
A = b"a" * 32


def suspicious(bench: Bench) -> Bench:
    """Its leader was late with a bundle."""
    bench.pool.add(bench.now, b"waits")
    bench.do(Available())
    bench.expire("progress", after_us=T_US)
    assert bench.said(Suspect) == [Suspect(0)]
    return bench


def left(n: int = 4) -> Bench:
    """It has left view 0, by the word of the others."""
    bench = Bench(n=n, me="n3")
    bench.suspected(0, *bench.others[: bench.epoch.quorum - 1])
    assert bench.replica.state.wanted == 1
    return bench


def said_again(bench: Bench, effects: Sequence[Effect]) -> list[str]:
    """The types of what it says again of leaders."""
    signed = [effect.signed for effect in effects if isinstance(effect, Rebroadcast)]
    words = [*(bench.verifier.codec.decode(each.body, 0) for each in signed), *bench.said(Suspect, effects)]
    return [type(word).__name__ for word in words]


def statements(bench: Bench, told: Sequence[Told]) -> list[object]:
    return [bench.verifier.codec.decode(each.body, 0) for answer in told for each in answer.statements]


# --- suspecting alone -----------------------------------------------------------------------------------------------


def test_who_suspects_alone_goes_on_voting_and_enters_the_next_view_by_its_new_view() -> None:
    bench = suspicious(Bench())
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    bench.hear("n2", Prepare(0, 1, digest))
    assert bench.said(Prepare) == [Prepare(0, 1, digest)] and bench.said(Commit) == [Commit(0, 1, digest)]
    assert bench.said(ViewChange) == [] and bench.replica._progress._timer.attempts == 0
    bench.hear("n2", bench.new_view(2, dict.fromkeys(("n0", "n2", "n3"), bench.view_change(2))))
    assert bench.replica.state.view == 2


def test_who_waits_in_vain_for_a_new_view_suspects_its_leader_and_enters_it_all_the_same() -> None:
    bench = left()
    for name in ("n0", "n1"):
        bench.hear(name, bench.view_change(1))
    bench.expire("new_view", after_us=T_US)
    assert bench.noted("suspect")[-1] == {"view": 1, "why": "no new view"} and len(bench.said(ViewChange)) == 1
    bench.hear("n1", bench.new_view(1, dict.fromkeys(("n0", "n1", "n2"), bench.view_change(1))))
    assert bench.replica.state.view == 1 == bench.replica.state.wanted


def test_the_leaders_time_grows_with_leaving_and_not_with_suspecting() -> None:
    bench = suspicious(Bench())
    assert bench.replica._progress._timer.attempts == 0
    bench.suspected(0, "n2", "n3")
    assert bench.replica._progress._timer.attempts == 1


# --- joining and leaving --------------------------------------------------------------------------------------------


def test_f_plus_one_others_make_a_member_suspect_and_a_quorum_makes_it_leave() -> None:
    bench = Bench(n=7, me="n6")
    bench.suspected(0, "n1", "n1", "n2", "n2")
    assert bench.said(Suspect) == []
    bench.suspected(0, "n3")
    assert bench.noted("suspect") == [{"view": 0, "why": "joined"}] and bench.said(Suspect) == [Suspect(0)]
    bench.suspected(0, "n3", "n1")
    assert bench.said(ViewChange) == [], "four of seven, whoever says it twice"
    bench.suspected(0, "n4")
    assert bench.noted("view_change") == [{"view": 1, "why": "joined"}]


@pytest.mark.parametrize("n", range(2, 11))
@pytest.mark.parametrize("is_suspicious", [False, True])
def test_whoever_it_is_leaves_when_a_quorum_less_one_of_the_others_suspects(n: int, is_suspicious: bool) -> None:
    """The exhaustive search rests on this: it does not ask who suspected before."""
    bench = Bench(n=n, me=f"n{n - 1}")
    if is_suspicious:
        suspicious(bench)
    for count, name in enumerate(bench.others[: bench.epoch.quorum - 1], 1):
        assert bench.replica.state.wanted == 0, count
        bench.suspected(0, name)
    assert bench.replica.state.wanted == 1


def test_ones_own_suspicion_is_none_of_the_f_plus_one() -> None:
    bench = suspicious(Bench(n=7, me="n6"))
    bench.suspected(3, "n1", "n2")
    assert bench.said(Suspect) == [Suspect(0)]
    bench.suspected(3, "n3")
    assert bench.said(Suspect) == [Suspect(0), Suspect(3)]


@pytest.mark.parametrize("others", [0, 1])
def test_a_view_change_counts_as_suspicion_of_the_view_before(others: int) -> None:
    bench = Bench(n=7, me="n6")
    bench.suspected(others, "n1", "n2")
    bench.hear("n3", bench.view_change(1))
    assert bench.said(Suspect) == [Suspect(0)], "of view 0, and not of view 1"


def test_a_bad_view_change_counts_for_nothing() -> None:
    bench = Bench(me="n3")
    bench.suspected(0, "n1")
    bench.hear("n2", ViewChange(1, 5, None, ()))
    assert bench.said(Suspect) == [] and bench.whys() == ["the seal is not of the stable height"]


def test_a_suspicion_of_a_later_view_counts_for_those_before_and_never_falls() -> None:
    bench = Bench(me="n3")
    bench.suspected(5, "n1")
    bench.suspected(0, "n1", "n2")
    assert bench.replica.state.wanted == 1 and bench.said(Suspect) == [Suspect(0)]
    bench.suspected(4, "n2")
    assert bench.replica.state.wanted == 5 and bench.said(Suspect) == [Suspect(0), Suspect(4)]


def test_liars_that_name_huge_views_move_nobody() -> None:
    bench = Bench(n=7, me="n6")
    bench.suspected((1 << 53) - 1, "n1", "n2")
    bench.suspected(1 << 53, "n3")
    bench.suspected(-1, "n3")
    assert bench.said(Suspect) == [] and bench.whys() == ["view out of bounds"] * 2


def test_who_suspects_the_leader_of_a_view_that_is_over_is_told_the_new_view() -> None:
    bench = Bench()
    bench.hear("n2", bench.new_view(2, dict.fromkeys(("n0", "n2", "n3"), bench.view_change(2))))
    told = bench.said(Told, bench.suspected(1, "n3"))
    assert [each.receiver for each in told] == ["n3"] and bench.said(Suspect) == []
    assert bench.said(Told, bench.suspected(2, "n0")) == []


def test_only_validators_of_our_epoch_count_and_an_observer_says_nothing() -> None:
    bench = Bench(me="n3", observers=("watcher",))
    bench.suspected(0, "n1", "watcher", "stranger")
    event = bench.received("n2", Suspect(0))._replace(epoch=1)
    bench.do(event)
    assert bench.said(Suspect) == [] and bench.whys() == ["not a validator"] * 2
    watcher = Bench(me="watcher", observers=("watcher",), is_recalled=False)
    watcher.suspected(0, "n0", "n1", "n2")
    assert watcher.said(Suspect) == [] and watcher.replica.state.wanted == 0


def test_nobody_suspects_before_the_others_have_told_it_of_its_votes() -> None:
    bench = Bench(me="n3", is_recalled=False)
    bench.suspected(0, "n1", "n2")
    assert bench.said(Suspect) == []
    assert bench.said(ViewChange, bench.recall()) and bench.said(Suspect) == [Suspect(0)]


def test_suspicions_end_with_their_epoch() -> None:
    bench = Bench(head=7, stable=4, me="n3")
    bench.suspected(0, "n1")
    suspicious(bench)
    grown(bench, 9)
    bench.do(Executed(8, b"h" * 32, bench.epochs.newest))
    bench.stabilise(8)
    assert bench.replica.state.suspected == -1
    for name in ("n2", "n4"):
        hear_in(bench, 1, name, Suspect(0))
    assert bench.noted("suspect")[-1] == {"view": 0, "why": "joined"} and len(bench.noted("suspect")) == 2
    assert bench.said(ViewChange) == [], "three of five: what n1 said was of the epoch before"


# --- what a boot takes back -----------------------------------------------------------------------------------------


def test_a_suspicion_is_durable_and_said_again_to_one_who_left_because_of_it() -> None:
    before = suspicious(Bench(me="n3"))
    records = [record for record, _ in before.records]
    assert [decode_record(record) for record in records] == [SuspectRecord(FORMAT, 0, 0)]
    after = Bench(me="n3", records=records)
    assert after.said(Suspect) == [], "not of its own accord"
    effects = after.hear("n2", after.view_change(1))
    assert after.said(Suspect, effects) == [Suspect(0)] and not [e for e in effects if isinstance(e, Persist)]
    fresh = Bench(me="n3")
    assert fresh.said(Suspect, fresh.hear("n2", fresh.view_change(1))) == []


def test_a_log_of_one_that_has_left_says_whom_it_suspected() -> None:
    assert Bench(records=[encode(ViewRecord(FORMAT, 0, 0, 3))]).replica.state.suspected == 2
    assert Bench(records=[encode(ViewRecord(FORMAT, 0, 3, 3))]).replica.state.suspected == -1
    both = [encode(ViewRecord(FORMAT, 0, 0, 3)), encode(SuspectRecord(FORMAT, 0, 7))]
    assert Bench(records=both).replica.state.suspected == 7
    assert Bench(records=both[::-1]).replica.state.suspected == 7


# --- so that others follow ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("view", "is_said"), [(1, True), (2, False)])
def test_only_who_suspects_as_much_says_so_again_to_one_who_has_left(view: int, is_said: bool) -> None:
    bench = suspicious(Bench())
    assert bool(bench.said(Suspect, bench.hear("n2", bench.view_change(view)))) is is_said


def test_it_is_rationed_a_member() -> None:
    bench = suspicious(Bench(n=7))
    change = bench.view_change(1)
    assert bench.said(Suspect, bench.hear("n2", change)) == [Suspect(0)]
    assert bench.said(Suspect, bench.hear("n2", change)) == []
    bench.time_us += T_US // 8
    assert bench.said(Suspect, bench.hear("n2", change)) == [Suspect(0)]


def test_a_fresh_suspicion_is_told_to_those_who_ask_and_a_stale_one_is_not() -> None:
    bench = suspicious(Bench())
    assert Suspect(0) in statements(bench, bench.said(Told, bench.hear("n2", Ask(bytes(16), 0, 0, 1))))
    assert Suspect(0) not in statements(bench, bench.said(Told, bench.hear("n3", Ask(bytes(16), 0, 1, 1))))
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    for name in ("n0", "n2", "n3"):
        bench.hear(name, Commit(0, 1, digest))
    assert bench.replica.state.decided == 1
    bench.time_us += T_US
    assert Suspect(0) not in statements(bench, bench.said(Told, bench.hear("n2", Ask(bytes(16), 0, 0, 1))))


def test_a_suspicion_that_was_told_counts() -> None:
    bench = Bench(me="n3")
    signed: list[Signed] = [bench.sign(name, Suspect(0)) for name in ("n1", "n2")]
    bench.hear("n0", Told("n3", bytes(16), 0, 0, None, tuple(signed)))
    assert bench.replica.state.wanted == 1


def test_a_fresh_suspicion_is_said_again_while_the_work_waits_and_a_stale_one_is_not() -> None:
    bench = suspicious(Bench())
    assert said_again(bench, bench.expire("retransmit", after_us=T_US // 8)) == ["Suspect"]
    bench.pool.add(bench.now, b"waits too")
    raw, digest = bench.batch(b"waits")
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    for name in ("n0", "n2", "n3"):
        bench.hear(name, Commit(0, 1, digest))
    bench.expire("retransmit", after_us=T_US // 8)
    assert "Suspect" not in said_again(bench, bench.expire("retransmit", after_us=T_US // 8))


def test_who_has_left_calls_the_others_though_nothing_waits_and_more_and_more_rarely() -> None:
    bench = left()
    calls = []
    for tenth in range(600):
        if said_again(bench, bench.expire("retransmit", after_us=T_US // 10)):
            calls.append(tenth)
    assert len(calls) in (13, 14) and calls[:8] == list(range(8))
    assert [after - before for before, after in pairwise(calls[8:])] == [100] * (len(calls) - 9)


def test_who_has_left_calls_while_the_others_go_on_without_it() -> None:
    bench = left()
    for height in range(1, 20):
        raw, digest = bench.batch(b"bundle %d" % height)
        for name in ("n0", "n1", "n2"):
            bench.hear(name, Commit(0, height, digest))
        bench.hear("n0", Body("n3", b"", height, digest), raw)
        assert bench.replica.state.decided == height
        assert said_again(bench, bench.expire("retransmit", after_us=T_US // 8)) == ["ViewChange"]
        if height % 4 == 0:
            bench.stabilise(height)


def test_who_waits_for_a_new_view_calls_with_its_suspicion_of_that_leader_too() -> None:
    bench = left()
    for name in ("n0", "n1"):
        bench.hear(name, bench.view_change(1))
    bench.expire("new_view", after_us=T_US)
    bench.expire("retransmit", after_us=T_US // 8)
    assert said_again(bench, bench.expire("retransmit", after_us=T_US // 8)) == ["ViewChange", "Suspect"]


def test_a_lone_suspicion_says_nothing_more_where_nothing_waits() -> None:
    bench = Bench(n=7, me="n6")
    bench.suspected(0, "n1", "n2", "n3")
    assert bench.said(Suspect) == [Suspect(0)]
    bench.out.clear()
    for _ in range(50):
        bench.expire("retransmit", after_us=T_US)
    assert bench.out == []
