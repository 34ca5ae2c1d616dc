"""Another consortium's records, accepted here by proof 跨链: by certificates and membership history, by nobody's word.

The members vote once which chain they mean, by the hash of its genesis, and who its members are. From there each new
membership follows by a header that the members before it sealed. Whoever has a proof brings it: a bridge that carries
them is trusted with nothing, for what is not proven is not accepted, and what it leaves out another may bring.

A seal is believed while its epoch is the newest that is known, and for FORMER_DAYS after. So members who left
years ago cannot make up a past together; an older record is proven by the state of today.

What a library says of bytes that it cannot read differs from version to version. It stands in no refusal.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import msgspec

from consortium.contracts.access import BY_ALL
from consortium.contracts.bridges.foreign_facts import (
    CARRIED,
    FACTS,
    FOREIGN,
    KEY_LENGTH_MAX,
    ROWS,
    VALUE_BYTES_MAX,
    Fact,
    Foreign,
    ForeignRow,
    get_foreign,
    get_row,
    row_key,
)
from consortium.contracts.checks import check_count, check_digest, check_identifier
from consortium.core import registry
from consortium.core.calendar import compute_day_after
from consortium.core.codec import encode
from consortium.core.contract import (
    VOTE,
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Reader,
    Refused,
    RowOf,
    State,
    StateReader,
)
from consortium.core.crypto import SUITES
from consortium.core.header import Header, header_digest
from consortium.core.identity import members_fault
from consortium.core.membership import Epoch, Member
from consortium.core.proven import (
    Anchor,
    ProofError,
    Proven,
    ProvenReceipt,
    ProvenState,
    ProvenTransaction,
    follow_links,
    judge_from,
)

PROOF_BYTES_MAX = 28_000  # one transaction holds it
LINKS_MAX = 16  # in one transaction
MEMBERS_MAX = 100
FORMER_DAYS = 30


class Know(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`name`: what this consortium calls it. `chain`: the hash of its genesis; `members`: those of its genesis, by
    name: what the voters compare with the genesis file that they were given."""

    name: str
    chain: bytes
    members: tuple[Member, ...]


class Advance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """New members: an epoch link each (`core.seals.EpochLink`), the first of the epoch after the newest known."""

    chain: str
    links: tuple[bytes, ...]


class Accept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A proof of a transaction, a receipt or a row of the state, as `consortium prove` makes it."""

    chain: str
    proof: bytes


class OfForeign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a chain by the name that it has here."""

    chain: str


class OfFact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks what became of a transaction, by its id in hexadecimal digits."""

    chain: str
    transaction: str


class OfRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a row."""

    chain: str
    table: str
    key: str


class Compare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks whether a row that somebody shows (its bytes) is the one that was proven."""

    chain: str
    table: str
    key: str
    value: bytes


class Compared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The height for which that was proven."""

    is_same: bool
    height: int


def _suite(state: StateReader) -> str:
    rules = state.get(registry.RULES, registry.ONLY)
    if rules is None:
        raise Refused("no-registry", "this chain has no registry of members")
    return rules.suite


def _know(state: State, arguments: Know, context: Context) -> list[Event]:
    """Its keys are of this chain's own suite: a weaker one would be believed as much."""
    check_identifier(arguments.name, "name")
    check_digest(arguments.chain, "chain")
    check_count(len(arguments.members), MEMBERS_MAX, "members")
    if arguments.chain == context.chain:
        raise Refused("own-chain", "that is the hash of this chain's own genesis")
    if state.get(FOREIGN, arguments.name) is not None:
        raise Refused("chain-known", f"a chain {arguments.name} is known already: what was voted for stays")
    epoch = Epoch(0, 1, arguments.members)
    if members_fault(arguments.members, SUITES[_suite(state)]()) is not None or not epoch.validators:
        raise Refused("bad-members", "no genesis has such members: compare them with its file")
    state.put(FOREIGN, arguments.name, Foreign(arguments.chain, epoch))
    return [Event("chain-known", {"chain": arguments.name, "genesis": arguments.chain.hex(), "members": epoch.n})]


def _advance(state: State, arguments: Advance, context: Context) -> list[Event]:
    known, name = get_foreign(state, arguments.chain), arguments.chain
    check_count(len(arguments.links), LINKS_MAX, "links")
    try:
        epochs = follow_links(_anchor(state, known, context.day), arguments.links)
    except ProofError:
        raise Refused("proof-fails", f"these members do not follow from those that are known of {name}") from None
    newest = epochs.newest
    former = epochs.number(newest.number - 1)  # the last block of a chain at rest is still of its members
    to_day = compute_day_after(context.day, FORMER_DAYS)
    state.put(FOREIGN, name, msgspec.structs.replace(known, epoch=newest, former=former, former_to_day=to_day))
    return [Event("chain-advanced", {"chain": name, "epoch": newest.number, "members": newest.n})]


def _anchor(state: StateReader, known: Foreign, day: int) -> Anchor:
    former = known.former if day < known.former_to_day else None
    return Anchor(known.chain, _suite(state), known.epoch, former)


