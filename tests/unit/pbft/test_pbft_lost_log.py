"""A log that is missing, damaged, or known to lack votes: what must come before its member votes again."""

from collections.abc import Sequence

import pytest

from consortium.core.machine import Executed
from consortium.protocols.pbft.certificates import Change, Proven, choose_changes, span_fault
from consortium.protocols.pbft.messages import Commit, Prepare, PrePrepare, Recall, Recalled, ViewChange
from tests.pbft_bench import Bench

SPAN = 16  # twice the window of the bench
FAR = 2 * SPAN


def _logged(bench: Bench) -> list[bytes]:
    return [record for record, _ in bench.records]


def _answer(bench: Bench, *names: str, height: int | None = 2, seal: int = 0) -> None:
    """They hold no vote of ours, and say how high they signed."""
    nonce = bench.said(Recall)[-1].nonce
    proof = bench.seal(seal) if seal else None
    for name in names:
        bench.hear(name, Recalled(bench.me, nonce, (), proof, height))


def _decided(bench: Bench, height: int, view: int) -> None:
    for name in bench.others:
        bench.hear(name, Commit(view, height, b"z" * 32))


def _follow(bench: Bench, upto: int, proven: Sequence[tuple[int, int]] = ()) -> None:
    """The ledger comes to this height, checkpoint by checkpoint. `proven`: heights whose decision is heard as well,
    each with its view."""
    start = bench.replica.state.head + 1
    for height in range(start, upto + 1):
        for at, view in proven:
            if at == height:
                _decided(bench, height, view)
        bench.do(Executed(height, b"h" * 32, bench.epoch))
        if height % 4 == 0:
            bench.stabilise(height)


def _lost(*named: str, records: Sequence[bytes] = ()) -> Bench:
    bench = Bench(is_recalled=False, is_log_lost=True, records=records)
    if named:
        _answer(bench, *named)
    return bench


def _votes(bench: Bench) -> bool:
    height = bench.replica.state.head + 1
    raw, digest = bench.batch(b"new")
    bench.hear("n0", PrePrepare(0, height, digest), raw)
    return Prepare(0, height, digest) in bench.said(Prepare)


def test_a_lost_log_votes_again_when_a_height_a_span_above_all_that_was_named_is_sealed() -> None:
    bench = _lost("n0", "n2", "n3")
    assert bench.noted("bound") == [{"height": 2, "view": 0}] and not _votes(bench)
    _follow(bench, 16, [(16, 0)])
    assert not _votes(bench)
    _follow(bench, 20, [(19, 0)])
    assert bench.noted("votes_again") == [{"height": 20}] and _votes(bench)


def test_it_does_not_while_all_that_was_seen_decided_lies_no_more_than_a_span_above() -> None:
    bench = _lost("n0", "n2", "n3")
    _follow(bench, 24, [(18, 0)])
    assert not _votes(bench)
    _follow(bench, 28, [(25, 0)])
    assert _votes(bench)


@pytest.mark.parametrize(("view", "votes"), [(0, True), (1, False)])
def test_what_is_decided_beyond_must_be_of_our_view_or_an_earlier_one(view: int, votes: bool) -> None:
    """Others may have been led into that view by an old VIEW-CHANGE of ours."""
    bench = _lost("n0", "n2", "n3")
    _follow(bench, 20, [(19, view)])
    assert _votes(bench) is votes


@pytest.mark.parametrize(("named", "is_bound"), [(("n0", "n2"), False), (("n0", "n2", "n3"), True)])
def test_the_bound_is_named_by_all_the_others_of_four(named: tuple[str, ...], is_bound: bool) -> None:
    bench = _lost(*named, *named)
    assert bool(bench.noted("bound")) is is_bound
    _follow(bench, 20, [(19, 0)])
    assert _votes(bench) is is_bound


@pytest.mark.parametrize(
    ("height", "seal", "is_counted"),
    [(SPAN, 0, True), (SPAN + 1, 0, False), (SPAN + 1, 4, True), (10**9, 4, False), (None, 4, False), (-1, 0, False)],
)
def test_a_height_is_named_with_a_seal_near_it_or_does_not_count(
    height: int | None, seal: int, is_counted: bool
) -> None:
    bench = _lost("n0", "n2")
    _answer(bench, "n3", height=height, seal=seal)
    assert bool(bench.noted("bound")) is is_counted
    _answer(bench, "n3")
    assert bool(bench.noted("bound")), "the control: another answer of the same member completes it"


def test_the_highest_that_is_named_counts_and_our_own_ledger_with_it() -> None:
    bench = Bench(is_recalled=False, is_log_lost=True)
    _answer(bench, "n0", height=9, seal=4)
    _answer(bench, "n2", "n3")
    assert bench.noted("bound") == [{"height": 9, "view": 0}]
    bench = Bench(head=11, stable=8, is_recalled=False, is_log_lost=True)
    _answer(bench, "n0", "n2", "n3")
    assert bench.noted("bound") == [{"height": 11, "view": 0}]


def test_nothing_is_said_that_binds_before_it_votes_again() -> None:
    bench = _lost("n0", "n2", "n3")
    for name in ("n0", "n2", "n3"):
        bench.hear(name, bench.view_change(1))
    bench.expire("progress", after_us=10_000_000)
    assert bench.said(ViewChange) == bench.said(Prepare) == bench.said(Commit) == bench.said(PrePrepare) == []


