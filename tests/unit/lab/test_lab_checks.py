"""Every check holds on an honest run, and fails on a run that was doctored in the way it looks for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from consortium.core.codec import encode
from consortium.core.contract import OK, Event, Receipt
from consortium.core.transaction import Bundle, decode_batch, encode_batch, sign_bundle
from consortium.lab.checks.claims import Kind, Verdict, exit_status, judge
from consortium.ledger.rows import height_key, receipt_key, state_key
from consortium.runs.run import Run, head_height
from consortium.scenario.scenario import Workload
from tests.unit.lab import controls
from tests.unit.lab.controls import HEIGHT, first_of, with_rows, with_trace
from tests.unit.lab.made_up_run import NAMES, SUITE, made_up_run, secret


@pytest.fixture(scope="module")
def honest() -> Run:
    return made_up_run()


def failing(run: Run) -> dict[str, tuple[str, ...]]:
    return {verdict.name: verdict.failures for verdict in judge(run) if verdict.fails}


def receipts_of(run: Run, height: int) -> list[Receipt]:
    found = run.ledgers["bureau"].range("receipt", receipt_key(height, 0), receipt_key(height + 1, 0))
    return [msgspec.msgpack.decode(value, type=Receipt) for _, value in found]


def test_an_honest_run_passes_every_check(honest: Run) -> None:
    assert failing(honest) == {}
    assert exit_status(judge(honest)) == 0


def test_agreement_fails_where_two_nodes_committed_different_batches(honest: Run) -> None:
    bent = with_trace(honest, lambda t: first_of(t, "committed", height=9, node="depot").update(digest="f" * 16))
    assert "height 9" in failing(bent)["agreement"][0] and "depot" in failing(bent)["agreement"][0]


def test_agreement_fails_where_two_nodes_executed_different_headers(honest: Run) -> None:
    bent = with_trace(honest, lambda t: first_of(t, "executed", height=9, node="depot").update(header="f" * 16))
    assert list(failing(bent)) == ["agreement"]


def test_agreement_fails_where_one_ledger_holds_another_block(honest: Run) -> None:
    bent = with_rows(honest, [("block", height_key(HEIGHT), b"another header")], ("depot",))
    assert list(failing(bent)) == ["agreement"]
    assert f"height {HEIGHT}" in failing(bent)["agreement"][0]


def test_agreement_fails_where_one_ledger_holds_another_receipt(honest: Run) -> None:
    receipt = msgspec.structs.replace(receipts_of(honest, HEIGHT)[0], sentence="Otherwise.")
    bent = with_rows(honest, [("receipt", receipt_key(HEIGHT, 0), encode(receipt))], ("depot",))
    assert list(failing(bent)) == ["agreement"]


def test_a_node_that_began_with_a_snapshot_agrees_with_those_that_did_not(honest: Run) -> None:
    old = honest.ledgers["depot"]
    rows: list[tuple[str, bytes, bytes | None]] = [("base", b"height", height_key(HEIGHT))]
    balances: dict[str, int] = {}
    for height in range(HEIGHT + 1):
        for index, receipt in enumerate(receipts_of(honest, height)):
            rows.append(("receipt", receipt_key(height, index), None))
            for event in [event for event in receipt.events if event.kind == "movement"]:
                source, target, amount = (event.fields[name] for name in ("source", "target", "amount_fen"))
                balances[str(source)] = balances.get(str(source), 0) - int(amount)
                balances[str(target)] = balances.get(str(target), 0) + int(amount)
        rows.append(("batch", height_key(height), None))
        if height < HEIGHT:
            rows.append(("block", height_key(height), None))
    rows += [
        ("base", b"state" + state_key("account", name), encode({"balance_fen": fen})) for name, fen in balances.items()
    ]
    run = with_rows(honest, rows, ("depot",))
    assert old.get("batch", height_key(3)) is not None
    assert failing(run) == {}
    balances_off = [("base", b"state" + state_key("account", "fund/medical-aid"), encode({"balance_fen": 1}))]
    assert list(failing(with_rows(run, list(balances_off), ("depot",)))) == ["money balances"]


def test_validity_fails_where_a_bundles_signature_is_wrong(honest: Run) -> None:
    batch = decode_batch(honest.ledgers["depot"].get("batch", height_key(HEIGHT)) or b"")
    bundle = msgspec.msgpack.decode(batch.bundles[0], type=Bundle)
    forged = msgspec.structs.replace(bundle, signature=bytes(64))
    bent = with_rows(honest, [("batch", height_key(HEIGHT), encode_batch(HEIGHT, [encode(forged)]))], ("depot",))
    assert "depot" in failing(bent)["validity"][0] and f"height {HEIGHT}" in failing(bent)["validity"][0]


def test_validity_fails_where_somebody_else_signed_for_a_member(honest: Run) -> None:
    batch = decode_batch(honest.ledgers["depot"].get("batch", height_key(HEIGHT)) or b"")
    bundle = msgspec.msgpack.decode(batch.bundles[0], type=Bundle)
    stranger = secret("stranger", "submit")
    forged = sign_bundle(honest.genesis.chain, SUITE, stranger, bundle.member, bundle.transactions)
    bent = with_rows(honest, [("batch", height_key(HEIGHT), encode_batch(HEIGHT, [forged]))])
    assert "has not registered" in failing(bent)["validity"][0]


def test_validity_lets_a_refused_stranger_be(honest: Run) -> None:
    batch = decode_batch(honest.ledgers["depot"].get("batch", height_key(HEIGHT)) or b"")
    bundle = msgspec.msgpack.decode(batch.bundles[0], type=Bundle)
    forged = sign_bundle(honest.genesis.chain, SUITE, secret("stranger", "submit"), bundle.member, bundle.transactions)
    rows: list[tuple[str, bytes, bytes | None]] = [("batch", height_key(HEIGHT), encode_batch(HEIGHT, [forged]))]
    for index, receipt in enumerate(receipts_of(honest, HEIGHT)):
        refused = Receipt(receipt.transaction, "unknown-key", "Not registered.", ())
        rows.append(("receipt", receipt_key(HEIGHT, index), encode(refused)))
    assert "validity" not in failing(with_rows(honest, rows))


def test_validity_fails_where_a_receipt_has_no_transaction(honest: Run) -> None:
    extra = Receipt(b"x" * 32, OK, "", ())
    bent = with_rows(honest, [("receipt", receipt_key(HEIGHT, 99), encode(extra))])
    assert "receipts" in failing(bent)["validity"][0]


def test_exactly_once_fails_where_a_bundle_took_effect_at_two_heights(honest: Run) -> None:
    rows: list[tuple[str, bytes, bytes | None]] = [
        ("batch", height_key(HEIGHT + 1), honest.ledgers["depot"].get("batch", height_key(HEIGHT))),
    ]
    old, new = receipts_of(honest, HEIGHT), receipts_of(honest, HEIGHT + 1)
    rows += [("receipt", receipt_key(HEIGHT + 1, index), None) for index in range(len(new))]
    rows += [("receipt", receipt_key(HEIGHT + 1, index), encode(receipt)) for index, receipt in enumerate(old)]
    bent = with_rows(honest, rows)
    assert f"heights {HEIGHT} and {HEIGHT + 1}" in failing(bent)["exactly once"][0]


def test_a_repeat_that_was_turned_away_is_no_second_effect(honest: Run) -> None:
    rows: list[tuple[str, bytes, bytes | None]] = [
        ("batch", height_key(HEIGHT + 1), honest.ledgers["depot"].get("batch", height_key(HEIGHT))),
    ]
    rows += [("receipt", receipt_key(HEIGHT + 1, i), None) for i in range(len(receipts_of(honest, HEIGHT + 1)))]
    for index, receipt in enumerate(receipts_of(honest, HEIGHT)):
        again = Receipt(receipt.transaction, "already-executed", "Done before.", ())
        rows.append(("receipt", receipt_key(HEIGHT + 1, index), encode(again)))
    assert "exactly once" not in failing(with_rows(honest, rows))


def test_money_fails_where_one_fen_appears_in_a_stored_balance(honest: Run) -> None:
    low = state_key("account", "fund/medical-aid")
    value = msgspec.msgpack.decode(honest.ledgers["depot"].get("state", low) or b"")
    bent = with_rows(honest, [("state", low, encode({"balance_fen": value["balance_fen"] + 1}))])
    assert "fund/medical-aid" in failing(bent)["money balances"][0]
    assert any("not 0" in sentence for sentence in failing(bent)["money balances"])


def test_money_fails_at_the_block_in_which_an_account_is_short(honest: Run) -> None:
    receipts = receipts_of(honest, HEIGHT)
    fields: dict[str, int | str] = {"source": "person/p-1", "target": "fund/medical-aid", "amount_fen": 5, "cause": ""}
    bent_receipt = Receipt(receipts[1].transaction, OK, "", (Event("movement", fields),))
    bent = with_rows(honest, [("receipt", receipt_key(HEIGHT, 1), encode(bent_receipt))])
    assert f"height {HEIGHT}: person/p-1 is short of 5 fen" in failing(bent)["money balances"][0]


def test_equal_state_fails_where_one_node_stores_another_row(honest: Run) -> None:
    bent = with_rows(honest, [("state", state_key("bill", "1"), b"\x80")], ("regulator",))
    assert list(failing(bent)) == ["equal state roots"]
    assert "regulator" in failing(bent)["equal state roots"][0]


def test_equal_state_fails_where_one_node_reports_another_root(honest: Run) -> None:
    bent = with_trace(honest, lambda t: first_of(t, "executed", height=9, node="depot").update(state_root="0" * 16))
    assert list(failing(bent)) == ["equal state roots"]


def test_progress_fails_where_nothing_is_executed_after_the_last_fault(honest: Run) -> None:
    def stall(trace: list[dict[str, Any]]) -> None:
        last_us = max(record["t_us"] for record in trace if record["kind"] == "fault")
        kinds = ("executed", "included", "committed", "prepared", "sealed", "proposed")
        trace[:] = [r for r in trace if r["t_us"] <= last_us or r["kind"] not in kinds]

    assert "nothing was executed after the last fault" in failing(with_trace(honest, stall))["progress"][0]


def test_what_a_node_says_again_though_it_was_executed_is_not_waited_for(honest: Run) -> None:
    """Found by exploration (102165): the last fault brought a node back that did not know yet what was executed."""

    def repeat(trace: list[dict[str, Any]]) -> None:
        end_us = max(record["t_us"] for record in trace)
        said = first_of(trace, "submitted")
        trace.insert(-1, {"t_us": end_us, "node": "", "kind": "fault", "act": "restart", "target": said["node"]})
        trace.insert(-1, {**said, "t_us": end_us + 1})
        first_of(trace, "ended").update(t_us=end_us + 2)

    assert "progress" not in failing(with_trace(honest, repeat))


def test_progress_fails_where_the_driver_gave_up(honest: Run) -> None:
    bent = with_trace(honest, lambda t: first_of(t, "ended").update(verdict="no progress"))
    assert list(failing(bent)) == ["progress"]


def test_everything_executed_fails_where_a_bundle_was_lost(honest: Run) -> None:
    lost = {"t_us": 5, "node": "depot", "kind": "submitted", "bundle": "0" * 16, "transactions": 3}
    bent = with_trace(honest, lambda t: t.append(lost))
    assert failing(bent) == {"everything executed": ("1 of the bundles of depot stand in no block",)}
    assert list(failing(replace(bent, ledgers={}))) == ["everything executed"]


def test_equal_heads_fails_where_a_running_node_stayed_behind(honest: Run) -> None:
    top = head_height(honest.ledgers["depot"])

    def lag(trace: list[dict[str, Any]]) -> None:
        trace.remove(first_of(trace, "executed", node="regulator", height=top))

    assert list(failing(with_trace(honest, lag))) == ["equal heads"]


def test_a_consortium_that_stands_is_not_asked_for_what_was_begun_just_now(honest: Run) -> None:
    """Work that waits, and a node a block behind, are nobody's fault until the bound of the members has passed."""
    busy = controls.control_everything_executed(controls.control_equal_heads(honest))
    late = {"t_us": honest.records.end_us, "node": "depot", "kind": "submitted", "bundle": "1" * 16, "transactions": 3}
    fresh = controls.standing(with_trace(controls.control_equal_heads(honest), lambda t: t.append(late)), 0)
    assert failing(fresh) == {}
    assert {"equal heads", "everything executed"} <= set(failing(controls.standing(busy, 3_600_000_000)))


