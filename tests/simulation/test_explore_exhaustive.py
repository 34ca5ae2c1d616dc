"""Exhaustive searches of small scopes: what holds, what is found where a rule is broken, and whether the reductions
that make them feasible are true of the code that is searched."""

from __future__ import annotations

import pytest

from consortium.commands.exhaustive import scopes_of
from consortium.core.errors import UserError
from consortium.exploration.exhaustive.scope import Scope
from consortium.exploration.exhaustive.search import Search, Seen
from consortium.protocols.pbft.messages import NewView, PrePrepare, ViewChange
from tests.exhaustive_audit import Audit
from tests.sampling import sampled


def searched(scope: Scope, states_max: int = 1_000_000) -> Seen:
    search = Search(scope)
    for seen in search.run():
        if seen.states >= states_max:
            break
    return search.seen


@pytest.mark.parametrize(("liar", "states_min"), [("m0", 50), ("m1", 30)])
def test_within_one_view_no_liar_divides_the_honest(liar: str, states_min: int) -> None:
    seen = searched(Scope(views=1, liar=liar))
    assert seen.is_complete and seen.violation is None
    assert seen.states >= states_min


def test_with_a_quorum_of_two_a_fork_is_found_by_a_shortest_trace() -> None:
    violation = searched(Scope(views=1, liar="m0", quorum=2)).violation
    assert violation is not None and violation.claim == "agreement"
    assert "executed A" in violation.sentence and "executed B" in violation.sentence
    acts = [step for step in violation.steps if "boots" not in step]
    assert len(acts) == 4, violation.steps  # two members vote for two batches, and each decides with the liar


def test_a_scope_of_two_views_reaches_the_second_one() -> None:
    """Was: since a timer that runs out late suspects nobody at first, no member of a search ever left its view. It
    called itself complete with 340 states, and nothing told."""
    search = Search(Scope(liar="m2"))
    for seen in search.run():
        if seen.states >= 300:
            break
    said = [(type(each.message), each.sender) for each in search.graph.statements.all if each.sender != "m2"]
    assert {(ViewChange, "m0"), (ViewChange, "m3"), (NewView, "m1")} <= set(said)
    entered = [each for each in said if each == (PrePrepare, "m1")]
    assert entered, "and the leader of the second view orders something"


def test_a_search_that_is_stopped_does_not_call_itself_complete() -> None:
    seen = searched(Scope(liar="m2"), states_max=1)
    assert not seen.is_complete and seen.waiting > 0


def test_hosts_that_are_taken_for_one_do_the_same_whatever_they_hear() -> None:
    audit = Audit(Scope(views=1, liar="m0"))
    for _ in audit.search.run():
        pass
    assert list(audit.differing_twins()) == []
    assert audit.tried > 100


SCOPES = (Scope(views=1, liar="m0"), Scope(views=1, liar="m0", unnoticed="m2"), Scope(liar="m2"))


@pytest.mark.parametrize("scope", sampled(SCOPES, 2, Scope.sentence, always=(SCOPES[0].sentence(),)))
def test_what_shows_to_nobody_may_be_heard_later(scope: Scope) -> None:
    audit = Audit(scope)
    for seen in audit.search.run():
        if seen.states > 200:
            break
    assert list(audit.late_hearing_matters()) == []
    assert audit.tried > 50


def test_a_scope_is_read_from_words_and_a_wrong_one_is_named() -> None:
    assert scopes_of(["liar=m1", "views=3"]) == [Scope(views=3, liar="m1")]
    assert scopes_of(["lost=each"]) == [Scope(lost=name) for name in ("m0", "m1", "m2")]
    assert [scope.liar for scope in scopes_of([])] == ["m0", "m1", "m2", None, None, None]
    for word in ("depth=3", "members=0", "members=1", "liar=nobody", "views=x"):
        with pytest.raises(UserError, match=word.partition("=")[0]):
            scopes_of([word])
