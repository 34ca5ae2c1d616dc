"""One transaction at a time: who, which number, which operation, what outcome.

Deterministic by construction: whatever a transaction holds, every node writes the same receipt. A contract that
raises anything but `Refused` is our bug, and still splits no nodes: its receipt is `contract-failed`. No sentence
quotes a library's error message, for those change with its version, nor a name that was not checked: it could be
anything, and stands on the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from consortium.core.applications import Application, find_application
from consortium.core.calendar import compute_day, ordinal_of_day
from consortium.core.codec import Malformed, encode
from consortium.core.contract import GENESIS, OK, VOTE, CanonicalCall, Context, Contract, Event, Receipt, Refused
from consortium.core.contract import State as ContractState
from consortium.core.genesis import GenesisCall
from consortium.core.header import Header
from consortium.core.machine import Note, Outcome
from consortium.core.membership import Epoch
from consortium.core.transaction import Opened, decode_call
from consortium.ledger.numbers import SENTENCES, Numbers
from consortium.ledger.requests import SENTENCES as REQUEST_SENTENCES
from consortium.ledger.requests import Requests
from consortium.ledger.rows import Unreadable
from consortium.ledger.rule_book import RuleBook, Rules
from consortium.ledger.state import State

_REVOKED = "the submit key that signed the bundle was replaced; the new one signs from its epoch on"
_FAILED = "an error in the contract itself; nothing was changed; please report it with this transaction's id"


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """A transaction decoded as far as it goes. `code` is set where it is refused without looking at the state."""

    transaction: bytes  # its id
    member: str
    role: str
    number: int  # 0: it takes no number (nobody registered stands behind it, or it has none)
    contract: str
    operation: str
    arguments: bytes
    value: Any
    code: str
    sentence: str
    application: str = ""  # whose key signed it, "member/name"; empty: the member's own did


class Done(NamedTuple):
    outcomes: list[Outcome]
    receipts: list[bytes]
    notes: list[Note]


class Executor:
    """Executes prepared transactions against the state."""

    def __init__(self, chain: bytes, contracts: Mapping[str, Contract], state: State, utc_offset_minutes: int) -> None:
        self._chain = chain
        self._state = state
        self._numbers = Numbers(state)
        self._requests = Requests(state)
        self._utc_offset_minutes = utc_offset_minutes
        self.rule_book = RuleBook(contracts, state)

    # --- decoding ---------------------------------------------------------------------------------------------------

    def prepare(self, opened: Opened, epoch: Epoch, rules: Rules, *, is_past: bool = False) -> list[Prepared]:
        """Its transactions, in order, judged under the registry of `epoch`, the rules of their height, and the
        applications that the state has. `is_past`: it was executed long ago, so also under those that were revoked."""
        name = opened.member
        member = epoch.by_name.get(name)
        if member is None:
            sentence = "who signed the bundle is not registered; the consortium must admit it first"
            return [_refused(one, name, "unknown-member", sentence) for one in opened.ids]
        application = None
        if member.keys.get("submit") != opened.key:
            application = find_application(self._state, name, opened.key)
            if application is None or (application.revoked_at and not is_past):
                sentence = f"the bundle is signed with no key that {name} has registered to submit with"
                return [_refused(one, name, "unknown-key", sentence) for one in opened.ids]
        role, prepare = member.role, self._prepare
        pairs = zip(opened.ids, opened.transactions, strict=True)
        return [prepare(rules, one, name, role, body, application) for one, body in pairs]

    def _prepare(
        self, rules: Rules, transaction: bytes, member: str, role: str, body: bytes, application: Application | None
    ) -> Prepared:
        try:
            call = decode_call(body)
        except Malformed:
            return _refused(
                transaction, member, "malformed", "not a transaction [number, contract, operation, arguments]"
            )
        number, contract, operation, arguments = call.number, call.contract, call.operation, bytes(call.arguments)
        if number < 1:  # whatever else is wrong with it: it takes no number
            return _refused(transaction, member, "number-stale", "numbers begin with 1; take a fresh number")
        verb = rules.verbs.get((contract, operation))
        value, code, sentence = None, "", ""
        if verb is None:
            code, sentence = _unknown(rules, contract, operation)
        else:
            try:
                value = verb.decode(arguments)
                if encode((number, contract, operation, value)) != body:
                    code, sentence = "malformed", "the transaction is not in its canonical encoding"
            except (msgspec.MsgspecError, RecursionError, UnicodeError, OverflowError):
                code, sentence = "malformed", _mistyped(contract, operation)
        one = Prepared(transaction, member, role, number, contract, operation, arguments, value, code, sentence)
        return one if application is None else _of_application(one, application)

    # --- executing --------------------------------------------------------------------------------------------------

    def execute(
        self, prepared: Sequence[Prepared], height: int, time_us: int, revoked: Collection[str] = frozenset()
    ) -> Done:
        """All of a block, in order; what they wrote is in the state, not yet taken. `revoked`: members whose submit key
        was replaced in an earlier block; what it signed takes no number, so the new key can say it again."""
        begins = self.rule_book.begins(height)
        done = Done([], [], [Note("rules", {"height": height, "contract": n, "version": v}) for n, v in begins])
        state, use, rules, call = self._state, self._numbers.use, self.rule_book.at(height), self._execute_call
        day = compute_day(time_us, self._utc_offset_minutes)
        for one in prepared:
            code, sentence = one.code, one.sentence
            if one.application:
                taken = self._requests.use(one.member, one.number, one.transaction, ordinal_of_day(day))
                if taken is not None:
                    code, sentence = taken, REQUEST_SENTENCES[taken]
            elif one.role and one.member in revoked:
                code, sentence = "unknown-key", _REVOKED
            elif one.number or not code:
                taken = use(one.member, one.number, one.transaction)
                if taken is not None:
                    code, sentence = taken, SENTENCES[taken]
            if code:
                receipt, data = _refusal(one, code, sentence)
            else:
                state.begin()
                context = Context(self._chain, height, time_us, one.transaction, one.member, one.role, day, call)
                receipt, data = self._run(rules, one, context, done.notes)
            done.receipts.append(data)
            done.outcomes.append(Outcome(one.member, one.number, one.contract, one.operation, one.arguments, receipt))
        state.begin()
        self._numbers.flush()
        self._requests.flush(ordinal_of_day(day))
        return done

    def _run(self, rules: Rules, one: Prepared, context: Context, notes: list[Note]) -> tuple[Receipt, bytes]:
        """The receipt and its bytes."""
        contract = rules.contracts[one.contract]
        try:
            events = contract.execute(self._state, one.operation, one.value, context)
            receipt = Receipt(one.transaction, OK, "", tuple(events))
            return receipt, encode(receipt)
        except Refused as refusal:
            if not refusal.keeps_writes:
                self._state.undo()
            return _refusal(one, str(refusal.code), str(refusal.sentence))
        except (Unreadable, MemoryError):  # ours alone: as a receipt it would part us from the others
            raise
        except Exception as error:
            self._state.undo()
            notes.append(_failure(one, context.height, error))
            return _refusal(one, "contract-failed", _FAILED)

    def _execute_call(self, state: ContractState, call: CanonicalCall, context: Context) -> list[Event]:
        """What members voted for, under the role VOTE, by the rules of the context's height. Refuses as the operation
        does, and `unknown-contract`, `unknown-operation`, `malformed`."""
        rules = self.rule_book.at(context.height)
        verb = rules.verbs.get((call.contract, call.operation))
        if verb is None:
            raise Refused(*_unknown(rules, call.contract, call.operation))
        try:
            value = verb.decode(call.arguments)
            is_canonical = encode(value) == call.arguments
        except (msgspec.MsgspecError, RecursionError, UnicodeError, OverflowError):
            raise Refused("malformed", _mistyped(call.contract, call.operation)) from None
        if not is_canonical:
            raise Refused("malformed", "the arguments are not in their canonical encoding")
        return verb.contract.execute(state, call.operation, value, context._replace(member="", role=VOTE))

    def execute_genesis(self, calls: Sequence[tuple[bytes, GenesisCall]], time_us: int) -> Done:
        """The calls of the genesis file, (id, call), at height 0 under the role `genesis`: they take no numbers."""
        done = Done([], [], [])
        day = compute_day(time_us, self._utc_offset_minutes)
        rules = self.rule_book.at(0)
        for identity, call in calls:
            verb = rules.verbs.get((call.contract, call.operation))
            value, code, sentence = None, "", ""
            if verb is None:
                code, sentence = _unknown(rules, call.contract, call.operation)
            else:
                try:
                    value = verb.decode(call.arguments)
                except msgspec.MsgspecError as error:
                    code, sentence = "malformed", str(error)
            one = Prepared(
                identity, "", GENESIS, 0, call.contract, call.operation, call.arguments, value, code, sentence
            )
            if not code:
                self._state.begin()
                context = Context(self._chain, 0, time_us, identity, "", GENESIS, day)
                receipt, data = self._run(rules, one, context, done.notes)
            else:
                receipt, data = _refusal(one, code, sentence)
            done.receipts.append(data)
            done.outcomes.append(Outcome("", 0, call.contract, call.operation, call.arguments, receipt))
        self._state.begin()
        return done


def _unknown(rules: Rules, contract: str, operation: str) -> tuple[str, str]:
    if contract not in rules.contracts:
        return "unknown-contract", "there is no contract of the name that was given"
    return "unknown-operation", f"{contract} has no operation of the name that was given"


def _mistyped(contract: str, operation: str) -> str:
    return f"the arguments do not have the fields and types of {contract}.{operation}"


def _refused(transaction: bytes, member: str, code: str, sentence: str) -> Prepared:
    return Prepared(transaction, member, "", 0, "", "", b"", None, code, sentence)


def _of_application(one: Prepared, application: Application) -> Prepared:
    """The same under the key of an application, which may use some operations alone."""
    place = f"{one.member}/{application.name}"
    if one.code or application.is_allowed(one.contract, one.operation):
        return replace(one, application=place)
    sentence = f"the application {application.name} of {one.member} may not {one.operation} in {one.contract}"
    return replace(one, application=place, code="not-permitted", sentence=sentence)


def _refusal(one: Prepared, code: str, sentence: str) -> tuple[Receipt, bytes]:
    receipt = Receipt(one.transaction, code, sentence, ())
    try:
        return receipt, encode(receipt)
    except (msgspec.MsgspecError, UnicodeError):  # a refusal's words that are no text
        receipt = Receipt(one.transaction, "contract-failed", _FAILED, ())
        return receipt, encode(receipt)


def _failure(one: Prepared, height: int, error: Exception) -> Note:
    """Where a contract failed: no addresses in it, so that traces of two runs stay equal."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
        trace = trace.tb_next
    fields = {"height": height, "contract": one.contract, "operation": one.operation}
    return Note("contract_failed", {**fields, "error": f"{type(error).__name__} in {place}"})


def executed_note(header: Header, digest: bytes, done: Done) -> Note:
    """What the trace tells of a block that was executed. `digest`: of the header."""
    ok = sum(outcome.receipt.is_ok for outcome in done.outcomes)
    return Note(
        "executed",
        {
            "height": header.height,
            "epoch": header.epoch,
            "time_us": header.time_us,
            "transactions": len(done.outcomes),
            "ok": ok,
            "refused": len(done.outcomes) - ok,
            "header": digest.hex()[:16],
            "state_root": header.state.hex()[:16],
        },
    )
