"""Bugs of dates that bind, of who may say what of a bill, of what patients say, of schemes, and of the register."""

from __future__ import annotations

from .bug import CONTRACTS, CORE, SeededBug

ROLES = "consortium/roles/"
DATES = "tests/unit/contracts/test_dates_that_bind.py"
PAYABLE = "tests/unit/contracts/test_payable.py"
SCHEMES = "tests/unit/contracts/test_schemes_and_years.py"
SPOKEN = "tests/unit/core/test_spoken.py"
PAYOUTS = "tests/unit/roles/test_payouts.py"
PERSONS = "tests/unit/roles/test_person_judge.py"

INSURANCE_BUGS = (
    SeededBug(
        "bill-of-a-day-that-has-not-come",
        "No bill is issued for a service that has not ended by the chain's day (docs/decisions/071).",
        CONTRACTS + "insurance/bill.py",
        "    if enddate > today:",
        "    if enddate > today + 1_000_000:",
        (DATES,),
    ),
    SeededBug(
        "claim-at-any-time",
        "A claim comes within the days that the policy pack gives it (docs/decisions/071).",
        CONTRACTS + "insurance/claim.py",
        "    if days > pack.claim_days:",
        "    if days > pack.claim_days + 100_000:",
        (DATES,),
    ),
    SeededBug(
        "claim-in-time-one-day-late",
        "The last day for a claim is the last (docs/decisions/071).",
        CONTRACTS + "insurance/claim.py",
        "    if days > pack.claim_days:",
        "    if days > pack.claim_days + 1:",
        (DATES,),
    ),
    SeededBug(
        "issuer-claims-before-its-patient",
        "While a patient's claim waits, the issuer of the bill does not claim on it (docs/decisions/079).",
        CONTRACTS + "insurance/claim.py",
        "    bills.check_verified(bill, number)\n    check_none_waits(state, number)\n",
        "    bills.check_verified(bill, number)\n",
        ("tests/unit/contracts/test_patient_claim.py",),
    ),
    SeededBug(
        "issuer-cancels-before-its-patient",
        "While a patient's claim waits, the issuer of the bill does not cancel it (docs/decisions/079).",
        CONTRACTS + "insurance/bill.py",
        "    check_none_waits(state, number)\n",
        "",
        ("tests/unit/contracts/test_patient_claim.py",),
    ),
    SeededBug(
        "recovery-dropped-by-anybody",
        "A recovery of a voice is dropped by the bureau, which asked for it (docs/decisions/079).",
        CONTRACTS + "records/identity.py",
        'Operation("drop_recovery", Decide, BY_BUREAU, _drop_recovery)',
        'Operation("drop_recovery", Decide, _ENDORSERS | BY_BUREAU, _drop_recovery)',
        ("tests/unit/contracts/test_identity.py",),
    ),
    SeededBug(
        "one-role-moves-money",
        "What one role proposes to move another role endorses (docs/decisions/073).",
        CONTRACTS + "insurance/fund_transfer.py",
        "    if context.member == transfer.member or context.role == transfer.role:",
        '    if context.member == "" or context.role == "":',
        ("tests/unit/contracts/test_account_carry.py",),
    ),
    SeededBug(
        "rest-of-a-year-to-a-fund",
        "The rest of a year goes out of the ledger and to nobody else (docs/decisions/073).",
        CONTRACTS + "insurance/fund_transfer.py",
        '    funds.check_account(source, (funds.CARRY,) if is_rest else ("fund",))',
        '    funds.check_account(source, (funds.CARRY,) if is_rest else ("fund", funds.CARRY))',
        ("tests/unit/contracts/test_account_carry.py",),
    ),
    SeededBug(
        "issuer-verifies-its-bill",
        "Another than its issuer verifies a bill (docs/decisions/072).",
        CONTRACTS + "insurance/bill.py",
        "    if context.member in find_issuer(state, arguments.bill_no):",
        "    if context.member in ():",
        (PAYABLE,),
    ),
    SeededBug(
        "one-role-takes-its-mismatch-back",
        "What one role reported as a mismatch another role confirms (docs/decisions/072).",
        CONTRACTS + "insurance/payable.py",
        "    if word is not None and word.role == context.role:",
        '    if word is not None and word.role == "":',
        (PAYABLE,),
    ),
    SeededBug(
        "spoken-number-not-used",
        "A statement holds once: its number is used with it (docs/decisions/079).",
        CORE + "spoken.py",
        "    state.put(VOICES, pseudonym, used)\n",
        "    assert used\n",
        (SPOKEN,),
    ),
    SeededBug(
        "spoken-kind-not-checked",
        "A statement is good for the operation that it names (docs/decisions/079).",
        CORE + "spoken.py",
        "    if spoken.kind != kind:",
        "    if not spoken.kind:",
        (SPOKEN,),
    ),
    SeededBug(
        "schemes-joined",
        "What one scheme paid does not count against the caps of the other (docs/decisions/073).",
        CONTRACTS + "insurance/accumulators.py",
        "    if is_joint:",
        "    if is_joint or row:",
        (SCHEMES,),
    ),
    SeededBug(
        "payouts-of-what-came-in",
        "What was taken back from an institution is not paid out to it (consortium/roles/payouts.py).",
        ROLES + "payouts.py",
        '                self._add(text(event, "source"), -amount_fen)\n',
        "",
        (PAYOUTS,),
    ),
    SeededBug(
        "overtaken-payout-forgotten",
        "A payout that came too late is looked at again with what is left (consortium/roles/payouts.py).",
        ROLES + "payouts.py",
        '        if code and settled.outcome.receipt.code == "payable-short":',
        '        if code and settled.outcome.receipt.code == "payable-long":',
        (PAYOUTS,),
    ),
    SeededBug(
        "any-known-patient-will-do",
        "A settlement is of the person of its bill, not of anybody in the register (docs/decisions/080).",
        ROLES + "person_judge.py",
        "        if self._register.get(bill.patient) == psn_no or (",
        "        if bill.patient in self._register or (",
        (PERSONS,),
    ),
    SeededBug(
        "unknown-patient-passes",
        "A bill in a pseudonym that the bureau never gave is of nobody who may be claimed for (docs/decisions/080).",
        ROLES + "person_judge.py",
        "        if self._register.get(bill.patient) == psn_no or (",
        "        if self._register.get(bill.patient, psn_no) == psn_no or (",
        (PERSONS,),
    ),
    SeededBug(
        "right-lines-free-another-persons-claim",
        "Who judges lines leaves a mismatch of the person alone (docs/decisions/080).",
        ROLES + "line_judge.py",
        '        elif event.kind == "settled" if self._is_first else is_word and text(event, "what") != PERSON:',
        '        elif event.kind == "settled" if self._is_first else is_word:',
        (PERSONS,),
    ),
)
