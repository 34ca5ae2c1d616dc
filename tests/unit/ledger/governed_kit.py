"""A chain with the governance contract and a counter of two versions, whose members vote in one block."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from consortium.contracts import load_contracts
from consortium.contracts.governance.governance import Propose, Vote
from consortium.core.codec import encode
from consortium.core.contract import (
    GENESIS,
    VOTE,
    CanonicalCall,
    Context,
    Contract,
    Event,
    Operation,
    Refused,
    State,
)
from consortium.core.machine import Effect
from consortium.core.registry import compute_activation
from consortium.core.transaction import encode_transaction
from consortium.ledger.rows import DictRows
from tests.unit.ledger.ledger_kit import CONTRACTS, NAMES, TALLIES, Add, Chain, Tally, make_genesis


def _count(state: State, arguments: Add, context: Context, *, times: int) -> list[Event]:
    held = state.get(TALLIES, arguments.name) or Tally(0)
    state.put(TALLIES, arguments.name, Tally(held.count + times * arguments.amount))
    return [Event("counted", {"name": arguments.name})]


def _forget(state: State, arguments: Add, context: Context) -> list[Event]:
    """Writes before it refuses: a caller must throw that away."""
    touched = state.get(TALLIES, "touched") or Tally(0)
    state.put(TALLIES, "touched", Tally(touched.count + 1))
    if state.get(TALLIES, arguments.name) is None:
        raise Refused("unknown-tally", f"there is no {arguments.name}")
    state.delete(TALLIES, arguments.name)
    return [Event("forgotten", {"name": arguments.name, "member": context.member, "role": context.role})]


_MEMBERS = frozenset({"hospital", GENESIS})


def counter(version: int, *older: Contract) -> Contract:
    """`count` adds as often as its version says; members can `forget` by vote alone."""
    return Contract(
        "counter",
        version,
        (
            Operation("count", Add, _MEMBERS, partial(_count, times=version)),
            Operation("forget", Add, frozenset({VOTE}), _forget),
        ),
        older=older,
    )


ONE = counter(1)
TWO = counter(2, ONE)
OTHERS = {**CONTRACTS, "governance": load_contracts()["governance"]}
OLD_PROGRAM: Mapping[str, Contract] = {**OTHERS, "counter": ONE}
PROGRAM: Mapping[str, Contract] = {**OTHERS, "counter": TWO}


class Governed(Chain):
    """Begins with version 1 of everything; `contracts` is what its program has."""

    def __init__(self, contracts: Mapping[str, Contract] = PROGRAM, rows: DictRows | None = None) -> None:
        super().__init__(make_genesis(NAMES, OLD_PROGRAM, checkpoint_interval=4, window=8), rows, contracts)

    def call(self, member: str, contract: str, operation: str, arguments: Any) -> bytes:
        self.numbers[member] = self.numbers.get(member, 0) + 1
        transaction = encode_transaction(self.numbers[member], contract, operation, arguments)
        return self.bundle(member, transaction)

    def count(self, name: str = "x", amount: int = 1) -> list[Effect]:
        return self.decide(self.call("ada", "counter", "count", Add(name, amount)))

    def propose(self, action: str, proposal_id: str = "p", **fields: Any) -> bytes:
        return self.call("ada", "governance", "propose", Propose(proposal_id, action, "ada", **fields))

    def vote(self, member: str, proposal_id: str = "p") -> bytes:
        return self.call(member, "governance", "vote", Vote(proposal_id, True))

    def upgrade(self, version: int = 2, contract: str = "counter", from_height: int = 0) -> int:
        """All say yes in one block; the height from which on the version executes."""
        fields = {"contract": contract, "version": version, "from_height": from_height}
        votes = [self.vote(name, f"u{version}") for name in NAMES[1:3]]
        self.decide(self.propose("upgrade", f"u{version}", **fields), *votes)
        parameters = self.genesis.parameters
        return max(from_height, compute_activation(self.ledger.head_height, parameters))

    def grow_to(self, height: int) -> None:
        """Each block counts one; sealed where a chain would be."""
        while self.ledger.head_height < height:
            self.count()
            if self.ledger.head_height % self.genesis.parameters.checkpoint_interval == 0:
                self.seal()

    def counted(self, name: str = "x") -> int:
        held = self.tally(name)
        return 0 if held is None else held.count


def forget(name: str = "x", arguments: bytes | None = None) -> CanonicalCall:
    return CanonicalCall("counter", "forget", encode(Add(name, 0)) if arguments is None else arguments)
