"""The lines of a bill and what of them stands on the ledger: sums per class, what was sold by trace code, a commitment.

Lines are private: issuer, bureau and regulator hold them. Every node adjudicates from the sums; whoever has the lines
computes the sums anew and finds where they differ (`find_mismatch`). What was sold is on the ledger, so that every node
holds that a pack is sold once, and that no drug is settled without its code.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.checks import (
    AMOUNT_FEN_MAX,
    BASIS_POINTS,
    IDENTIFIER_MAX,
    check_amount,
    check_count,
    check_identifier,
    check_positive_amount,
    check_range,
    check_trace_code,
)
from consortium.contracts.insurance import policy
from consortium.contracts.insurance.drg import divide_half_up
from consortium.contracts.insurance.policy import ItemVersion
from consortium.contracts.medicines import packs
from consortium.core.codec import encode
from consortium.core.contract import Refused, StateReader
from consortium.core.vault import SALT_BYTES_MIN, commit

LINES_MAX = 50
LINE_CODES_MAX = 50
QUANTITY_MAX = 1_000_000


class Line(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One position: `cnt` times `pric` fen. A whole-pack line has no codes or one a pack; a split line (`trdn_flag`)
    has one code, and `cnt` counts minimal units."""

    med_list_codg: str
    cnt: int
    pric: int
    drug_trac_codg: tuple[str, ...] = ()
    trdn_flag: bool = False


