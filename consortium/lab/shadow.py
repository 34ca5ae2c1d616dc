"""What the ledger computed beside what the old system did, bill by bill: for an institution in shadow.

The old system's file is CSV with a heading: `fixmedins_code`, `bill_no`, `fund_pay_sumamt`, `acct_pay` and
`cash_payamt`, in yuan with two decimals; other columns are left aside. The ledger's amounts are those of settlements
that were not reversed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from consortium.contracts.insurance.bill import normalise, try_normalise
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.core.contract import StateReader
from consortium.core.errors import UserError
from consortium.roles.executed_effects import END

AMOUNTS = ("fund_pay_sumamt", "acct_pay", "cash_payamt")
COLUMNS = ("fixmedins_code", "bill_no", *AMOUNTS)
ROWS_MAX = 1_000_000
EQUAL, DIFFERS, LEDGER_ALONE, OLD_ALONE = "equal", "differs", "ledger alone", "old system alone"
_is_yuan = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,2}))?").fullmatch


class Paid(NamedTuple):
    """Of one bill, in fen: in the order of AMOUNTS."""

    fixmedins_code: str
    bill_no: str
    amounts_fen: tuple[int, ...]


class Line(NamedTuple):
    """One bill on both sides; None where a side has it not."""

    fixmedins_code: str
    bill_no: str
    ledger_fen: tuple[int, ...] | None
    old_fen: tuple[int, ...] | None

    @property
    def verdict(self) -> str:
        if self.old_fen is None:
            return LEDGER_ALONE
        if self.ledger_fen is None:
            return OLD_ALONE
        return EQUAL if self.ledger_fen == self.old_fen else DIFFERS


def read_old(text: str, name: str) -> list[Paid]:
    """`name` of the file, for sentences. Raises UserError with the line."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise UserError(f"{name} has no column {missing[0]}: its heading names {', '.join(COLUMNS)}")
    found: dict[str, Paid] = {}
    for row in rows:
        place = f"{name}:{rows.line_num}"
        paid = Paid(row["fixmedins_code"], row["bill_no"], tuple(_fen(row[each], place, each) for each in AMOUNTS))
        key = try_normalise(paid.bill_no or "")
        if not key or key in found:
            why = "stands there twice" if key else "is no number of a bill"
            raise UserError(f"{place}: bill_no {paid.bill_no!r} {why}")
        found[key] = paid
        if len(found) > ROWS_MAX:
            raise UserError(f"{name} has more than {ROWS_MAX:,} rows: compare a month at a time")
    return list(found.values())


def _fen(text: str | None, place: str, column: str) -> int:
    match = _is_yuan((text or "").strip())
    if match is None:
        raise UserError(f"{place}: {column} is {text!r}; expected yuan with at most two decimals, as 12.50")
    sign, yuan, part = match.groups()
    fen = int(yuan) * 100 + int((part or "").ljust(2, "0"))
    return -fen if sign else fen


def read_ledger(state: StateReader) -> list[Paid]:
    """Of every settlement that stands, in order of its bill."""
    entries = list(state.range(SETTLEMENTS, "", END))
    gone = {(key.rpartition("/")[0], each.reverses) for key, each in entries if each.reverses}
    standing = [
        Paid(each.fixmedins_code, each.bill_no, tuple(getattr(each.amounts, name) for name in AMOUNTS))
        for key, each in entries
        if not each.reverses and (key.rpartition("/")[0], int(key.rpartition("/")[2])) not in gone
    ]
    return sorted(standing, key=lambda paid: paid.bill_no)


def compare(ledger: list[Paid], old: list[Paid], only: str = "") -> list[Line]:
    """`only`: of one institution."""
    here, there = (
        {normalise(paid.bill_no): paid for paid in side if only in ("", paid.fixmedins_code)} for side in (ledger, old)
    )
    return [_line(here.get(key), there.get(key)) for key in sorted({*here, *there})]


def _line(here: Paid | None, there: Paid | None) -> Line:
    known = here or there
    assert known is not None
    return Line(
        known.fixmedins_code,
        known.bill_no,
        None if here is None else here.amounts_fen,
        None if there is None else there.amounts_fen,
    )


def sums_of(lines: list[Line]) -> Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """By institution: what the ledger has, and the old system, in the order of AMOUNTS."""
    found: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
    nothing = (0,) * len(AMOUNTS)
    for line in lines:
        here, there = found.get(line.fixmedins_code, (nothing, nothing))
        found[line.fixmedins_code] = (_plus(here, line.ledger_fen), _plus(there, line.old_fen))
    return dict(sorted(found.items()))


def _plus(sums: tuple[int, ...], more: tuple[int, ...] | None) -> tuple[int, ...]:
    return sums if more is None else tuple(a + b for a, b in zip(sums, more, strict=True))


def as_csv(paid: list[Paid]) -> str:
    """In the form that `read_old` reads."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows(_written(each) for each in paid)
    return out.getvalue()


def _written(paid: Paid) -> Iterator[str]:
    yield from (paid.fixmedins_code, paid.bill_no, *map(yuan, paid.amounts_fen))


def yuan(fen: int) -> str:
    """As 12.50."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"
