"""Every check that is found can fail: it has a positive control, and without its finder nothing would be found."""

from __future__ import annotations

import pytest

from consortium.core.discovery import offered
from consortium.core.messages import Message
from consortium.lab.checks.claims import Claim, claims, judge
from consortium.lab.checks.statements import SaidClaim, said_claims
from consortium.lab.checks.votes import check_votes
from consortium.protocols.hotstuff.messages import Ballot, Proposal, Timeout
from consortium.protocols.pbft.messages import Commit, Prepare, PrePrepare, ViewChange
from consortium.runs.run import Run
from tests.unit.lab import controls
from tests.unit.lab.controls import said
from tests.unit.lab.made_up_run import NAMES, made_up_run

CHECKS = "consortium.lab.checks"
CLAIMS = offered(CHECKS, "CHECK", Claim)
SAID_CLAIMS = offered(CHECKS, "CHECK", SaidClaim)
ONE, OTHER = b"1" * 32, b"2" * 32
FIRST = NAMES[0]  # leads view 0
BACKUP = NAMES[3]


@pytest.fixture(scope="module")
def honest() -> Run:
    return made_up_run()


def test_every_check_has_a_positive_control() -> None:
    lacking = [name for name, _ in (*CLAIMS, *SAID_CLAIMS) if not hasattr(controls, f"control_{name}")]
    assert lacking == [], f"write a function in {controls.__file__} for each"


@pytest.mark.parametrize(("name", "claim"), CLAIMS, ids=[name for name, _ in CLAIMS])
def test_a_claim_holds_on_the_honest_run_and_fails_on_its_control(honest: Run, name: str, claim: Claim) -> None:
    assert not judge(honest, [claim])[0].fails
    verdict = judge(getattr(controls, f"control_{name}")(honest), [claim])[0]
    assert verdict.fails and "could not be checked" not in verdict.failures[0]


@pytest.mark.parametrize(("name", "claim"), SAID_CLAIMS, ids=[name for name, _ in SAID_CLAIMS])
def test_a_claim_about_what_was_said_fails_on_its_control(name: str, claim: SaidClaim) -> None:
    assert claim.check(said()) == []
    assert claim.check(getattr(controls, f"control_{name}")()) != []


def test_the_claims_stand_in_the_order_of_reports() -> None:
    assert [claim.name for claim in claims()] == [
        "agreement",
        "validity",
        "exactly once",
        "money balances",
        "equal state roots",
        "progress",
        "everything executed",
        "equal heads",
        "every claim answered",
    ]
    assert [claim.name for claim in said_claims()] == ["honest votes"]


def test_an_honest_order_of_votes_breaks_no_rule() -> None:
    normal = [(FIRST, PrePrepare(0, 9, ONE)), (BACKUP, Prepare(0, 9, ONE)), (BACKUP, Commit(0, 9, ONE))]
    later = [(NAMES[4], Prepare(0, 9, ONE)), (NAMES[4], ViewChange(1, 0, None, ())), (NAMES[4], Prepare(1, 9, OTHER))]
    assert check_votes(said(*normal, *later)) == []


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        (((BACKUP, Prepare(0, 9, ONE)), (BACKUP, Prepare(0, 9, OTHER))), "convicted of double vote"),
        (((BACKUP, Commit(0, 9, ONE)), (BACKUP, ViewChange(1, 0, None, ()))), "convicted of amnesia"),
        (((BACKUP, ViewChange(2, 0, None, ())), (BACKUP, Prepare(1, 9, ONE))), "after a VIEW-CHANGE for view 2"),
        (((BACKUP, Commit(0, 9, ONE)),), "signed COMMIT without its own PREPARE"),
        (((BACKUP, PrePrepare(0, 9, ONE)),), "signed PrePrepare in view 0, not its part there"),
        (((FIRST, Prepare(0, 9, ONE)),), "signed Prepare in view 0, not its part there"),
    ],
)
def test_each_rule_of_pbft_votes_is_watched(messages: tuple[tuple[str, Message], ...], words: str) -> None:
    assert any(words in sentence for sentence in check_votes(said(*messages)))


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        (((BACKUP, Timeout(5)), (BACKUP, Ballot(5, ONE, 9, ()))), "of view 5 after a TIMEOUT of view 5"),
        (((BACKUP, Ballot(6, ONE, 9, ())), (BACKUP, Ballot(5, ONE, 8, ()))), "a ballot of view 5 after one of 6"),
        (tuple((name, Proposal(7, ONE, 9, ())) for name in NAMES[:2]), "which it does not lead"),
        (((BACKUP, Ballot(6, ONE, 9, ())), (BACKUP, Ballot(6, OTHER, 9, ()))), "convicted of double vote"),
    ],
)
def test_each_rule_of_hotstuff_votes_is_watched(messages: tuple[tuple[str, Message], ...], words: str) -> None:
    assert any(words in sentence for sentence in check_votes(said(*messages, protocol="hotstuff")))
