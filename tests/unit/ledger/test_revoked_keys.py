"""A submit key that the members replaced signs nothing from the next block on, long before the new one begins."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts import load_contracts
from consortium.contracts.governance.governance import Propose, Vote
from consortium.core.machine import Effect, Receipted
from consortium.core.registry import compute_activation
from consortium.core.transaction import encode_transaction, sign_bundle
from consortium.lab.checks.validity import check_validity
from consortium.ledger.chain import Ledger
from consortium.runs.run import Run
from consortium.scenario.scenario import MemberSpec, Scenario
from tests.unit.ledger.ledger_kit import CONTRACTS, NAMES, SUITE, Add, Chain, codes, make_genesis

NEW = b"new submit key of bob...........".ljust(32, b".")
EVERY = {**CONTRACTS, **load_contracts()}


class Governed(Chain):
    """A chain whose members vote on their keys."""

    def __init__(self, names: tuple[str, ...] = NAMES) -> None:
        super().__init__(make_genesis(names, EVERY, checkpoint_interval=4, window=8), contracts=EVERY)

    def begin(self, contracts: Any) -> None:
        self.ledger = Ledger(self.genesis, self.rows, contracts, self.bundles, self.epochs)
        self.ledger.boot()

    def call(self, member: str, contract: str, operation: str, arguments: Any) -> bytes:
        self.numbers[member] = self.numbers.get(member, 0) + 1
        return encode_transaction(self.numbers[member], contract, operation, arguments)

    def under_new_key(self, transaction: bytes) -> bytes:
        return sign_bundle(self.genesis.chain, SUITE, NEW, "bob", (transaction,))

    def pass_(self, proposal: Propose, *more: bytes) -> list[Effect]:
        """All say yes in one block, in which `more` bundles follow."""
        first, *others = (name for name in NAMES if name != proposal.name)
        yes = [self.bundle(first, self.call(first, "governance", "propose", proposal))]
        for name in others:
            vote = self.call(name, "governance", "vote", Vote(proposal.proposal_id, True))
            yes.append(self.bundle(name, vote))
        effects = self.decide(*yes, *more)
        assert set(codes(effects)) <= {"ok"}, codes(effects)
        return effects


@pytest.fixture
def chain() -> Governed:
    assert NAMES[1] == "bob"
    return Governed()


def rekey(purpose: Any = "submit") -> Propose:
    return Propose("p", "rekey", "bob", keys={purpose: SUITE.public_key(NEW)})


def test_the_old_key_signs_in_the_block_of_the_change_and_in_no_later_one(chain: Governed) -> None:
    chain.decide(chain.add("bob", "x", 1))
    last = chain.add("bob", "x", 1)
    effects = chain.pass_(rekey(), last)
    assert codes(effects)[-1] == "ok"
    decided = chain.ledger.head_height
    begins = compute_activation(decided, chain.genesis.parameters)
    assert begins - decided > 8
    stolen = chain.transaction("bob", "add", Add("x", 100))
    while chain.ledger.head_height < begins - 1:
        effects = chain.decide(chain.bundle("bob", stolen), chain.under_new_key(stolen), chain.add("ada", "y", 1))
        assert codes(effects) == ["unknown-key", "unknown-key", "ok"], chain.ledger.head_height
    effects = chain.decide(chain.bundle("bob", stolen), chain.under_new_key(stolen))
    assert codes(effects) == ["unknown-key", "ok"], "no number was taken: the member says the same under its new key"


def test_a_change_of_another_key_revokes_no_submit_key(chain: Governed) -> None:
    chain.pass_(rekey("vote"))
    assert codes(chain.decide(chain.add("bob", "x", 1))) == ["ok"]


def test_a_member_that_was_voted_out_submits_until_it_is_out() -> None:
    """Its place ends with the epoch; nobody has said that its key is in wrong hands."""
    chain = Governed((*NAMES, "eve"))
    chain.pass_(Propose("p", "remove", "eve"))
    begins = compute_activation(chain.ledger.head_height, chain.genesis.parameters)
    while chain.ledger.head_height < begins - 1:
        assert codes(chain.decide(chain.add("eve", "x", 1))) == ["ok"]
    assert codes(chain.decide(chain.add("eve", "x", 1))) == ["unknown-member"]


def test_history_tells_again_what_was_said_of_a_revoked_key(chain: Governed) -> None:
    told = [effect for effect in chain.pass_(rekey()) if isinstance(effect, Receipted)]
    effects = chain.decide(chain.add("bob", "x", 1), chain.add("ada", "y", 1))
    told += [effect for effect in effects if isinstance(effect, Receipted)]
    assert [past._replace(is_replay=False) for past in chain.ledger.history()] == told
    before = chain.ledger.head
    chain.begin(EVERY)
    assert chain.ledger.head == before
    assert codes(chain.decide(chain.add("bob", "x", 1))) == ["unknown-key"], "also after a boot"


def test_the_check_of_validity_sees_a_ledger_that_let_a_revoked_key_sign(chain: Governed) -> None:
    scenario = Scenario(name="kit", members=tuple(MemberSpec(name, "hospital") for name in NAMES))
    chain.pass_(rekey())
    chain.decide(chain.add("bob", "x", 1), chain.add("ada", "y", 1))
    assert check_validity(Run(scenario, chain.genesis, (), {"ada": chain.rows})) == []
    chain.ledger._executor.execute = _forgetful(chain.ledger._executor.execute)  # type: ignore[method-assign]
    chain.decide(chain.add("bob", "x", 1))
    (failure,) = check_validity(Run(scenario, chain.genesis, (), {"ada": chain.rows}))
    assert "under a key of 'bob' that was revoked at height 1" in failure


def _forgetful(execute: Any) -> Any:
    return lambda prepared, height, time_us, revoked: execute(prepared, height, time_us)
