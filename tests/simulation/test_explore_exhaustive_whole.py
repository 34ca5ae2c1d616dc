"""Whole scopes, searched to the end: longer than a change should wait for."""

from __future__ import annotations

import pytest

from consortium.exploration.exhaustive.scope import Scope
from consortium.exploration.exhaustive.search import Search, Seen

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(3_600)]


def searched(scope: Scope, claims: tuple[str, ...] = ("votes once",)) -> Seen:
    search = Search(scope, claims)
    for _ in search.run():
        pass
    return search.seen


@pytest.mark.parametrize("scope", [Scope(liar=name) for name in Scope().positions()], ids=Scope.sentence)
def test_one_liar_among_four_breaks_no_promise_in_two_views(scope: Scope) -> None:
    seen = searched(scope)
    assert seen.is_complete and seen.violation is None
    assert seen.states > 10_000


@pytest.mark.parametrize("scope", [Scope(lost=name) for name in Scope().positions()], ids=Scope.sentence)
def test_one_lost_disk_among_four_breaks_no_promise_in_two_views(scope: Scope) -> None:
    seen = searched(scope)
    assert seen.is_complete and seen.violation is None
    assert seen.states > 10_000


def test_a_liar_and_a_lost_disk_break_no_promise_where_the_loss_is_noticed() -> None:
    seen = searched(Scope(views=1, liar="m0", lost="m2"))
    assert seen.is_complete and seen.violation is None


def test_where_quorum_less_one_answers_let_a_lost_log_vote_again_a_liar_forks_the_chain() -> None:
    """The boot rule of the first version: the empty log is taken for sound."""
    violation = searched(Scope(views=1, liar="m0", unnoticed="m2"), ()).violation
    assert violation is not None and violation.claim == "agreement"
    acts = [step for step in violation.steps if "boots: says" not in step]
    assert len(acts) == 13, violation.steps
    assert any("m2 hears RECALLED (0 votes of m2) of m3, RECALLED (0 votes of m2) of m0" in act for act in acts)
