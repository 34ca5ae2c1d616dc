"""Whom a replica suspects, and when: T counts from the work, grows without progress, and falls with it (4.4, 4.5.2).

n=4, quorum 3, T = 1 s; n0 leads view 0, n1 leads view 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from consortium.core.machine import Available, Effect, SetTimer
from consortium.core.messages import Certificate, Signed
from consortium.protocols.pbft.messages import Ask, Body, Commit, NewView, Prepare, PrePrepare, Suspect, Told
from tests.pbft_bench import Bench
from tests.pbft_network import PARAMETERS

T_US = PARAMETERS.timer_base_us
A = b"a" * 32
PROGRESS = ("pbft", "progress")


def bundle(bench: Bench, name: bytes, after_us: int = 0) -> None:
    """It reaches the pool of the replica."""
    bench.time_us += after_us
    bench.pool.add(bench.now, name)
    bench.do(Available())


def decide(bench: Bench, height: int, name: bytes, view: int = 0, after_us: int = 0) -> list[Effect]:
    """The others decide a batch of this bundle in this view, and the replica has it."""
    raw, digest = bench.batch(name)
    effects: list[Effect] = []
    for member in bench.others[:2]:
        effects += bench.hear(member, Commit(view, height, digest))
    bench.time_us += after_us
    effects += bench.hear(bench.others[2], Commit(view, height, digest))
    return [*effects, *bench.hear(bench.others[0], Body(bench.me, b"", height, digest), raw)]


def enter(bench: Bench, view: int) -> None:
    """By the NEW-VIEW of its leader."""
    changes = dict.fromkeys([name for name in bench.epoch.validators if name != bench.me], bench.view_change(view))
    bench.hear(bench.epoch.leader(view), bench.new_view(view, changes))
    assert bench.replica.state.view == view


def waits(effects: Sequence[Effect], name: tuple[str, ...] = PROGRESS) -> list[int]:
    return [effect.delay_us for effect in effects if isinstance(effect, SetTimer) and effect.name == name]


# --- since when -----------------------------------------------------------------------------------------------------


def test_nobody_suspects_before_work_has_waited_for_the_leaders_time() -> None:
    """Found with one transaction a second: the timer was still set from older work, and counted from the decision
    before the idle time. A leader was accused after 7 ms of waiting."""
    bench = Bench()
    bundle(bench, b"one")
    decide(bench, 1, b"one", after_us=100_000)
    bundle(bench, b"two", after_us=T_US - 107_000)
    effects = bench.expire("progress", after_us=7_000)
    assert bench.noted("suspect") == [] and waits(effects) == [T_US - 7_000]
    bench.expire("progress", after_us=T_US - 7_001)
    assert bench.noted("suspect") == []
    bench.expire("progress", after_us=1)
    assert bench.noted("suspect") == [{"view": 0, "why": "no progress"}]


def test_work_that_waited_before_the_last_decision_gets_its_leader_the_whole_time_from_then() -> None:
    bench = Bench()
    bundle(bench, b"one")
    bundle(bench, b"two")
    decide(bench, 1, b"one", after_us=600_000)
    bench.expire("progress", after_us=T_US - 600_000)
    bench.expire("progress", after_us=599_999)
    assert bench.noted("suspect") == []
    bench.expire("progress", after_us=1)
    assert bench.noted("suspect") == [{"view": 0, "why": "no progress"}]


def test_who_stood_still_longer_than_the_leaders_time_hears_it_out_before_it_suspects() -> None:
    """A process that was stopped for longer than T woke to its timer first, suspected a leader whose orders lay unread
    in its inbox, and voted no more in that view."""
    bench = Bench()
    bundle(bench, b"one")
    effects = bench.expire("progress", after_us=3 * T_US)
    assert bench.noted("suspect") == [] and waits(effects) == [T_US]
    decide(bench, 1, b"one")
    bundle(bench, b"two")
    bench.expire("progress", after_us=T_US)
    assert bench.noted("suspect") == [{"view": 0, "why": "no progress"}], "and the next time it does"


def test_who_is_always_late_suspects_all_the_same() -> None:
    bench = Bench()
    bundle(bench, b"one")
    bench.expire("progress", after_us=3 * T_US)
    assert bench.noted("suspect") == []
    bench.expire("progress", after_us=3 * T_US)
    assert bench.noted("suspect") == [{"view": 0, "why": "no progress"}]


def test_an_order_of_which_we_have_no_bundle_is_owed_since_it_came() -> None:
    bench = Bench()
    bench.time_us += 5_000_000
    raw, digest = bench.batch()
    effects = bench.hear("n0", PrePrepare(0, 1, digest), raw)
    assert waits(effects) == [T_US]
    bench.expire("progress", after_us=T_US)
    assert bench.noted("suspect") == [{"view": 0, "why": "no progress"}]


def test_who_suspects_alone_rests_until_something_moves_and_then_watches_as_before() -> None:
    bench = Bench()
    bundle(bench, b"one")
    bundle(bench, b"two")
    assert waits(bench.expire("progress", after_us=T_US)) == []
    assert waits(bench.hear("n2", Prepare(0, 1, A))) == [], "nothing moved"
    assert waits(decide(bench, 1, b"one", after_us=10_000)) == [T_US]
    assert bench.noted("suspect") == [{"view": 0, "why": "no progress"}]
    bench.expire("progress", after_us=T_US)
    assert bench.noted("suspect") == [{"view": 0, "why": "no progress"}], "it is known"
    assert bench.said(Suspect) == [Suspect(0), Suspect(0)], "but perhaps not to all"


@pytest.mark.parametrize(("heads", "suspects"), [((9, 0), True), ((9, 9), False)])
def test_who_lags_behind_what_others_have_executed_blames_no_leader_for_it(
    heads: tuple[int, int], suspects: bool
) -> None:
    """Found by exploration: a member at height 5 suspected the leader that had brought the others to height 40. One
    member's word shows nothing."""
    bench = Bench()
    bundle(bench, b"one")
    for name, head in zip(("n2", "n3"), heads, strict=True):
        bench.hear(name, Told("n1", bytes(16), 0, head, None, ()))
    effects = bench.expire("progress", after_us=T_US)
    assert (bench.noted("suspect") != []) is suspects
    assert (waits(effects) == [T_US]) is not suspects