def test_a_consortium_that_was_brought_down_is_judged_as_of_then(honest: Run) -> None:
    def bring_down(trace: list[dict[str, Any]]) -> None:
        end_us = honest.records.end_us
        for name in NAMES:
            trace.append({"t_us": end_us, "node": "", "kind": "fault", "act": "kill", "target": name, "by": "down"})

    assert failing(controls.standing(with_trace(honest, bring_down), 3_600_000_000)) == {}
    lags = with_trace(controls.control_equal_heads(honest), bring_down)
    assert "equal heads" in failing(controls.standing(lags, 3_600_000_000))


def test_a_consortium_that_stands_fails_where_work_waits_for_ever(honest: Run) -> None:
    end_us = honest.records.end_us
    late = {"t_us": end_us, "node": "depot", "kind": "submitted", "bundle": "1" * 16, "transactions": 3}
    fault = {"t_us": end_us - 1, "node": "", "kind": "fault", "act": "heal", "target": ""}
    waits = with_trace(honest, lambda t: t.extend((fault, late)))
    assert "progress" in failing(controls.standing(waits, end_us + 3_600_000_000))
    assert "progress" not in failing(controls.standing(waits, end_us + 1_000_000))


def test_a_node_that_was_left_dead_is_not_waited_for(honest: Run) -> None:
    def stay_dead(trace: list[dict[str, Any]]) -> None:
        trace[:] = [r for r in trace if not (r["node"] == "bureau" and r["t_us"] > 12_100_000)]
        trace.remove(first_of(trace, "fault", act="restart"))

    assert "equal heads" not in failing(with_trace(honest, stay_dead))


