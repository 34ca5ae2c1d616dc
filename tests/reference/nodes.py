"""Two nodes that execute the same blocks with different histories: one from the genesis on, one from snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from consortium.contracts import load_contracts
from consortium.core.contract import Receipt, StateReader
from consortium.core.crypto import SUITES
from consortium.core.format import FORMAT
from consortium.core.genesis import Genesis, GenesisCall, Parameters
from consortium.core.header import Header
from consortium.core.machine import Decide, Now, Receipted
from consortium.core.membership import Epochs, Member
from consortium.core.messages import Certificate
from consortium.core.transaction import Bundles, encode_batch, encode_transaction, sign_bundle
from consortium.ledger.base import Base
from consortium.ledger.chain import Ledger
from consortium.ledger.rows import DictRows

NOW = Now(0, 0)
SUITE = SUITES["keyed-hash"]()
CERTIFICATE = Certificate(b"", ())  # executing asks for none


class Call(NamedTuple):
    member: str
    contract: str
    operation: str
    arguments: Any


def secret(name: str, purpose: str) -> bytes:
    return f"{name} {purpose}".encode().ljust(32, b".")[:32]


def make_genesis(
    roles: dict[str, str], calls: Sequence[GenesisCall], time_us: int, versions: Mapping[str, int]
) -> Genesis:
    """`versions`: of contracts that do not begin with their founding one."""
    members = [
        Member(name, role, "validator", {use: SUITE.public_key(secret(name, use)) for use in ("submit", "vote")})
        for name, role in sorted(roles.items())
    ]
    founding = {name: contract.founding for name, contract in load_contracts().items() if contract.founding}
    return Genesis(
        FORMAT,
        "reference",
        time_us,
        SUITE.name,
        "pbft",
        Parameters(),
        tuple(members),
        tuple(calls),
        {**founding, **versions},
    )


def begin(genesis: Genesis) -> Ledger:
    bundles = Bundles(genesis.chain, SUITE)
    ledger = Ledger(genesis, DictRows(), load_contracts(), bundles, Epochs((genesis.first_epoch,)))
    ledger.boot()
    return ledger


class Nodes:
    """`first` executes every block. `second` begins now and then at a snapshot of it, and executes what follows."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.first = begin(genesis)
        self.second = begin(genesis)
        self._numbers: dict[str, int] = {}

    @property
    def reader(self) -> StateReader:
        return self.first.reader

    def block(self, time_us: int, calls: Sequence[Call]) -> list[Receipt]:
        """Both execute a block of these calls, each signed by itself; what they make of it is the same byte by byte:
        state, receipts, refusals."""
        bundles = [self._signed(call) for call in calls]
        decided = Decide(self.first.head_height + 1, encode_batch(time_us, bundles), CERTIFICATE)
        effects = [list(node.step(NOW, decided)) for node in (self.first, self.second)]
        assert self.first.head == self.second.head, "the two nodes disagree"
        told = next(effect for effect in effects[0] if isinstance(effect, Receipted))
        assert len(told.outcomes) == len(calls)
        return [outcome.receipt for outcome in told.outcomes]

    def _signed(self, call: Call) -> bytes:
        number = self._numbers[call.member] = self._numbers.get(call.member, 0) + 1
        transaction = encode_transaction(number, call.contract, call.operation, call.arguments)
        return sign_bundle(self.genesis.chain, SUITE, secret(call.member, "submit"), call.member, [transaction])

    def begin_second_anew(self) -> None:
        """It loses everything and begins at a snapshot of the first one's state, with no block before it."""
        header: Header = self.first.head
        state = self.first.state_at(header.height)
        assert state is not None
        self.second = begin(self.genesis)
        self.second.install(Base(header, tuple(state), ()))
