"""Bugs that let a dishonest member be paid too much, keep what it may not, or stop the money of others."""

from __future__ import annotations

from .bug import SeededBug

CONTRACTS, TESTS = "consortium/contracts/", "tests/unit/contracts/"

FRAME_BUGS = (
    SeededBug(
        "mismatch-stopped-by-an-earlier-hold",
        "No hold that somebody placed before keeps a mismatch from being reported (contracts/oversight/hold.py).",
        CONTRACTS + "insurance/payable.py",
        "hold.place_by_rule(state, target,",
        "hold.place(state, target,",
        (TESTS + "test_payable.py",),
    ),
    SeededBug(
        "denier-keeps-the-record",
        "Who was given something and denies that it is the record is asked to erase it, too (docs/decisions/084).",
        CONTRACTS + "records/record.py",
        "(*record.differing, *readers), record.patient, ever)",
        "readers, record.patient, ever)",
        (TESTS + "test_records.py",),
    ),
    SeededBug(
        "request-tells-of-a-record",
        "Asking for a record tells nothing of whether there is one (docs/systems.md).",
        CONTRACTS + "records/record.py",
        '    check_identifier(arguments.record_no, "record_no")\n    check_own_number(arguments.request_no',
        "    _record(state, arguments.record_no)\n    check_own_number(arguments.request_no",
        (TESTS + "test_records.py",),
    ),
    SeededBug(
        "numbers-of-others-taken",
        "A number that its maker alone may give begins with its name and a colon (docs/decisions/076).",
        CONTRACTS + "checks.py",
        '    if not value.startswith(f"{maker}:"):',
        "    if not value.startswith(maker):",
        (TESTS + "test_records.py",),
    ),
    SeededBug(
        "disks-of-others-filled",
        "One member has others keep so many boxes unasked, and no more (docs/decisions/082).",
        CONTRACTS + "records/record.py",
        "    if boxes and kept.boxes + boxes > KEPT_BY_OTHERS_MAX:",
        "    if boxes > KEPT_BY_OTHERS_MAX:",
        (TESTS + "test_records.py",),
    ),
    SeededBug(
        "more-sent-back-than-received",
        "No more packs go back than an order received, else its refund exceeds what was paid (docs/decisions/075).",
        CONTRACTS + "medicines/returns.py",
        "if order.sent_back + len(codes) > order.received:",
        "if order.sent_back + len(codes) > order.quantity:",
        (TESTS + "test_returns.py",),
    ),
    SeededBug(
        "patients-claim-late-with-the-bureau",
        "How late a patient's claim is follows from the day on which it came (docs/decisions/079).",
        CONTRACTS + "insurance/claim.py",
        "_check_in_time(bill, pack, claimed_on or context.day)",
        "_check_in_time(bill, pack, context.day)",
        (TESTS + "test_patient_claim.py",),
    ),
    SeededBug(
        "erased-lines-pass-for-judged",
        "Lines that were erased while they were to be judged bear out nothing (docs/decisions/072).",
        "consortium/roles/line_judge.py",
        'if case is None or (opened.why == "erased" and not self._is_erased_early(opened.handle, case)):',
        'if case is None or opened.why == "erased":',
        ("tests/unit/roles/test_line_judge.py",),
    ),
    SeededBug(
        "records-for-the-asking",
        "A keeper delivers a record to those that it was told of alone (consortium/roles/records.py).",
        "consortium/roles/records.py",
        "if asker in self._askers.get(number, ()):",
        "if number in self._own:",
        ("tests/unit/roles/test_records_role.py",),
    ),
)