def test_every_claim_answered_fails_where_the_bills_of_the_workload_never_reached_the_ledger(honest: Run) -> None:
    workload = Workload("claim_day", {"data": "scenarios/data/synthea_40", "claims_max": 30})
    scenario = msgspec.structs.replace(honest.scenario, workload=workload)
    bent = failing(replace(honest, scenario=scenario))
    assert list(bent) == ["every claim answered"]
    assert "0 bills were brought to the ledger" in bent["every claim answered"][0]


def test_each_way_to_bend_the_audit_of_reads_is_found(honest: Run) -> None:
    for name, bend in vars(controls).items():
        if name.startswith("control_reads_audited"):
            assert "reads are audited" in failing(bend(honest)), name


def test_of_a_disk_that_was_lost_the_chain_of_reads_alone_is_judged(honest: Run) -> None:
    def observing(run: Run) -> Run:
        said = {"t_us": 9_000_000, "node": "bureau", "kind": "observing", "why": "its votes are lost"}
        return with_trace(run, lambda trace: trace.append(said))

    lost, bent = controls.control_reads_audited__last_of_a_day, controls.control_reads_audited
    assert "reads are audited" in failing(lost(honest)) and "reads are audited" not in failing(observing(lost(honest)))
    assert "reads are audited" in failing(observing(bent(honest)))


def test_where_nothing_was_read_no_audit_is_asked_for(honest: Run) -> None:
    anchor = ("state", state_key("anchor", "bureau/20260101"), None)
    quiet = with_rows(controls.control_reads_audited__lost(honest), [anchor])
    verdict = next(verdict for verdict in judge(quiet) if verdict.name == "reads are audited")
    assert verdict.word == "not asked"


def test_a_ledger_that_cannot_be_read_fails_its_checks_and_raises_nothing(honest: Run) -> None:
    bent = with_rows(honest, [("receipt", receipt_key(HEIGHT, 0), b"\xc1")])
    assert {"validity", "exactly once", "money balances"} <= set(failing(bent))


def test_exit_status_is_1_for_safety_and_3_for_liveness_alone() -> None:
    def verdict(kind: Kind, failed: int) -> Verdict:
        return Verdict("x", kind, "", failed, ())

    assert exit_status([verdict(Kind.SAFETY, 0), verdict(Kind.LIVENESS, 0)]) == 0
    assert exit_status([verdict(Kind.SAFETY, 0), verdict(Kind.LIVENESS, 2)]) == 3
    assert exit_status([verdict(Kind.SAFETY, 1), verdict(Kind.LIVENESS, 2)]) == 1