class Lines(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The private record of a bill, by its normalised number: what `commit_lines` commits to."""

    bill_no: str
    lines: tuple[Line, ...]


class Sums(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The sums over the lines of a bill, in fen; `coded`: how many lines are of drugs that are settled by their trace
    codes alone."""

    medfee_sumamt: int = 0
    fulamt_ownpay_amt: int = 0
    overlmt_selfpay: int = 0
    preselfpay_amt: int = 0
    inscp_amt: int = 0
    coded: int = 0

    @property
    def by_class(self) -> tuple[int, int, int, int, int]:
        """The whole and its four parts."""
        return self.medfee_sumamt, self.fulamt_ownpay_amt, self.overlmt_selfpay, self.preselfpay_amt, self.inscp_amt


class Sold(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What line `feedetl_sn` (from 1) sold: the item, how many, by which codes; as of Line."""

    feedetl_sn: int
    med_list_codg: str
    cnt: int
    drug_trac_codg: tuple[str, ...]
    trdn_flag: bool = False


def check_lines(lines: Sequence[Line]) -> None:
    """Of a record that somebody sent. Refuses `bad-length`, `bad-identifier`, `bad-number`, `bad-amount`, and what is
    refused of codes."""
    check_count(len(lines), LINES_MAX, "lines")
    for line in lines:
        check_amount(line.pric, "pric")
        _check_sale(line.med_list_codg, line.cnt, line.drug_trac_codg, line.trdn_flag)
    check_positive_amount(sum(line.cnt * line.pric for line in lines), "the sum of the lines")


def check_sums(sums: Sums) -> None:
    """Refuses `bad-amount`, `bad-number`, and `sums-differ` where the classes do not add up to the whole."""
    check_positive_amount(sums.medfee_sumamt, "medfee_sumamt")
    _, *parts = sums.by_class
    if min(parts) < 0 or max(parts) > AMOUNT_FEN_MAX:
        raise Refused("bad-amount", f"a sum of a class is not from 0 to {AMOUNT_FEN_MAX} fen")
    if sum(parts) != sums.medfee_sumamt:
        raise Refused("sums-differ", f"the classes add up to {sum(parts)} fen, the bill is of {sums.medfee_sumamt}")
    check_range(sums.coded, 0, LINES_MAX, "coded")


def check_sold(sold: Sequence[Sold]) -> None:
    """Refuses `bad-length`, `bad-number`, `bad-identifier`, `bad-trace-code`, `trace-code-count`."""
    check_count(len(sold), LINES_MAX, "sold", 0)
    before = 0
    for each in sold:
        check_range(each.feedetl_sn, before + 1, LINES_MAX, "feedetl_sn, ascending,")
        before = each.feedetl_sn
        _check_sale(each.med_list_codg, each.cnt, each.drug_trac_codg, each.trdn_flag)


def _check_sale(med_list_codg: str, cnt: int, codes: Sequence[str], is_split: bool) -> None:
    if not (med_list_codg.isascii() and med_list_codg.isalnum() and len(med_list_codg) <= IDENTIFIER_MAX):
        check_identifier(med_list_codg, "med_list_codg")
    check_range(cnt, 1, QUANTITY_MAX, "cnt")
    if not codes and not is_split:
        return
    check_count(len(codes), LINE_CODES_MAX, "drug_trac_codg")
    for code in codes:
        check_trace_code(code)
    expected = 1 if is_split else cnt
    if len(codes) != expected:
        raise Refused("trace-code-count", f"the line has {len(codes)} trace codes, expected {expected}")


def compute_sums(
    lines: Sequence[Line], items: Sequence[ItemVersion | None], units: Sequence[int] | None = None
) -> Sums:
    """Sort lines, each with its catalogue item or None, into own pay, excess over ceilings, first self-pay, scope.

    `units`: of each line how many of what `cnt` counts make the pack that a ceiling is of: 1, or the minimal units of
    a pack where the line is split. The ceiling holds for them in proportion, rounded half up over the line.
    """
    medfee = ownpay = excess = preselfpay = inscp = coded = 0
    for position, (line, item) in enumerate(zip(lines, items, strict=True)):
        amount = line.cnt * line.pric
        medfee += amount
        if item is not None and item.needs_trace_code:
            coded += 1
        if item is None or item.chrgitm_lv == "C":
            ownpay += amount
            continue
        if item.ceiling_fen:
            ceiling = divide_half_up(line.cnt * item.ceiling_fen, 1 if units is None else units[position])
            if amount > ceiling:
                excess += amount - ceiling
                amount = ceiling
        if item.selfpay_prop_bp and item.chrgitm_lv == "B":
            first = divide_half_up(amount * item.selfpay_prop_bp, BASIS_POINTS)
            preselfpay += first
            amount -= first
        inscp += amount
    return Sums(medfee, ownpay, excess, preselfpay, inscp, coded)


def compute_sold(lines: Sequence[Line], items: Sequence[ItemVersion | None]) -> tuple[Sold, ...]:
    """Of each line that has trace codes, or must have them, what it sold."""
    return tuple(
        Sold(position, line.med_list_codg, line.cnt, line.drug_trac_codg, line.trdn_flag)
        for position, (line, item) in enumerate(zip(lines, items, strict=True), 1)
        if line.drug_trac_codg or (item is not None and item.needs_trace_code)
    )


def summarise(state: StateReader, lines: Sequence[Line], day: int) -> tuple[Sums, tuple[Sold, ...]]:
    """What a bill of these lines says on the ledger, by the catalogue of its last day of service."""
    items = policy.items_on(state, [line.med_list_codg for line in lines], day)
    units = [_units_of(state, line) if line.trdn_flag else 1 for line in lines]
    return compute_sums(lines, items, units), compute_sold(lines, items)


def _units_of(state: StateReader, line: Line) -> int:
    """The minimal units of the pack that a line splits; 1 where nobody registered it: settlement refuses its code."""
    pack = state.get(packs.PACKS, line.drug_trac_codg[0]) if line.drug_trac_codg else None
    return 1 if pack is None else pack.units


def commit_lines(salt: bytes, number: str, lines: tuple[Line, ...]) -> bytes:
    """The commitment that stands on the bill with this normalised number."""
    return commit(salt, encode(Lines(number, lines)))


def find_mismatch(
    state: StateReader, record: Lines, salt: bytes, *, day: int, sums: Sums, sold: tuple[Sold, ...], lines: bytes
) -> str:
    """What a bill says that its record does not bear out: `commitment`, `lines`, `sums` or `sold`; "" where it does.

    `day`: the last day of service. `sums`, `sold` and the commitment `lines` are the bill's.
    """
    if len(salt) < SALT_BYTES_MIN or commit(salt, encode(record)) != lines:
        return "commitment"
    try:
        check_lines(record.lines)
    except Refused:
        return "lines"
    own_sums, own_sold = summarise(state, record.lines, day)
    if own_sums != sums:
        return "sums"
    return "" if own_sold == sold else "sold"
