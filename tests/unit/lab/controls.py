"""Positive controls: for every check a run, or what was said in one, in which something is wrong that it must find.

A check in the file `consortium/lab/checks/NAME.py` has here `control_NAME` and perhaps `control_NAME__WHAT`. Tests
assert that none lacks one, and that each sentence that a check can say is said of one of its controls. A control of a
`Claim` takes an honest run and gives it back doctored; one of a `SaidClaim` gives what was said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from consortium.core.codec import encode
from consortium.core.contract import OK, Event, Receipt
from consortium.core.header import decode_header
from consortium.core.machine import Rows
from consortium.core.membership import Epochs
from consortium.core.messages import Message, Signed
from consortium.core.transaction import Bundle, decode_batch, encode_batch, sign_bundle
from consortium.lab.checks.statements import Said, Statement
from consortium.ledger.rows import height_key, receipt_key, state_key
from consortium.protocols.hotstuff.messages import Ballot, Proposal, Timeout
from consortium.protocols.pbft.messages import Commit, Prepare, PrePrepare, ViewChange
from consortium.runs.run import Run, head_height
from consortium.scenario.assemble import Shared
from consortium.scenario.scenario import Workload
from consortium.vault.audit import FIRST, AuditEntry, row_name
from consortium.vault.boxes import DictBoxes
from tests.unit.lab.made_up_run import (
    NAMES,
    SUITE,
    made_up_anchor,
    made_up_genesis,
    made_up_reads,
    made_up_vault,
    movement,
    secret,
)

HEIGHT = 40
RowList = list[tuple[str, bytes, bytes | None]]


def with_trace(run: Run, change: Callable[[list[dict[str, Any]]], None]) -> Run:
    trace = [dict(record) for record in run.trace]
    change(trace)
    return replace(run, trace=sorted(trace, key=lambda record: record["t_us"]))


def with_rows(run: Run, rows: RowList, names: tuple[str, ...] = NAMES) -> Run:
    ledgers: dict[str, Rows] = {}
    for name, held in run.ledgers.items():
        copy: Any = held.copy()  # type: ignore[attr-defined]
        if name in names:
            copy.stage(rows)
        ledgers[name] = copy
    return replace(run, ledgers=ledgers)


def first_of(trace: list[dict[str, Any]], kind: str, **fields: Any) -> dict[str, Any]:
    return next(r for r in trace if r["kind"] == kind and all(r.get(k) == v for k, v in fields.items()))


def control_agreement__committed(run: Run) -> Run:
    return with_trace(run, lambda t: first_of(t, "committed", height=9, node="depot").update(digest="f" * 16))


def control_agreement__executed(run: Run) -> Run:
    return with_trace(run, lambda t: first_of(t, "executed", height=9, node="depot").update(header="f" * 16))


def control_agreement(run: Run) -> Run:
    return with_rows(run, [("block", height_key(HEIGHT), b"another header")], ("depot",))


def control_validity(run: Run) -> Run:
    batch = decode_batch(run.ledgers["depot"].get("batch", height_key(HEIGHT)) or b"")
    bundle = msgspec.msgpack.decode(batch.bundles[0], type=Bundle)
    stranger = secret("stranger", "submit")
    forged = sign_bundle(run.genesis.chain, SUITE, stranger, bundle.member, bundle.transactions)
    return with_rows(run, [("batch", height_key(HEIGHT), encode_batch(HEIGHT, [forged]))])


def control_validity__revoked(run: Run) -> Run:
    """A transaction says that the key was replaced of a member which is executed in the next block all the same."""
    held = run.ledgers["depot"]
    batch = decode_batch(held.get("batch", height_key(HEIGHT + 1)) or b"")
    bundle = msgspec.msgpack.decode(batch.bundles[0], type=Bundle)
    key = receipt_key(HEIGHT, 0)
    receipt = msgspec.msgpack.decode(held.get("receipt", key) or b"", type=Receipt)
    revoked = Event("key-revoked", {"name": bundle.member, "purpose": "submit"})
    return with_rows(run, [("receipt", key, encode(msgspec.structs.replace(receipt, events=(revoked,))))])


def control_validity__application(run: Run) -> Run:
    """A stranger's key is that of an application, which may do something else than what it did."""
    run = control_validity(run)
    batch = decode_batch(run.ledgers["depot"].get("batch", height_key(HEIGHT)) or b"")
    bundle = msgspec.msgpack.decode(batch.bundles[0], type=Bundle)
    key = receipt_key(HEIGHT - 1, 0)
    receipt = msgspec.msgpack.decode(run.ledgers["depot"].get("receipt", key) or b"", type=Receipt)
    known = {"member": bundle.member, "name": "billing", "key": bundle.key.hex(), "may": "bill.number"}
    registered = Event("application-registered", {**known})
    return with_rows(run, [("receipt", key, encode(msgspec.structs.replace(receipt, events=(registered,))))])