def test_what_is_known_of_a_lost_log_outlives_the_next_boot() -> None:
    bench = _lost("n0", "n2", "n3")
    again = _lost(records=_logged(bench))
    assert again.said(Recall) == [], "the bound of the first boot holds: a later one would be higher"
    _follow(again, 20, [(19, 0)])
    assert _votes(again)
    third = Bench(is_recalled=False, is_log_lost=True, records=_logged(again), head=20, stable=20)
    _answer(third, "n0", "n2", height=20, seal=20)
    assert third.noted("observing") == [] and third.replica.state.is_recalled, "it is a log like any other now"


def test_a_log_that_others_showed_to_lack_votes_is_lost_for_all_boots_to_come() -> None:
    bench = Bench(is_recalled=False)
    shown = bench.sign("n1", Prepare(0, 2, b"z" * 32))
    bench.hear("n2", Recalled("n1", bench.said(Recall)[-1].nonce, (shown,), None, 2))
    assert bench.noted("observing")
    again = Bench(is_recalled=False, records=_logged(bench))
    _answer(again, "n0", "n3")
    assert again.noted("observing") and not _votes(again)
    _answer(again, "n2")
    _follow(again, 20, [(19, 0)])
    assert _votes(again)


def test_who_lost_its_log_answers_what_it_holds_and_names_no_height() -> None:
    sound, lost = Bench(), _lost()
    for bench in (sound, lost):
        bench.hear("n2", Prepare(0, 1, b"a" * 32))
    for bench, height in ((sound, 0), (lost, None)):
        (answer,) = bench.said(Recalled, bench.hear("n2", Recall(b"q")))
        assert (len(answer.votes), answer.signed_height) == (1, height)


def test_who_voted_names_the_height_and_its_seal() -> None:
    bench = Bench(head=8, stable=8)
    raw, digest = bench.batch(b"one")
    bench.hear("n0", PrePrepare(0, 10, digest), raw)
    (answer,) = bench.said(Recalled, bench.hear("n2", Recall(b"q")))
    assert (answer.signed_height, answer.seal) == (10, bench.seal(8))
    after = Bench(records=_logged(bench), is_recalled=False)
    (answer,) = after.said(Recalled, after.hear("n2", Recall(b"q")))
    assert (answer.signed_height, answer.seal) == (10, None), "its ledger is gone, and its log tells it all the same"


def test_a_vote_at_a_height_that_others_have_sealed_is_remembered_by_nobody_and_not_given() -> None:
    """The log holds the newest vote and lacks one below; those who heard it have forgotten it with the seal."""
    for seal, votes in ((0, True), (8, False)):
        bench = Bench(is_recalled=False)
        _answer(bench, "n0", "n2", seal=seal)
        assert _votes(bench) is votes
        if seal:
            _follow(bench, 8)
            assert _votes(bench), "above, they remember"


# --- the VIEW-CHANGE that it may have said ------------------------------------------------------------------------


def _change(bench: Bench, name: str, stable: int, *heights: int) -> Change:
    proven = tuple(Proven(height, 0, b"z" * 32, ()) for height in heights)
    return Change(name, bench.sign(name, bench.view_change(1)), 1, stable, proven)


@pytest.mark.parametrize(("stable", "heights", "is_too_old"), [(SPAN, (), False), (17, (), True), (4, (17,), True)])
def test_a_view_change_has_no_say_beyond_a_span_above_its_seal(
    stable: int, heights: tuple[int, ...], is_too_old: bool
) -> None:
    bench = Bench()
    old, new = _change(bench, "n1", 0), _change(bench, "n2", stable, *heights)
    assert (span_fault([old, new], SPAN) is not None) is is_too_old


@pytest.mark.parametrize(("stable", "is_refused"), [(4, False), (0, True)])
def test_a_new_view_that_rests_on_one_is_refused(stable: int, is_refused: bool) -> None:
    bench = Bench(me="n2", head=20, stable=20)
    changes = {name: bench.view_change(1, stable=20) for name in ("n1", "n2")}
    changes["n3"] = bench.view_change(1, stable=stable)
    bench.hear("n1", bench.new_view(1, changes))
    assert bench.replica.view == (not is_refused)
    assert [why for why in bench.whys() if "too old" in why] == ["a VIEW-CHANGE that is too old for the others"][
        : int(is_refused)
    ]


def test_a_leader_chooses_view_changes_that_may_stand_together() -> None:
    bench = Bench(7)
    mine, near = _change(bench, "n1", 4, 9), [_change(bench, name, 4) for name in ("n4", "n5", "n6")]
    old, far = _change(bench, "n0", 0), _change(bench, "n2", FAR)

    def chosen(*others: Change, count: int = 3) -> list[str] | None:
        found = choose_changes(mine, others, count, SPAN)
        return None if found is None else [change.sender for change in found]

    assert chosen(old, *near) == ["n0", "n1", "n4", "n5"], "the first by name that fit"
    assert chosen(far, *near) == ["n1", "n4", "n5", "n6"], "not one so far ahead that the others had no say"
    assert chosen(far, *near[:2]) is None
    ahead = _change(bench, "n1", 4, 17)
    found = choose_changes(ahead, [old, *near], 3, SPAN)
    assert found is not None and [change.sender for change in found] == ["n1", "n4", "n5", "n6"], "n0 is too old for it"
