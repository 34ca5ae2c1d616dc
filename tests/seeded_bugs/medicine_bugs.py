"""Bugs of holds, of what becomes due, of packs and of goods that go back."""

from __future__ import annotations

from .bug import CONTRACTS, SeededBug

HOLD = "tests/unit/contracts/test_hold.py"
DUE = "tests/unit/contracts/test_due.py"
RETURNS = "tests/unit/contracts/test_returns.py"
TRACE = "tests/unit/contracts/test_trace_code.py"
STOCK = "tests/unit/contracts/test_stock.py"
PATH = "tests/unit/contracts/test_procurement_path.py"
DUTIES = "tests/unit/roles/test_duties.py"
WALK = "tests/property/test_packs.py"

MEDICINE_BUGS = (
    SeededBug(
        "held-payee-is-paid",
        "A hold stops what is paid to a held payee (docs/decisions/074).",
        CONTRACTS + "oversight/hold.py",
        '    if target.partition("/")[0] in PAYEES:',
        '    if target.partition("/")[0] in ():',
        (HOLD,),
    ),
    SeededBug(
        "hold-stops-a-reversal",
        "What gives money back passes every hold (docs/decisions/074).",
        CONTRACTS + "insurance/funds.py",
        "        if not is_return:\n            hold",
        "        if True:\n            hold",
        (HOLD, RETURNS),
    ),
    SeededBug(
        "one-role-ends-its-own-hold",
        "A hold ends when another role endorses it (docs/decisions/074).",
        CONTRACTS + "oversight/hold_operations.py",
        "    if found is not None and found.role == context.role:",
        "    if found is not None and found.member == account:",
        (HOLD,),
    ),
    SeededBug(
        "due-is-told-twice",
        "Who rings takes the entry, so that each is told once (docs/decisions/074).",
        CONTRACTS + "oversight/due.py",
        "    state.delete(DUE, name)\n    return True",
        "    return True",
        (DUE, DUTIES),
    ),
    SeededBug(
        "due-before-its-day",
        "Nothing is told before its day has come (docs/decisions/074).",
        CONTRACTS + "oversight/due.py",
        "    if context.day < ring.day:",
        "    if context.day < ring.day - 1:",
        (DUE,),
    ),
    SeededBug(
        "everybody-rings-at-once",
        "The second rank rings what it saw standing one look before (docs/decisions/074).",
        "consortium/roles/duties.py",
        "            if self._looks[one.name] > self._rank and one.name not in rung:",
        "            if self._looks[one.name] > 0 and one.name not in rung:",
        (DUTIES,),
    ),
    SeededBug(
        "refund-goes-to-the-buyer-first",
        "A refund goes to the fund first, then to the buyer (docs/decisions/075).",
        CONTRACTS + "medicines/returns.py",
        "    fund_fen = min(owed_fen, order.paid_fen - order.buyer_paid_fen)",
        "    fund_fen = owed_fen - min(owed_fen, order.buyer_paid_fen)",
        (RETURNS,),
    ),
    SeededBug(
        "sound-packs-are-sent-back",
        "Only packs of recalled lots go back (docs/decisions/075).",
        CONTRACTS + "medicines/packs.py",
        "    if not is_recalled(state, pack) and not ",
        "    if False and not ",
        (TRACE, RETURNS, WALK),
    ),
    SeededBug(
        "recalled-packs-are-handed-on",
        "A recall stops every pack of its lot (docs/decisions/075).",
        CONTRACTS + "medicines/packs.py",
        "    _check_whole(code, pack, source)\n    check_may_pass(state, code, pack, day)\n",
        "    _check_whole(code, pack, source)\n",
        (TRACE, WALK),
    ),
    SeededBug(
        "second-sale-is-forgotten",
        "A second sale keeps both parties (docs/decisions/075).",
        CONTRACTS + "medicines/sales.py",
        "_both(code, first, sale.seller, sale.bill_no), keeps_writes=True)",
        "_both(code, first, sale.seller, sale.bill_no))",
        (TRACE,),
    ),
    SeededBug(
        "temperatures-by-anybody",
        "Who holds a pack writes its temperatures (docs/decisions/075).",
        CONTRACTS + "medicines/lots.py",
        "BY_HOLDERS, _record_temperature, OF_HOLDER)",
        "BY_HOLDERS, _record_temperature)",
        (TRACE,),
    ),
    SeededBug(
        "somebody-else-ships-and-is-paid",
        "The second invoice is of who ships and is paid (docs/decisions/075).",
        CONTRACTS + "medicines/deliveries.py",
        "    if parties != wanted:",
        "    if parties[0][0] != wanted[0][0] or parties[-1][1] != wanted[-1][1]:",
        (PATH,),
    ),
    SeededBug(
        "uncoded-stock-never-runs-out",
        "Stock without codes is used up to what was listed (docs/decisions/075).",
        CONTRACTS + "medicines/stock.py",
        "    if not 0 < count <= known.left:",
        "    if not 0 < count <= known.listed:",
        (STOCK,),
    ),
)
