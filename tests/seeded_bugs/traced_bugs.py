"""Bugs of points, devices, doses and cold chains."""

from __future__ import annotations

from .bug import CONTRACTS, SeededBug

POINTS = "tests/reference/test_points.py"
DEVICE = "tests/unit/contracts/test_device.py"
DOSE = "tests/unit/contracts/test_vaccination.py"
RUNS = "tests/simulation/test_medicines.py"
MONTHS = "tests/unit/contracts/test_reconciliation.py"

TRACED_BUGS = (
    SeededBug(
        "points-lose-a-fen",
        "The fen that are left go to the largest remainders (docs/decisions/133).",
        CONTRACTS + "insurance/dip_rules.py",
        "    for code in by_remainder[:left]:",
        "    for code in by_remainder[: left - 1]:",
        (POINTS,),
    ),
    SeededBug(
        "points-of-a-cheap-case-are-whole",
        "Below the bound a case has points as its cost has of the mean (docs/decisions/133).",
        CONTRACTS + "insurance/dip_rules.py",
        "    if cost < mean_cost_fen * low_bp:",
        "    if cost < 0:",
        (POINTS,),
    ),
    SeededBug(
        "points-stay-after-a-reversal",
        "A reversal counts with a minus in the month of its day (docs/decisions/133).",
        CONTRACTS + "insurance/dip_cases.py",
        "    count_case(state, case, -1, -case.points, -case.pool_fen, context)",
        "    count_case(state, case, -1, 0, -case.pool_fen, context)",
        (POINTS,),
    ),
    SeededBug(
        "a-month-is-settled-before-its-end",
        "A month is settled when it is over (docs/decisions/133).",
        CONTRACTS + "insurance/dip_settling.py",
        "    if month >= context.day // 100:",
        "    if month > context.day // 100:",
        (POINTS,),
    ),
    SeededBug(
        "a-year-forgets-its-months",
        "The year is due less what its months were (docs/decisions/133).",
        CONTRACTS + "insurance/dip_settling.py",
        "    owed = {code: count.due_fen for code, count in counts.items()}",
        "    owed = {code: count.pool_fen for code, count in counts.items()}",
        (POINTS,),
    ),
    SeededBug(
        "a-month-owes-what-a-patient-was-paid",
        "What patients are paid themselves counts in no sum of the institution (docs/domain.md, months).",
        CONTRACTS + "insurance/month_totals.py",
        '            if source == "payout":',
        '            if source == "nobody":',
        (MONTHS,),
    ),
    SeededBug(
        "an-instrument-is-used-unsterile",
        "An instrument is used only when its last cycle passed (docs/decisions/134).",
        CONTRACTS + "medicines/device_records.py",
        '        Move(STERILE, "use", SOILED),',
        '        Move(STERILE, "use", SOILED),\n        Move(SOILED, "use", SOILED),',
        (DEVICE,),
    ),
    SeededBug(
        "a-failed-cycle-makes-sterile",
        "A cycle that fails makes nothing sterile (docs/decisions/134).",
        CONTRACTS + "medicines/device.py",
        "STERILE if arguments.is_passed else FAILED",
        "STERILE if arguments.method else FAILED",
        (DEVICE,),
    ),
    SeededBug(
        "a-recalled-device-is-used",
        "A recall stops all pieces of a lot (docs/decisions/134).",
        CONTRACTS + "medicines/device_records.py",
        "    if lot.is_recalled:\n        raise",
        "    if lot.reason == day:\n        raise",
        (DEVICE,),
    ),
    SeededBug(
        "a-dose-comes-too-early",
        "The next dose is refused before its days are over (docs/decisions/134).",
        CONTRACTS + "medicines/vaccination.py",
        "        if day < earliest:",
        "        if day < series.last_day:",
        (DOSE,),
    ),
    SeededBug(
        "a-dose-takes-no-unit",
        "A dose takes a unit of a pack that may be sold (docs/decisions/134).",
        CONTRACTS + "medicines/vaccination.py",
        '    sales.sell_pack(state, code, "", seller, sale, is_split=is_split, day=context.day)',
        "    assert sale",
        (DOSE,),
    ),
    SeededBug(
        "who-comes-again-is-told-of",
        "A dose that is given in time clears what was due (docs/decisions/134).",
        CONTRACTS + "medicines/vaccination.py",
        "    if before is not None and before.due_on:",
        "    if before is not None and before.doses < 0:",
        (DOSE,),
    ),
    SeededBug(
        "a-broken-cold-chain-stops-nothing",
        "A reading outside what a lot bears puts it into quarantine (docs/decisions/134).",
        CONTRACTS + "medicines/lots.py",
        '    is_broken = events[0].kind == "cold-chain-excursion"',
        '    is_broken = events[0].kind == "nothing"',
        (RUNS,),
    ),
)