def test_who_has_caught_up_suspects_again() -> None:
    bench = Bench()
    bundle(bench, b"one")
    bundle(bench, b"two")
    for name in ("n2", "n3"):
        bench.hear(name, Told("n1", bytes(16), 0, 1, None, ()))
    bench.expire("progress", after_us=T_US)
    decide(bench, 1, b"one")
    bench.expire("progress", after_us=T_US)
    assert bench.noted("suspect") == [{"view": 0, "why": "no progress"}]


def test_a_decision_above_one_that_nobody_made_excuses_no_leader() -> None:
    """It holds one height back, for all: they are to leave."""
    bench = Bench()
    bundle(bench, b"one")
    for name in bench.others:
        bench.hear(name, Commit(0, 2, A))
    assert bench.replica._retransmission._behind() == 2
    bench.expire("progress", after_us=T_US)
    assert bench.noted("suspect") == [{"view": 0, "why": "no progress"}]


# --- how long -------------------------------------------------------------------------------------------------------


def grown(me: str = "n3", views: int = 6) -> Bench:
    """A replica that has seen so many leaders fail in a row, now in the view after them, with work that waits."""
    bench = Bench(me=me)
    bundle(bench, b"old")
    for view in range(1, views + 1):
        for name in ("n0", "n1"):
            bench.hear(name, bench.view_change(view))
    enter(bench, views)
    bench.expire("progress")  # the one that was set in view 0
    return bench


def test_the_first_block_under_a_new_leader_brings_the_leaders_time_back_and_the_timer_that_was_set() -> None:
    """Found after an outage: T fell after a whole checkpoint interval only, and the timer that was set before kept its
    length beyond that, so a second fault cost 64 T."""
    bench = grown(views=6)
    assert waits(bench.out)[-1] == 32 * T_US
    bundle(bench, b"new")
    effects = decide(bench, 1, b"old", view=6, after_us=10_000)
    assert waits(effects) == [T_US], "set anew, for the other bundle waits"
    bench.expire("progress", after_us=T_US)
    assert bench.noted("suspect")[-1] == {"view": 6, "why": "no progress"}


def test_where_the_first_block_was_slow_the_leaders_time_stays_long() -> None:
    bench = grown(views=6)
    bundle(bench, b"new")
    assert waits(decide(bench, 1, b"old", view=6, after_us=3 * T_US)) == [8 * T_US]


def test_a_block_that_is_not_the_new_leaders_brings_nothing_back() -> None:
    """One of a view before, whose last votes come now; and one that is decided while the view is left."""
    bench = grown(views=6)
    assert waits(decide(bench, 1, b"old", view=5, after_us=10_000)) == []
    leaving = grown(views=6)
    for name in ("n0", "n1"):
        leaving.hear(name, leaving.view_change(7))
    leaving.out.clear()
    decide(leaving, 1, b"old", view=6, after_us=10_000)
    assert leaving.replica._progress._timer.attempts == 7


def test_after_the_first_block_the_leaders_time_falls_once_in_a_checkpoint_interval() -> None:
    bench = grown(views=6)
    decide(bench, 1, b"old", view=6, after_us=3 * T_US)
    attempts = [bench.replica._progress._timer.attempts]
    for height in range(2, 2 + PARAMETERS.checkpoint_interval):
        decide(bench, height, b"bundle %d" % height, view=6, after_us=10_000)
        attempts.append(bench.replica._progress._timer.attempts)
    assert attempts == [4] * PARAMETERS.checkpoint_interval + [0]


