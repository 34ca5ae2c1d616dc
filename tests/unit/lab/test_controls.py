"""Every check that is found can fail: it has a positive control, and without its finder nothing would be found."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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


# --- each sentence has a control --------------------------------------------------------------------------------------


def _controls(name: str) -> list[Any]:
    """All of one check."""
    return [
        value
        for known, value in sorted(vars(controls).items())
        if known == f"control_{name}" or known.startswith(f"control_{name}__")
    ]


def _templates(name: str, check: Callable[..., Any]) -> Iterator[str]:
    """What a check can say, as regular expressions: every f-string that it comes to, each sentence that it gives back
    or gathers as it is, and each question to `disagreements`, whose sentences bear its words."""
    for node in _reached(name, check.__name__):
        if isinstance(node, ast.JoinedStr):
            parts = [re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*" for part in node.values]
            yield "".join(parts)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
            yield from (re.escape(str(each.value)) for each in node.args if isinstance(each, ast.Constant))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "disagreements":
            _, kind, _, noun = (each.value if isinstance(each, ast.Constant) else "" for each in node.args)
            yield re.escape(f"{kind!s} different {noun!s}: ")
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.List):
            yield from (re.escape(str(each.value)) for each in node.value.elts if isinstance(each, ast.Constant))


def _reached(name: str, start: str) -> Iterator[ast.AST]:
    """The code of a check's module that its function comes to, without the formats of f-strings."""
    path = Path(importlib.import_module(f"{CHECKS}.{name}").__file__ or "")
    body = ast.parse(path.read_text(encoding="utf-8")).body
    known = {node.name: node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    waiting, seen = [start], {start}
    while waiting:
        nodes = list(ast.walk(known[waiting.pop()]))
        formats = {each for node in nodes if isinstance(node, ast.FormattedValue) for each in _inside(node.format_spec)}
        for node in nodes:
            if node not in formats:
                yield node
            if isinstance(node, ast.Name) and node.id in known and node.id not in seen:
                waiting.append(node.id)
                seen.add(node.id)


def _inside(node: ast.expr | None) -> Iterator[ast.AST]:
    return iter(()) if node is None else ast.walk(node)


def _said_of(honest: Run, claim: Claim | SaidClaim, control: Any) -> list[str]:
    """The sentences of a check over one of its controls."""
    if isinstance(claim, SaidClaim):
        return claim.check(control())
    return claim.check(control(honest).honest)


@pytest.mark.parametrize(("name", "claim"), [*CLAIMS, *SAID_CLAIMS], ids=[name for name, _ in (*CLAIMS, *SAID_CLAIMS)])
def test_each_sentence_that_a_check_can_say_is_said_of_one_of_its_controls(
    honest: Run, name: str, claim: Claim | SaidClaim
) -> None:
    """So none of its finders can be emptied unseen."""
    told = [sentence for control in _controls(name) for sentence in _said_of(honest, claim, control)]
    templates = sorted(set(_templates(name, claim.check)))
    assert [each for each in templates if not any(re.search(each, sentence, re.DOTALL) for sentence in told)] == []


def test_a_finder_that_is_emptied_is_seen(honest: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: without evidence, the sentence of convictions is said of no control any more."""
    conviction = next(each for each in _templates("votes", check_votes) if "convicted" in each)
    claim = dict(SAID_CLAIMS)["votes"]

    def is_said() -> bool:
        told = [sentence for control in _controls("votes") for sentence in _said_of(honest, claim, control)]
        return any(re.search(conviction, sentence, re.DOTALL) for sentence in told)

    assert is_said()
    monkeypatch.setattr("consortium.lab.checks.votes.find_evidence", lambda statements, codec: [])
    assert not is_said()


def test_the_claims_stand_in_the_order_of_reports() -> None:
    assert [claim.name for claim in claims()] == [
        "agreement",
        "validity",
        "exactly once",
        "money balances",
        "dates bind",
        "trials are in order",
        "findings bind",
        "equal state roots",
        "what was erased is gone",
        "opened by leave alone",
        "reads are audited",
        "progress",
        "no suspicion",
        "recovered in time",
        "every validator votes",
        "quiet when idle",
        "everything executed",
        "equal heads",
        "every claim answered",
        "commitments are kept",
        "erasures are confirmed",
        "due told",
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
