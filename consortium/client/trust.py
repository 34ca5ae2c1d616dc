"""What a client believes: its genesis file, and what follows from it. Pure: bytes in, a value or a Lie out.

A gateway's words are compared with what its evidence proves; where they differ, the gateway lied.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from consortium.client.errors import Lie
from consortium.client.records import Happening, Outcome, Record, Stage
from consortium.core.codec import Malformed, encode
from consortium.core.contract import Receipt, Table
from consortium.core.genesis import Genesis
from consortium.core.header import Header, decode_header
from consortium.core.membership import Epoch, Epochs
from consortium.core.plain_json import to_json
from consortium.core.proven import (
    Anchor,
    ProofError,
    ProvenReceipt,
    ProvenState,
    ReceiptProof,
    judge_from,
    verify_epochs_proof,
)
from consortium.core.replies import verify_acknowledged_receipt
from consortium.core.requests import TOKEN_MASK, is_request, request_token
from consortium.core.transaction import TRANSACTION_BYTES_MAX, Call, decode_call, transaction_id

EVIDENCE_CHARACTERS_MAX = 8_000_000


class Wanted(NamedTuple):
    """What a client asked to be executed. `application`: "MEMBER/NAME"; `key`: the idempotency key; `arguments`: their
    canonical bytes."""

    application: str
    key: str
    contract: str
    operation: str
    arguments: bytes

    @property
    def member(self) -> str:
        return self.application.partition("/")[0]


class _Acknowledged(msgspec.Struct, frozen=True):
    header: bytes
    replies: dict[str, bytes]
    receipt: bytes
    index: int
    size: int
    path: tuple[bytes, ...]
    epochs: bytes = b""


class _Evidence(msgspec.Struct, frozen=True):
    member: str
    transaction: bytes
    acknowledged: _Acknowledged | None = None
    proof: bytes | None = None


class _Judged(msgspec.Struct, frozen=True):
    header: Header
    receipt: Receipt
    index: int
    signers: tuple[str, ...]
    is_sealed: bool


class Trust:
    """Judges answers of gateways. It follows the members from the genesis on, and remembers how far it has seen."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self._epochs = Epochs((genesis.first_epoch,))

    def outcome(self, told: Any, wanted: Wanted) -> Outcome:
        """What became of what was wanted, as `told` says and its evidence proves. Raises Lie."""
        if not isinstance(told, Mapping):
            raise Lie("the answer is no object")
        evidence = _read_evidence(told.get("evidence"))
        identity = self._identity(evidence, wanted)
        try:
            judged = self._judged(evidence)
        except ProofError as error:
            raise Lie(str(error)) from None
        if judged.receipt.transaction != identity:
            raise Lie("the receipt is of another transaction")
        made = _outcome(judged, wanted)
        _compare(told, made, judged)
        return made

    def _identity(self, evidence: _Evidence, wanted: Wanted) -> bytes:
        """Of the transaction, which is that which was wanted. Raises Lie."""
        call = _call(evidence.transaction)
        if evidence.member != wanted.member:
            raise Lie(f"a transaction of {evidence.member!r}, not of {wanted.member!r}")
        if (call.contract, call.operation) != (wanted.contract, wanted.operation):
            raise Lie("a transaction of another operation")
        if bytes(call.arguments) != wanted.arguments:
            raise Lie("a transaction with other arguments")
        token = request_token(wanted.application, wanted.key)
        if not is_request(call.number) or call.number & TOKEN_MASK != token:
            raise Lie("a transaction under another idempotency key")
        return transaction_id(self.genesis.chain, evidence.member, evidence.transaction)

    def _judged(self, evidence: _Evidence) -> _Judged:
        """Raises ProofError."""
        if evidence.proof is not None:
            proven = judge_from(Anchor.of(self.genesis), evidence.proof)
            if not isinstance(proven, ProvenReceipt):
                raise ProofError("the proof is of something else than a receipt")
            index = msgspec.msgpack.decode(evidence.proof, type=ReceiptProof).index
            return _Judged(proven.header, proven.receipt, index, (), True)
        held = evidence.acknowledged
        if held is None:
            raise ProofError("there is neither a proof nor an acknowledgement")
        anchor = Anchor(self.genesis.chain, self.genesis.suite, self._epoch(held))
        found, receipt = verify_acknowledged_receipt(
            anchor, held.header, held.replies, held.receipt, held.index, held.size, held.path
        )
        return _Judged(found.header, receipt, held.index, found.by, False)

    def _epoch(self, held: _Acknowledged) -> Epoch:
        """That of the header; where it is new, as its proof leads to it. Raises ProofError."""
        try:
            height = decode_header(held.header).height
            number = decode_header(held.header).epoch
        except Malformed as error:
            raise ProofError(f"no header: {error}") from None
        known = self._epochs.number(number)
        if known is None and held.epochs:
            self._epochs = verify_epochs_proof(self.genesis, held.epochs)
            known = self._epochs.number(number)
        if known is None or self._epochs.at(height) is not known:
            raise ProofError(f"nothing leads from the genesis file to the members of epoch {number}")
        return known

    def record(self, told: Any, table: Table[Any], key: str) -> Record:
        """A row of the state under a seal. Raises Lie."""
        proof = _bytes_of(told.get("proof") if isinstance(told, Mapping) else None)
        try:
            proven = judge_from(Anchor.of(self.genesis), proof)
        except ProofError as error:
            raise Lie(str(error)) from None
        if not isinstance(proven, ProvenState):
            raise Lie("the proof is of something else than a record")
        if (proven.table, proven.key) != (table.name, key):
            raise Lie("the proof is of another record")
        if proven.value is None:
            raise Lie("the proof is of a record that is not there")
        try:
            value = msgspec.msgpack.decode(proven.value, type=table.kind)
        except msgspec.MsgspecError as error:
            raise Lie(f"the record cannot be read: {error}") from None
        if told.get("answer") != to_json(value) or told.get("height") != proven.header.height:
            raise Lie("the answer is not what its proof proves")
        return Record(value, proven.header.height, proven.header.time_us, True, proof)

    def happenings(self, told: Any, height: int, contract: str, kind: str) -> list[Happening]:
        """The events of one sealed block, as far as a gateway tells them. Raises Lie."""
        lines = told.get("transactions") if isinstance(told, Mapping) else None
        if not isinstance(lines, list) or not all(isinstance(line, Mapping) for line in lines):
            raise Lie("no events of a block")
        if told.get("height") != height:
            raise Lie("height is not the id of the event")
        found: list[Happening] = []
        before = -1
        for line in lines:
            judged, said = self._line(line)
            if judged.header.height != height or judged.index <= before:
                raise Lie("a transaction that has another place")
            if told.get("time_us") != judged.header.time_us:
                raise Lie("time_us is not what the evidence proves")
            if contract not in ("", said[1]):
                raise Lie("a transaction of another contract")
            before = judged.index
            found += _happenings(line, judged, said, kind)
        return found

    def _line(self, line: Mapping[str, Any]) -> tuple[_Judged, tuple[str, str, str]]:
        """What is proven of a transaction, and who said what. Raises Lie."""
        evidence = _read_evidence(line.get("evidence"))
        identity = transaction_id(self.genesis.chain, evidence.member, evidence.transaction)
        try:
            judged = self._judged(evidence)
        except ProofError as error:
            raise Lie(str(error)) from None
        if not judged.is_sealed or judged.receipt.transaction != identity:
            raise Lie("the receipt is of another transaction, or under no seal")
        try:
            call = decode_call(evidence.transaction)
        except Malformed:  # its receipt refuses it
            return judged, (evidence.member, "", "")
        return judged, (evidence.member, call.contract, call.operation)