def control_exactly_once(run: Run) -> Run:
    held = run.ledgers["depot"]
    batch = held.get("batch", height_key(HEIGHT))
    rows: RowList = [("batch", height_key(HEIGHT + 1), batch)]
    new = held.range("receipt", receipt_key(HEIGHT + 1, 0), receipt_key(HEIGHT + 2, 0))
    rows += [("receipt", key, None) for key, _ in new]
    old = held.range("receipt", receipt_key(HEIGHT, 0), receipt_key(HEIGHT + 1, 0))
    rows += [("receipt", receipt_key(HEIGHT + 1, index), value) for index, (_, value) in enumerate(old)]
    return with_rows(run, rows)


def control_money(run: Run) -> Run:
    return with_rows(run, [("state", state_key("account", "fund/medical-aid"), encode({"balance_fen": 1}))])


def control_money__short(run: Run) -> Run:
    return _with_movement(run, 5)


def control_money__nothing_moved(run: Run) -> Run:
    return _with_movement(run, 0)


def _with_movement(run: Run, amount_fen: int) -> Run:
    """A transaction that takes so much from a person who has nothing."""
    held = run.ledgers["depot"].get("receipt", receipt_key(HEIGHT, 1))
    receipt = msgspec.msgpack.decode(held or b"", type=Receipt)
    moved = (movement("person/p-1", "fund/medical-aid", amount_fen),)
    rows: RowList = [("receipt", receipt_key(HEIGHT, 1), encode(Receipt(receipt.transaction, OK, "", moved)))]
    return with_rows(run, rows)


def _with_events(run: Run, *events: Event) -> Run:
    """A transaction tells these."""
    held = run.ledgers["depot"].get("receipt", receipt_key(HEIGHT, 1))
    receipt = msgspec.msgpack.decode(held or b"", type=Receipt)
    return with_rows(run, [("receipt", receipt_key(HEIGHT, 1), encode(Receipt(receipt.transaction, OK, "", events)))])


def _dated(kind: str, begndate: int, enddate: int) -> Event:
    return Event(kind, {"bill_no": "h-1", "begndate": begndate, "enddate": enddate})


def control_dates(run: Run) -> Run:
    """The made-up blocks are of 1970-01-01."""
    return _with_events(run, _dated("settled", 19700101, 20990601))


def control_dates__bill(run: Run) -> Run:
    return _with_events(run, _dated("bill-issued", 19691231, 19691231), _dated("settled", 19691231, 19700101))


def control_dates__closed(run: Run) -> Run:
    closed = Event("year-closed", {"year": 1970})
    return _with_events(run, closed, _dated("settled", 19700101, 19700101), Event("year-reopened", {"year": 1970}))


def _held() -> Event:
    return Event("hold-placed", {"account": "payable/h", "why": "finding", "record": "finding/r:F", "member": "r"})


def _decided(outcome: str, due_fen: int) -> Event:
    return Event("finding-decided", {"finding_no": "r:F", "outcome": outcome, "due_fen": due_fen})


def _recovered(recovered_fen: int) -> Event:
    return Event("finding-recovered", {"finding_no": "r:F", "recovered_fen": recovered_fen})


def control_findings(run: Run) -> Run:
    """Paid out past the hold."""
    return _with_events(run, _held(), movement("payable/h", "paid/h", 5), _decided("final", 5))


def control_findings__too_much(run: Run) -> Run:
    return _with_events(run, _decided("final", 4), _recovered(5))


def control_findings__hold_stays(run: Run) -> Run:
    return _with_events(run, _held(), _decided("dismissed", 0))


def control_due_told(run: Run) -> Run:
    """A payment is due for a month, and the run ends a minute after its last block but one."""
    top = head_height(run.ledgers["depot"])
    header = decode_header(run.ledgers["depot"].get("block", height_key(top)) or b"")
    later = encode(msgspec.structs.replace(header, time_us=header.time_us + 60_000_000))
    entry = ("state", state_key("due", "19691201/procurement.check_overdue/O-1"), encode({"since": 1}))
    return with_rows(run, [("block", height_key(top), later), entry])


