"""Members vote for a call or for a version: what passes is executed as `vote`, what is refused leaves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.governance.governance import PROPOSALS, Propose
from consortium.core.codec import encode
from consortium.core.contract import EVERY_MEMBER, VOTE, CanonicalCall, Operation
from consortium.core.identity import role_fault
from consortium.core.machine import Effect, Receipted
from consortium.core.registry import compute_activation
from consortium.core.versions import get_versions
from tests.unit.ledger.governed_kit import Governed, forget
from tests.unit.ledger.ledger_kit import Add, codes


def kinds(effects: list[Effect]) -> list[str]:
    (block,) = (effect for effect in effects if isinstance(effect, Receipted))
    return [event.kind for outcome in block.outcomes for event in outcome.receipt.events]


def status(chain: Governed, proposal_id: str = "p") -> str:
    proposal = chain.ledger.reader.get(PROPOSALS, proposal_id)
    return "" if proposal is None else proposal.status


@pytest.fixture
def chain() -> Governed:
    chain = Governed()
    chain.count("x")
    return chain


def test_a_call_is_executed_when_a_quorum_wants_it_and_not_before(chain: Governed) -> None:
    assert kinds(chain.decide(chain.propose("call", call=forget()), chain.vote("bob"))) == ["proposal-made"]
    assert chain.counted() == 1 and status(chain) == "open"
    (block,) = (effect for effect in chain.decide(chain.vote("cyd")) if isinstance(effect, Receipted))
    executed, forgotten = block.outcomes[0].receipt.events
    assert executed.kind == "call-executed" and executed.fields["yes"] == 3
    assert forgotten.fields == {"name": "x", "member": "", "role": VOTE}
    assert chain.counted() == 0 and status(chain) == "passed"


def test_what_would_be_refused_is_refused_at_the_proposal_with_its_own_code(chain: Governed) -> None:
    assert codes(chain.decide(chain.propose("call", call=forget("nobody")))) == ["unknown-tally"]
    assert status(chain) == ""
    for code, call in {
        "no-call": None,
        "unknown-contract": CanonicalCall("nothing", "forget", b""),
        "unknown-operation": CanonicalCall("counter", "nothing", b""),
        "malformed": forget(arguments=b"\xc1"),
        "not-permitted": CanonicalCall("counter", "count", encode(Add("x", 1))),
    }.items():
        assert codes(chain.decide(chain.propose("call", call=call))) == [code]


def test_arguments_of_a_call_are_canonical(chain: Governed) -> None:
    """Two proposals that mean the same have the same bytes, so that a voter can compare them."""
    reordered = b"\x82\xa6amount\x00\xa4name\xa1x"
    assert codes(chain.decide(chain.propose("call", call=forget(arguments=reordered)))) == ["malformed"]


def test_trying_a_call_at_its_proposal_writes_nothing(chain: Governed) -> None:
    chain.decide(chain.propose("call", call=forget()))
    assert chain.counted() == 1 and chain.counted("touched") == 0


def test_a_call_that_is_refused_by_the_time_it_passes_fails_and_leaves_nothing(chain: Governed) -> None:
    chain.decide(chain.propose("call", "p", call=forget()), chain.propose("call", "q", call=forget()))
    chain.decide(chain.vote("bob", "p"), chain.vote("bob", "q"), chain.vote("cyd", "p"))
    assert (status(chain, "p"), status(chain, "q")) == ("passed", "open")
    assert kinds(chain.decide(chain.vote("cyd", "q"))) == ["call-refused"]
    assert status(chain, "q") == "failed" and chain.counted("touched") == 1  # by the first alone
    assert codes(chain.decide(chain.vote("dan", "q"))) == ["proposal-closed"]


def test_nobody_but_a_vote_may_use_what_votes_alone_may(chain: Governed) -> None:
    assert codes(chain.decide(chain.call("ada", "counter", "forget", Add("x", 0)))) == ["not-permitted"]
    assert role_fault(VOTE) is not None
    assert not Operation("o", Add, EVERY_MEMBER, lambda *_: []).is_permitted(VOTE)


def test_a_vote_cannot_vote(chain: Governed) -> None:
    """A call under the role `vote` reaches no operation that is for every member: governance above all."""
    call = CanonicalCall("governance", "propose", encode(Propose("z", "tune", "ada", tuning={"timer_base_us": 20_000})))
    assert codes(chain.decide(chain.propose("call", call=call))) == ["not-permitted"]


def test_who_proposes_rules_gives_its_own_name(chain: Governed) -> None:
    for action in ("call", "upgrade"):
        wrong = chain.call("ada", "governance", "propose", Propose("w", action, "bob", call=forget()))
        assert codes(chain.decide(wrong)) == ["bad-name"]


def test_an_upgrade_is_decided_for_the_next_activation(chain: Governed) -> None:
    first = chain.upgrade()
    assert first == compute_activation(chain.ledger.head_height, chain.genesis.parameters)
    versions = get_versions(chain.ledger.reader)
    assert (versions.at("counter", first - 1), versions.at("counter", first)) == (1, 2)


def test_versions_only_rise_and_one_begins_before_the_next_is_asked_for(chain: Governed) -> None:
    def told(**fields: Any) -> list[str]:
        return codes(chain.decide(chain.propose("upgrade", **fields)))

    assert told(contract="counter", version=1) == ["no-change"]
    assert told(contract="counter", version=0) == ["bad-number"]
    assert told(contract="counter", version=2, from_height=-1) == ["bad-number"]
    assert told(contract="not a name", version=2) == ["bad-identifier"]
    first = chain.upgrade()
    assert told(contract="counter", version=3) == ["upgrade-pending"]
    chain.grow_to(first)
    assert told(contract="counter", version=1) == ["no-change"]
    assert told(contract="counter", version=2) == ["no-change"]
    assert told(contract="counter", version=3) == ["ok"]