def _happenings(line: Mapping[str, Any], judged: _Judged, said: tuple[str, str, str], kind: str) -> Iterator[Happening]:
    events = [each for each in judged.receipt.events if kind in ("", each.kind)]
    proven = {
        "index": judged.index,
        "transaction": judged.receipt.transaction.hex(),
        **dict(zip(("member", "contract", "operation"), said, strict=True)),
        "code": judged.receipt.code,
        "sentence": judged.receipt.sentence,
        "events": [{"kind": each.kind, "fields": each.fields} for each in events],
    }
    for name, value in proven.items():
        if line.get(name) != value:
            raise Lie(f"{name} is not what the evidence proves")
    for each in events:
        yield Happening(
            height=judged.header.height,
            index=judged.index,
            time_us=judged.header.time_us,
            transaction=judged.receipt.transaction.hex(),
            member=said[0],
            contract=said[1],
            operation=said[2],
            code=judged.receipt.code,
            kind=each.kind,
            fields=each.fields,
        )


def _read_evidence(told: Any) -> _Evidence:
    try:
        return msgspec.convert(told, _Evidence, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Lie(f"no evidence: {error}") from None


def _bytes_of(text: Any) -> bytes:
    if not isinstance(text, str) or len(text) > EVIDENCE_CHARACTERS_MAX:
        raise Lie("the answer has no proof")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Lie("the proof is no base64") from None


def _call(transaction: bytes) -> Call:
    if len(transaction) > TRANSACTION_BYTES_MAX:
        raise Lie("the transaction is too long to be one")
    try:
        call = decode_call(transaction)
        is_canonical = encode((call.number, call.contract, call.operation, call.arguments)) == transaction
    except Malformed as error:
        raise Lie(f"no transaction: {error}") from None
    if not is_canonical:
        raise Lie("the transaction is not in its canonical encoding")
    return call


def _outcome(judged: _Judged, wanted: Wanted) -> Outcome:
    return Outcome(
        transaction=judged.receipt.transaction.hex(),
        key=wanted.key,
        stage=Stage.SEALED if judged.is_sealed else Stage.EXECUTED,
        height=judged.header.height,
        index=judged.index,
        time_us=judged.header.time_us,
        code=judged.receipt.code,
        sentence=judged.receipt.sentence,
        events=judged.receipt.events,
        acknowledged_by=judged.signers,
    )


def _compare(told: Mapping[str, Any], made: Outcome, judged: _Judged) -> None:
    """What the answer says is what its evidence proves. Raises Lie, naming the field."""
    proven = {
        "transaction": made.transaction,
        "height": made.height,
        "index": made.index,
        "time_us": made.time_us,
        "code": made.code,
        "sentence": made.sentence,
        "acknowledged_by": list(made.acknowledged_by),
        "is_sealed": judged.is_sealed,
        "events": [{"kind": event.kind, "fields": event.fields} for event in made.events],
    }
    for name, value in proven.items():
        if told.get(name) != value:
            raise Lie(f"{name} is not what the evidence proves")