def control_due_told__twice(run: Run) -> Run:
    told = Event("notice", {"why": "payment-overdue", "record": "order/O-1", "due": 19700101})
    return _with_events(run, told, told)


def control_state_roots__told(run: Run) -> Run:
    return with_trace(run, lambda t: first_of(t, "executed", height=9, node="depot").update(state_root="0" * 16))


def control_state_roots(run: Run) -> Run:
    return with_rows(run, [("state", state_key("bill", "1"), b"\x80")], ("regulator",))


def control_progress(run: Run) -> Run:
    return with_trace(run, lambda trace: first_of(trace, "ended").update(verdict="no progress"))


def control_progress__cut_short(run: Run) -> Run:
    return with_trace(run, lambda trace: trace.remove(first_of(trace, "ended")))


def control_progress__stalled(run: Run) -> Run:
    """Nothing is executed after the last fault."""

    def stall(trace: list[dict[str, Any]]) -> None:
        last_us = max(record["t_us"] for record in trace if record["kind"] == "fault")
        trace[:] = [r for r in trace if r["t_us"] <= last_us or r["kind"] not in ("executed", "included")]

    return with_trace(run, stall)


def control_everything_executed(run: Run) -> Run:
    lost = {"t_us": 5, "node": "depot", "kind": "submitted", "bundle": "0" * 16, "transactions": 3}
    return with_trace(run, lambda trace: trace.append(lost))


def control_equal_heads(run: Run) -> Run:
    top = head_height(run.ledgers["depot"])
    return with_trace(run, lambda trace: trace.remove(first_of(trace, "executed", node="regulator", height=top)))


def standing(run: Run, until_us: int) -> Run:
    """It goes on, and was looked at then."""
    stands = {"t_us": 0, "node": "", "kind": "stands", "state": "up"}
    now = {"t_us": until_us, "node": "", "kind": "looked"}

    def go_on(trace: list[dict[str, Any]]) -> None:
        trace.remove(first_of(trace, "ended"))
        trace.extend((stands, now))

    return with_trace(run, go_on)


def control_equal_heads__standing(run: Run) -> Run:
    return standing(control_equal_heads(run), 3_600_000_000)


# --- suspicion, votes, recovery, silence ------------------------------------------------------------------------------


def control_no_suspicion(run: Run) -> Run:
    doubt = {"t_us": 5_000_000, "node": "depot", "kind": "view_change", "view": 1, "why": "no progress"}
    return with_trace(run, lambda trace: trace.append(doubt))


def control_no_suspicion__alone(run: Run) -> Run:
    doubt = {"t_us": 5_000_000, "node": "depot", "kind": "suspect", "view": 0, "why": "no progress"}
    return with_trace(run, lambda trace: trace.append(doubt))


def traffic(t_us: int, node: str, votes: int) -> dict[str, Any]:
    """Of a node that has said so many PREPAREs by then."""
    return {"t_us": t_us, "node": node, "kind": "traffic", "life": 0, "sent": [["*", "Prepare", votes, 200 * votes]]}


def control_every_validator_votes(run: Run) -> Run:
    """It goes on executing, 160 blocks, and has said nothing more."""
    return with_trace(run, lambda trace: trace.extend(traffic(t_us, "depot", 9) for t_us in (13_900_000, 29_990_000)))


def control_recovered(run: Run) -> Run:
    """T is 50 ms, and after the leader's death nothing is executed for two seconds."""
    quick = msgspec.structs.replace(run.genesis.parameters, timer_base_us=50_000)
    return replace(run, genesis=msgspec.structs.replace(run.genesis, parameters=quick))


def idle(run: Run, said: int) -> Run:
    """It ends a minute later; in its last ten seconds a node says so many messages."""

    def go_on(trace: list[dict[str, Any]]) -> None:
        top = head_height(run.ledgers["depot"])
        trace.extend(
            {"t_us": 31_000_000, "node": name, "kind": "sealed", "height": top, "signers": 5} for name in NAMES
        )
        trace.extend(traffic(t_us, "depot", votes) for t_us, votes in ((70_000_000, 90), (80_000_000, 90 + said)))
        first_of(trace, "ended").update(t_us=90_000_000)

    return with_trace(run, go_on)


