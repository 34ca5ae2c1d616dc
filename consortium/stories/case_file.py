"""The package of one case for an auditor: which records of a ledger it is made of, and a proof of each.

A case begins with one record and takes in what that names and what names it: of a finding its settlements, their bills
and the accused; of a bill its settlement. Beside the records stand all transactions that speak of them, as they were
signed, and their receipts. Everything in it is proven under a seal, and judged with the genesis file alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from consortium.contracts import load_told_tables
from consortium.contracts.insurance.bill import Bill
from consortium.contracts.insurance.institution import Institution
from consortium.contracts.insurance.journal import Settlement
from consortium.contracts.oversight.finding_records import Finding
from consortium.core.contract import Refused, StateReader, Table
from consortium.core.errors import UserError
from consortium.core.machine import Rows
from consortium.ledger.chain import Ledger
from consortium.ledger.proofs import complete_state_proof, prove_receipt, prove_transaction, take_state_evidence
from consortium.stories.finder import Told, find, nothing_told, texts_of

ROWS_MAX, STEPS_MAX = 100, 400


class Part(NamedTuple):
    """One record of a case: the word that it is told as, and its key."""

    word: str
    key: str


class Piece(NamedTuple):
    """A proof, and what it is of: `word` and `key` of a record, or "transaction" or "receipt" and
    "HEIGHT/INDEX"."""

    word: str
    key: str
    proof: bytes


def find_parts(state: StateReader, word: str, identity: str) -> list[Part]:
    """The records of a case, the first one first. Raises UserError where there is no such record."""
    tables = load_told_tables()
    if word not in tables:
        raise UserError(f"nothing is told as {word!r}; known are {', '.join(sorted(tables))}")
    try:
        key = tables[word].key_of(identity)
    except Refused as refused:
        raise UserError(f"{identity!r} is no {word}: {refused.sentence}") from None
    if state.get(tables[word], key) is None:
        raise UserError(f"there is no {word} {identity} on this ledger")
    found: dict[Part, None] = {}
    waiting = [Part(word, key)]
    while waiting and len(found) < ROWS_MAX:
        part = waiting.pop(0)
        if part in found or (value := state.get(tables[part.word], part.key)) is None:
            continue
        found[part] = None
        waiting.extend(each for each in _named(value, part.key) if each.word in tables)
    return list(found)


def _named(value: Any, key: str) -> Iterator[Part]:
    """What a record names."""
    match value:
        case Finding():
            yield from (Part("claim", each) for each in value.settlements)
            for record in value.records:
                word, _, rest = record.partition("/")
                yield Part(word, rest)
            if value.accused:
                yield Part("institution", value.accused)
                yield Part("account", f"payable/{value.accused}")
        case Settlement():
            yield Part("bill", value.bill_no)
            yield Part("person", key.partition("/")[0])
            yield Part("institution", value.fixmedins_code)
        case Bill():
            if value.settlement:
                yield Part("claim", value.settlement)
            if value.red_letter:
                yield Part("bill", value.red_letter)
        case Institution():
            return


def prove_parts(ledger: Ledger, rows: Rows, parts: list[Part]) -> Iterator[Piece]:
    """A proof of each record as of the ledger's height. Raises ProofError where that is not sealed."""
    tables: Mapping[str, Table[Any]] = load_told_tables()
    for part in parts:
        evidence = take_state_evidence(ledger, rows, tables[part.word].name, part.key)
        yield Piece(part.word, part.key, complete_state_proof(rows, evidence))


def prove_steps(
    ledger: Ledger, rows: Rows, parts: list[Part], sealed: int, told: Told = nothing_told
) -> Iterator[Piece]:
    """What was said in the transactions that name a bill, a claim or a finding of the case, and what came of it, up to
    the seal."""
    names = [part.key for part in parts if part.word in ("bill", "claim", "finding")]
    if not names:
        return
    wanted = {name.lower() for name in names}
    settlements = {tuple(name.split("/")) for name in names if name.count("/") == 2}

    def is_about(outcome: Any) -> bool:
        texts = {text.lower() for text in texts_of(outcome)}
        own = {_settlement_of(event.fields) for event in outcome.receipt.events}
        return any(_names(text, wanted) for text in texts) or bool(own & settlements)

    spoken = [*names, *{psn_no for psn_no, _, _ in settlements}]
    count = 0
    for step in find(ledger, rows, spoken, is_about, told):
        if 0 < step.height <= sealed and count < STEPS_MAX:
            count += 1
            place = f"{step.height}/{step.number}"
            yield Piece("transaction", place, prove_transaction(ledger.genesis, rows, step.height, step.number))
            yield Piece("receipt", place, prove_receipt(rows, step.height, step.number))


def _names(text: str, wanted: set[str]) -> bool:
    """The key itself, or a reference to it, as "bill/h1-7"."""
    return text in wanted or text.partition("/")[2] in wanted


def _settlement_of(fields: Mapping[str, Any]) -> tuple[str, ...]:
    if not {"psn_no", "year", "sequence"} <= fields.keys():
        return ()
    return str(fields["psn_no"]), str(fields["year"]), f"{int(fields['sequence']):06d}"