def _accept(state: State, arguments: Accept, context: Context) -> list[Event]:
    known, name = get_foreign(state, arguments.chain), arguments.chain
    try:
        proven = judge_from(_anchor(state, known, context.day), arguments.proof, PROOF_BYTES_MAX)
    except ProofError:
        raise Refused("proof-fails", f"this proves nothing of {name} as its members are known here") from None
    return [keep_proven(state, name, proven)]


def keep_proven(state: State, chain: str, proven: Proven) -> Event:
    """Keep what a proof of a known chain has proven. Refuses `no-record`, `fact-known`, `bad-length`."""
    match proven:
        case ProvenTransaction(header, member, transaction, identity):
            content = sha256(transaction).digest()
            return _keep_fact(state, chain, identity, header, lambda fact: _said(fact, member, content))
        case ProvenReceipt(header, receipt):
            digest = sha256(encode(receipt)).digest()
            return _keep_fact(state, chain, receipt.transaction, header, lambda fact: _done(fact, receipt.code, digest))
        case ProvenState():
            return _keep_row(state, chain, proven)
        case _:
            raise Refused("no-record", "a header or members are no record: members are told by advance")


def _said(fact: Fact, member: str, content: bytes) -> Fact:
    return msgspec.structs.replace(fact, member=member, content=content)


def _done(fact: Fact, code: str, receipt: bytes) -> Fact:
    return msgspec.structs.replace(fact, code=code, receipt=receipt)


def _keep_fact(state: State, chain: str, identity: bytes, header: Header, told: Callable[[Fact], Fact]) -> Event:
    """What is proven of a transaction, beside what was."""
    key = f"{chain}/{identity.hex()}"
    held = state.get(FACTS, key)
    fact = told(held or Fact(header.height, header.time_us))
    if fact == held:
        raise Refused("fact-known", f"this is known of transaction {identity.hex()[:16]} of {chain}")
    state.put(FACTS, key, fact)
    fields = {"chain": chain, "transaction": identity.hex(), "member": fact.member, "code": fact.code}
    return Event("fact-accepted", {**fields, "foreign_height": header.height})


def _keep_row(state: State, chain: str, proven: ProvenState) -> Event:
    """Only a later one than that which is held."""
    header, table, key = proven.header, proven.table, proven.key
    if len(table) + len(key) > KEY_LENGTH_MAX:
        raise Refused("bad-length", f"table and key have at most {KEY_LENGTH_MAX} characters")
    held = state.get(ROWS, row_key(chain, table, key))
    if held is not None and held.height >= header.height:
        raise Refused("fact-known", f"this row is known as of height {held.height} of {chain}")
    value = proven.value or b""
    kept = value if table in CARRIED else b""
    if len(kept) > VALUE_BYTES_MAX:
        raise Refused("bad-length", f"a row of {table} has at most {VALUE_BYTES_MAX} bytes")
    is_there = proven.value is not None
    content = sha256(value).digest() if is_there else b""
    row = ForeignRow(header.height, header.time_us, header_digest(header), is_there, content, kept)
    state.put(ROWS, row_key(chain, table, key), row)
    fields: dict[str, int | str] = {"chain": chain, "table": table, "key": key, "foreign_height": header.height}
    return Event("row-accepted", {**fields, "is_there": int(is_there)})


def _foreign(state: StateReader, asked: OfForeign, _reader: Reader) -> Foreign:
    return get_foreign(state, asked.chain)


def _fact(state: StateReader, asked: OfFact, _reader: Reader) -> Fact:
    fact = state.get(FACTS, f"{asked.chain}/{asked.transaction}")
    if fact is None:
        raise Refused("not-proven", "nothing was proven of this transaction")
    return fact


def _row(state: StateReader, asked: OfRow, _reader: Reader) -> ForeignRow:
    return get_row(state, asked.chain, asked.table, asked.key)


def _compare(state: StateReader, asked: Compare, _reader: Reader) -> Compared:
    row = get_row(state, asked.chain, asked.table, asked.key)
    return Compared(row.is_there and row.content == sha256(asked.value).digest(), row.height)


def _of_row_key(key: str) -> OfRow:
    chain, _, rest = key.partition("/")
    table, _, row = rest.partition("/")
    return OfRow(chain, table, row)


CONTRACT = Contract(
    "foreign_chain",
    1,
    (
        Operation("know", Know, frozenset((VOTE,)), _know),
        Operation("advance", Advance, BY_ALL, _advance),
        Operation("accept", Accept, BY_ALL, _accept),
    ),
    (
        Query("chain", OfForeign, BY_ALL, _foreign, row=RowOf(FOREIGN, lambda asked: asked.chain, OfForeign)),
        Query(
            "fact",
            OfFact,
            BY_ALL,
            _fact,
            row=RowOf(
                FACTS, lambda asked: f"{asked.chain}/{asked.transaction}", lambda key: OfFact(*key.split("/", 1))
            ),
        ),
        Query(
            "row",
            OfRow,
            BY_ALL,
            _row,
            row=RowOf(ROWS, lambda asked: row_key(asked.chain, asked.table, asked.key), _of_row_key),
        ),
        Query("compare", Compare, BY_ALL, _compare),
    ),
    founding=0,
)