def control_quiet_when_idle(run: Run) -> Run:
    return idle(run, 3)


def control_equal_heads__nobody(run: Run) -> Run:
    deaths = [{"t_us": 30_000_000, "node": "", "kind": "fault", "act": "kill", "target": name} for name in NAMES]
    return with_trace(run, lambda trace: trace.extend(deaths))


def control_claims_answered(run: Run) -> Run:
    workload = Workload("claim_day", {"data": "scenarios/data/synthea_40", "claims_max": 30})
    return replace(run, scenario=msgspec.structs.replace(run.scenario, workload=workload))


def said(*messages: tuple[str, Message], protocol: str = "pbft") -> Said:
    """What these members said, in this order, all of them honest."""
    genesis = msgspec.structs.replace(made_up_genesis(), protocol=protocol)
    codec = Shared.of(genesis).verifier.codec
    statements = [
        Statement(0, message, Signed(name, codec.statement(0, message), b"not looked at")) for name, message in messages
    ]
    return Said(statements, frozenset(NAMES), codec, Epochs((genesis.first_epoch,)))


def control_votes() -> Said:
    prepare, commit = Prepare(0, 9, b"d" * 32), Commit(0, 9, b"d" * 32)
    return said(("depot", prepare), ("depot", ViewChange(1, 0, None, ())), ("depot", commit))


def control_votes__commit_alone() -> Said:
    return said(("depot", Commit(0, 9, b"d" * 32)))


def control_votes__not_its_part() -> Said:
    return said(("depot", PrePrepare(0, 9, b"d" * 32)))


def control_votes__after_a_timeout() -> Said:
    return said(("depot", Timeout(5)), ("depot", Ballot(5, b"d" * 32, 9, ())), protocol="hotstuff")


def control_votes__older_ballot() -> Said:
    ballots = [("depot", Ballot(view, b"d" * 32, 9, ())) for view in (6, 5)]
    return said(*ballots, protocol="hotstuff")


def control_votes__proposal_of_another() -> Said:
    return said(("depot", Proposal(7, b"d" * 32, 9, ())), protocol="hotstuff")


def with_vault(run: Run, member: str, boxes: DictBoxes) -> Run:
    return replace(run, vaults={**run.vaults, member: boxes})


GIVEN = "record/hospital-1:r-9"  # of the exchange
WORD = "consent/p-9/report/hospital-2/treatment"  # by which it is delivered


def _exchanged(run: Run, *events: Event, entries: int = 1) -> Run:
    """A record was offered, something happened, and the record was given; `entries`: of its keeper's audit."""
    offered = Event("exchange-offered", {"record_no": "hospital-1:r-9", "class": "report", "patient": "p-9"})
    bent = _with_events(run, offered, *events)
    bent = with_rows(bent, [("state", state_key("shared", "hospital-1:r-9"), b"")])

    def give(trace: list[dict[str, Any]]) -> None:
        last = [one for one in trace if one["node"] == "hospital-1" and one["kind"] == "executed"][-1]
        trace.append({**last, "kind": "record_given", "to": "hospital-2", "handle": GIVEN, "t_us": last["t_us"] + 1})

    boxes, previous = DictBoxes(), FIRST
    for number in range(1, entries + 1):
        entry = AuditEntry(previous, number, 20260101, "hospital-2", GIVEN, "treatment")
        boxes.stage(row_name(number), encode(entry))
        previous = entry.digest
    return with_vault(with_trace(bent, give), "hospital-1", boxes)


def _consented(**change: str) -> Event:
    scope = {"patient": "p-9", "class": "report", "recipient": "hospital-2", "purpose": "treatment"}
    return Event("consent-granted", {**scope, **change, "to_day": 20991231})


def _delivered(leave: str = WORD) -> Event:
    fields = {"handle": GIVEN, "request_no": "hospital-2:q", "member": "hospital-2", "purpose": "treatment"}
    return Event("exchange-delivered", {**fields, "leave": leave, "patient": "p-9"})


def control_opened_by_leave(run: Run) -> Run:
    """By a consent to somebody else."""
    other = _consented(recipient="pharmacy-1")
    return _exchanged(run, other, _delivered("consent/p-9/report/pharmacy-1/treatment"))


