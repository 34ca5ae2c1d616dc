"""What the ledger's tests stand on: a tiny contract, a trivial consensus, a chain that is decided by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from consortium.core.codec import Malformed
from consortium.core.contract import GENESIS, Context, Contract, Event, Operation, Refused, State, Table
from consortium.core.crypto import Ed25519
from consortium.core.format import FORMAT
from consortium.core.genesis import Genesis, Parameters, genesis_call
from consortium.core.machine import Apply, Decide, Effect, Now, Started
from consortium.core.membership import Epochs, Member
from consortium.core.messages import Certificate, Message, MessageCodec
from consortium.core.seals import Checkpoint
from consortium.core.transaction import (
    NULL_DIGEST,
    Bundles,
    batch_digest,
    encode_batch,
    encode_transaction,
    sign_bundle,
)
from consortium.core.verifier import Verifier
from consortium.ledger.catch_up import CatchUp
from consortium.ledger.certificate import seal_rows
from consortium.ledger.chain import Ledger
from consortium.ledger.rows import DictRows
from consortium.ledger.sealer import Sealer

NOW = Now(0, 0)
SUITE = Ed25519()
NAMES = ("ada", "bob", "cyd", "dan")
START_US = 1_000_000


# --- a contract -----------------------------------------------------------------------------------------------------


class Tally(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    count: int
    note: str = ""


class Add(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    amount: int


class Scatter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    how_many: int


TALLIES: Table[Tally] = Table("tally", Tally)


def _add(state: State, arguments: Add, context: Context) -> list[Event]:
    tally = state.get(TALLIES, arguments.name) or Tally(0)
    state.put(TALLIES, arguments.name, Tally(tally.count + arguments.amount))
    if tally.count + arguments.amount < 0:
        raise Refused("below-zero", f"{arguments.name} has {tally.count}")
    return [Event("added", {"name": arguments.name, "amount": arguments.amount})]


def _drop(state: State, arguments: Add, context: Context) -> list[Event]:
    state.delete(TALLIES, arguments.name)
    return []


def _scatter(state: State, arguments: Scatter, context: Context) -> list[Event]:
    for index in range(arguments.how_many):
        state.put(TALLIES, f"{arguments.name}-{index}", Tally(context.height))
    return []


def _broken(state: State, arguments: Add, context: Context) -> list[Event]:
    state.put(TALLIES, arguments.name, Tally(666))
    raise ZeroDivisionError("our own mistake")


def _wrong_type(state: State, arguments: Add, context: Context) -> list[Event]:
    state.put(TALLIES, arguments.name, arguments)  # type: ignore[arg-type]
    return []


def _too_big(state: State, arguments: Add, context: Context) -> list[Event]:
    state.put(TALLIES, arguments.name, Tally(1 << 80))
    return []


_ALL = frozenset({"hospital", GENESIS})
TALLY = Contract(
    "tally",
    1,
    (
        Operation("add", Add, _ALL, _add),
        Operation("drop", Add, _ALL, _drop),
        Operation("scatter", Scatter, _ALL, _scatter),
        Operation("broken", Add, _ALL, _broken),
        Operation("wrong_type", Add, _ALL, _wrong_type),
        Operation("too_big", Add, _ALL, _too_big),
        Operation("forbidden", Add, frozenset({"bureau"}), _add),
    ),
)
CONTRACTS = {"tally": TALLY}


# --- a consensus ----------------------------------------------------------------------------------------------------


class Ballot(Message, frozen=True):
    height: int
    digest: bytes


class TinyProtocol:
    name = "tiny"
    messages: tuple[type[Message], ...] = (Ballot,)

    def check_decision(
        self, certificate: Certificate, epochs: Epochs, height: int, digest: bytes, verifier: Verifier
    ) -> None:
        epoch = epochs.at(height)
        if verifier.check_certificate(certificate, epoch, epoch.quorum) != Ballot(height, digest):
            raise Malformed("a certificate for something else")


PROTOCOL = TinyProtocol()


def secret(name: str, purpose: str) -> bytes:
    return f"{name} {purpose}".encode().ljust(32, b".")[:32]


def make_genesis(
    names: Sequence[str] = NAMES, contracts: Mapping[str, Contract] = CONTRACTS, **parameters: Any
) -> Genesis:
    members = tuple(
        Member(
            name,
            "hospital",
            "validator",
            {
                "vote": SUITE.public_key(secret(name, "vote")),
                "submit": SUITE.public_key(secret(name, "submit")),
            },
        )
        for name in names
    )
    calls = (genesis_call("tally", "add", Add("genesis", 7)),)
    return Genesis(
        FORMAT,
        "kit",
        START_US,
        "ed25519",
        "tiny",
        Parameters(**parameters),
        members,
        calls,
        {name: contract.version for name, contract in contracts.items()},
    )


def make_codec(genesis: Genesis) -> MessageCodec:
    return MessageCodec(genesis.chain, genesis.suite, (*PROTOCOL.messages, *Sealer.messages, *CatchUp.messages))


def certify(genesis: Genesis, message: Message, signers: Sequence[str] = NAMES[:3], epoch: int = 0) -> Certificate:
    body = make_codec(genesis).statement(epoch, message)
    return Certificate(body, tuple((name, SUITE.sign(secret(name, "vote"), body)) for name in sorted(signers)))


# --- a chain --------------------------------------------------------------------------------------------------------


class Chain:
    """One ledger over rows; blocks are decided by hand, with real signatures."""

    def __init__(
        self,
        genesis: Genesis | None = None,
        rows: DictRows | None = None,
        contracts: Mapping[str, Contract] = CONTRACTS,
    ) -> None:
        self.genesis = genesis or make_genesis()
        self.rows = rows if rows is not None else DictRows()
        self.epochs = Epochs((self.genesis.first_epoch,))
        self.bundles = Bundles(self.genesis.chain, SUITE)
        self.ledger = Ledger(self.genesis, self.rows, contracts, self.bundles, self.epochs)
        self.ledger.boot()
        self.booted = list(self.ledger.step(NOW, Started(())))
        self.verifier = Verifier(make_codec(self.genesis), SUITE)
        self.numbers = dict.fromkeys(NAMES, 0)

    def transaction(self, member: str, operation: str, arguments: Any, number: int | None = None) -> bytes:
        if number is None:
            self.numbers[member] = self.numbers.get(member, 0) + 1
            number = self.numbers[member]
        return encode_transaction(number, "tally", operation, arguments)

    def bundle(self, member: str, *transactions: bytes) -> bytes:
        return sign_bundle(self.genesis.chain, SUITE, secret(member, "submit"), member, transactions)

    def add(self, member: str, name: str, amount: int) -> bytes:
        return self.bundle(member, self.transaction(member, "add", Add(name, amount)))

    def decision(self, *bundles: bytes, time_us: int | None = None, height: int | None = None) -> Decide:
        height = self.ledger.head_height + 1 if height is None else height
        batch = encode_batch(START_US + height * 1_000 if time_us is None else time_us, bundles)
        return Decide(height, batch, certify(self.genesis, Ballot(height, batch_digest(batch))))

    def decide(self, *bundles: bytes, time_us: int | None = None) -> list[Effect]:
        return list(self.ledger.step(NOW, self.decision(*bundles, time_us=time_us)))

    def decide_nothing(self) -> list[Effect]:
        height = self.ledger.head_height + 1
        certificate = certify(self.genesis, Ballot(height, NULL_DIGEST))
        return list(self.ledger.step(NOW, Decide(height, None, certificate)))

    def seal(self) -> Certificate:
        """Seal the head."""
        height = self.ledger.head_height
        epoch = self.epochs.at(height).number
        seal = certify(self.genesis, Checkpoint(height, self.ledger.head_digest), epoch=epoch)
        self.rows.stage(seal_rows(self.rows, height, seal))
        return seal

    def grow(self, blocks: int, seal_each: int = 4) -> None:
        for _ in range(blocks):
            height = self.ledger.head_height + 1
            member = NAMES[height % len(NAMES)]
            self.decide(self.add(member, f"tally {height % 5}", height), self.add("ada", "common", 1))
            if height % seal_each == 0:
                self.seal()

    def tally(self, name: str) -> Tally | None:
        return self.ledger.reader.get(TALLIES, name)


def codes(effects: Sequence[Effect]) -> list[str]:
    """The codes of the receipts of one executed block."""
    from consortium.core.machine import Receipted

    (receipted,) = (effect for effect in effects if isinstance(effect, Receipted))
    return [outcome.receipt.code for outcome in receipted.outcomes]


def applied(effects: Sequence[Effect]) -> Apply:
    (apply,) = (effect for effect in effects if isinstance(effect, Apply))
    return apply