def test_a_view_that_decided_much_keeps_no_later_leaders_time_at_its_base() -> None:
    """Found by reading: in a view that had decided a checkpoint interval, each VIEW-CHANGE took back the growth that it
    began, in the same step."""
    bench = Bench(me="n3")
    for height in range(1, 2 * PARAMETERS.checkpoint_interval):
        decide(bench, height, b"bundle %d" % height)
    found = []
    for view in (1, 2, 3):
        for name in ("n0", "n1"):
            found += waits(bench.hear(name, bench.view_change(view)), ("pbft", "new_view"))
    assert found == [T_US, 2 * T_US, 4 * T_US]


# --- views that are missed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "is_missed"), [(0, True), (1, True), (2, False)])
def test_who_left_for_a_later_view_misses_no_earlier_one(wanted: int, is_missed: bool) -> None:
    """Found in an idle consortium: a node that wanted view 2 while the others were in view 1 asked for the NEW-VIEW
    that it could not enter, was told it, and asked again, for ever."""
    bench = Bench(me="n3")
    for view in range(1, wanted + 1):
        for name in ("n0", "n1"):
            bench.hear(name, bench.view_change(view))
    assert bench.replica.state.wanted == wanted
    effects = bench.hear("n0", Prepare(1, 1, A))
    effects += bench.hear("n1", Commit(1, 1, A))
    assert bool(bench.said(Ask, effects)) is is_missed
    assert bench.replica._retransmission._is_view_missed() is is_missed


@pytest.mark.parametrize(("wanted", "is_told"), [(0, True), (2, True), (3, False)])
def test_a_new_view_is_told_to_those_who_may_enter_it(wanted: int, is_told: bool) -> None:
    bench = Bench()
    enter(bench, 2)
    told = bench.said(Told, bench.hear("n3", Ask(bytes(16), 0, wanted, 1)))
    kinds = [type(bench.verifier.codec.decode(signed.body, 0)) for each in told for signed in each.statements]
    assert (NewView in kinds) is is_told


# --- answers --------------------------------------------------------------------------------------------------------


def test_an_answer_is_read_on_after_a_seal_that_we_cannot_check_and_after_a_bad_statement() -> None:
    """What is wrong is said, but for a statement of an epoch that we may not know yet."""
    bench = Bench(me="n3")
    votes = [bench.sign(name, Commit(0, 1, A)) for name in ("n0", "n1", "n2")]
    bad = Signed("n0", votes[0].body, bytes(64))
    strange = Signed("n0", b"of another epoch", votes[0].signature)
    seal = Certificate(b"of an epoch that we do not know", ())
    effects = bench.hear("n0", Told("n3", bytes(16), 0, 0, seal, (bad, strange, *votes)))
    assert bench.noted("committed", effects) == [{"view": 0, "height": 1, "digest": A.hex()[:16]}]
    assert [note["sender"] for note in bench.noted("rejected", effects)] == ["n0"]


# --- freshness ------------------------------------------------------------------------------------------------------


def proposal(bench: Bench, age_us: int, height: int) -> tuple[PrePrepare, bytes]:
    bench.time_us -= age_us
    raw, digest = bench.batch()
    bench.time_us += age_us
    return PrePrepare(0, height, digest), raw


@pytest.mark.parametrize(
    ("age_us", "still_us", "is_accepted", "blamed"),
    [
        (9_000_000, 0, True, []),
        (15_000_000, 0, False, [""]),
        (15_000_000, 6_000_000, True, []),
        (90_000_000, 100_000_000, False, [""]),
        (-11_000_000, 100_000_000, False, ["n0"]),
    ],
    ids=["near our clock", "old, just after a decision", "said again since then", "beyond the cap", "of the future"],
)
def test_a_batch_may_be_as_old_as_the_last_decision_for_its_leader_says_it_again(
    age_us: int, still_us: int, is_accepted: bool, blamed: list[str]
) -> None:
    """Found by attack: a PRE-PREPARE that was lost for longer than the bound was refused when it was said again, and an
    honest leader was named for it. Only a time to come shows that a leader's clock, or its word, is wrong."""
    bench = Bench()
    bench.time_us += 200_000_000
    decide(bench, 1, b"before")
    bench.time_us += still_us
    order, raw = proposal(bench, age_us, 2)
    bench.hear("n0", order, raw)
    assert bool(bench.said(Prepare)) is is_accepted
    assert [note["sender"] for note in bench.noted("rejected")] == blamed


def test_after_a_boot_nobody_knows_since_when_a_leader_says_its_batch_again() -> None:
    bench = Bench()
    order, raw = proposal(bench, 60_000_000, 1)
    bench.hear("n0", order, raw)
    assert bench.said(Prepare)