def control_opened_by_leave__given(run: Run) -> Run:
    """After the consent was taken back."""
    taken_back = msgspec.structs.replace(_consented(), kind="consent-revoked")
    return _exchanged(run, _consented(), _delivered(), taken_back)


def control_opened_by_leave__unaudited(run: Run) -> Run:
    return _exchanged(run, _consented(), _delivered(), entries=0)


def control_opened_by_leave__read(run: Run) -> Run:
    """Somebody read it to whom it was never delivered."""
    boxes = DictBoxes()
    boxes.stage(row_name(1), encode(AuditEntry(FIRST, 1, 20260101, "pharmacy-1", GIVEN, "treatment")))
    return with_vault(_exchanged(run, _consented(), _delivered()), "pharmacy-1", boxes)


def _of_trial(run: Run, *kinds: str) -> Run:
    """What is told of a trial, in this order."""
    told = [Event(kind, {"trial_no": "s:t-1", "subject": "t-7", "site": "hospital-1"}) for kind in kinds]
    return with_rows(_with_events(run, *told), [("state", state_key("trial", "s:t-1"), b"")])


def control_trials_in_order(run: Run) -> Run:
    return _of_trial(run, "trial-registered", "subject-joined")


def control_trials_in_order__late(run: Run) -> Run:
    return _of_trial(run, "trial-approved", "data-committed", "result-published", "data-committed")


def control_trials_in_order__left(run: Run) -> Run:
    bent = _of_trial(run, "trial-approved", "subject-joined", "subject-withdrawn")
    standing = encode({"subjects": ("t-7",), "stage": "current"})
    return with_rows(bent, [("state", state_key("data_set", "s:t-1/hospital-1/0001"), standing)])


def control_commitments_kept(run: Run) -> Run:
    return with_vault(run, "bureau", DictBoxes())


def control_commitments_kept__another(run: Run) -> Run:
    return with_vault(run, "bureau", made_up_vault("bureau", **{"record/r-1": b"d" * 32}))


def control_erased_is_gone(run: Run) -> Run:
    """It holds what its own ledger says is erased; and of another its ledger says nothing, but it has confirmed."""
    return with_vault(run, "bureau", made_up_vault("bureau", **{"record/r-2": b"c" * 32}))


def control_erased_is_gone__confirmed(run: Run) -> Run:
    bent = with_rows(run, [("state", state_key("tombstone", "record/r-2"), None)], ("bureau",))
    return with_vault(bent, "bureau", made_up_vault("bureau", **{"record/r-2": b"c" * 32}))


def control_erasures_confirmed(run: Run) -> Run:
    waiting = encode({"day": 20260101, "reason": "term-over", "awaiting": ("bureau",)})
    return with_rows(run, [("state", state_key("tombstone", "record/r-2"), waiting)])


def _with_entry(run: Run, number: int, value: bytes | None) -> Run:
    boxes = made_up_vault("bureau")
    boxes.stage(row_name(number), value)
    return with_vault(run, "bureau", boxes)


def control_reads_audited(run: Run) -> Run:
    """An entry names another purpose than it did."""
    return _with_entry(run, 2, encode(msgspec.structs.replace(made_up_reads()[1], purpose="teaching")))


def control_reads_audited__removed(run: Run) -> Run:
    return _with_entry(run, 2, None)


def control_reads_audited__unreadable(run: Run) -> Run:
    """The last one, which none follows."""
    return _with_entry(run, 5, b"\xc1")


def control_reads_audited__last_of_a_day(run: Run) -> Run:
    """What was anchored is cut off, with all behind it: the chain alone is whole."""
    boxes = made_up_vault("bureau")
    for number in (3, 4, 5):
        boxes.stage(row_name(number), None)
    return with_vault(run, "bureau", boxes)


def control_reads_audited__lost(run: Run) -> Run:
    """Nothing is left in any store, and the ledger knows of reads."""
    return replace(run, vaults={name: DictBoxes() for name in run.vaults})


def control_reads_audited__anchor(run: Run) -> Run:
    """The ledger has another last read of that day; and, in the next control, reads of two days as of one."""
    other = encode({"first": 1, "count": 3, "root": b"r" * 32})
    return with_rows(run, [("state", state_key("anchor", "bureau/20260101"), other)])


def control_reads_audited__anchor_of_two_days(run: Run) -> Run:
    return with_rows(run, [("state", state_key("anchor", "bureau/20260101"), made_up_anchor(1, 4))])
