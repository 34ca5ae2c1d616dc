"""The journal of a person-year: settlements and reversals, append-only, under "psn_no/YYYY/sequence".

A reversal is an entry of its own, with the stored amounts negated. The newest settlement that is not reversed is the
top of a stack, and only it can be reversed.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.checks import check_pseudonym, check_range
from consortium.contracts.insurance.accumulators import Accumulator
from consortium.contracts.insurance.amounts import Amounts
from consortium.core.contract import Event, Refused, StateReader, Table

SEQUENCE_MAX = 999_999


class Settlement(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An entry of a person-year's journal, keyed "psn_no/YYYY/sequence" (six digits). A reversal has all amounts
    negated and `reverses` set. `pool_paid_fen`: what the pool paid, `hifp_pay` or the DRG payment's share."""

    bill_no: str
    fixmedins_code: str
    insutype: str
    med_type: str
    begndate: int
    enddate: int
    amounts: Amounts
    pool_paid_fen: int
    previous: int = 0  # sequence of the settlement below it on the stack
    reverses: int = 0  # sequence of the settlement that this entry reverses
    offsite: str = ""
    drg_group: str = ""
    drg_payment_fen: int = 0
    commitment: bytes = b""
    payable_on: int = 0  # the day on which what is owed becomes payable without a word on the lines; 0 = at once


def settlement_key(psn_no: str, year: int, sequence: int) -> str:
    return f"{psn_no}/{year}/{sequence:06d}"


def spelt_key(text: str) -> str:
    """The key of "psn_no/YYYY/sequence" as a person writes it, the sequence also without zeros before it. Refuses
    `bad-identifier`, `personal-number`, `bad-number`."""
    parts = text.split("/")
    if len(parts) != 3 or not all(each.isascii() and each.isdigit() and len(each) <= 6 for each in parts[1:]):
        raise Refused("bad-identifier", "expected psn_no/year/sequence, as in P1/2026/1")
    psn_no, year, sequence = parts
    check_pseudonym(psn_no, "psn_no")
    check_range(int(year), 1900, 2999, "year")
    check_range(int(sequence), 1, SEQUENCE_MAX, "sequence")
    return settlement_key(psn_no, int(year), int(sequence))


SETTLEMENTS: Table[Settlement] = Table("settlement", Settlement, told_as="claim", key_of=spelt_key)
TELLING = ("settlement", "patient_claim")  # the contracts whose operations make entries, and tell them


def get_settlement(state: StateReader, psn_no: str, year: int, sequence: int) -> Settlement:
    """Refuses `bad-identifier`, `personal-number`, `bad-number`, `unknown-settlement`, also of a reversal."""
    check_pseudonym(psn_no, "psn_no")
    check_range(year, 1900, 2999, "year")
    check_range(sequence, 1, SEQUENCE_MAX, "sequence")
    settlement = state.get(SETTLEMENTS, settlement_key(psn_no, year, sequence))
    if settlement is None or settlement.reverses:
        raise Refused("unknown-settlement", f"{psn_no} has no settlement {sequence} in {year}")
    return settlement


def next_sequence(row: Accumulator, psn_no: str, year: int) -> int:
    """Of the journal's next entry. Refuses `too-many-settlements`."""
    if row.sequence >= SEQUENCE_MAX:
        raise Refused("too-many-settlements", f"{psn_no} has {SEQUENCE_MAX} entries in {year}")
    return row.sequence + 1


def entry_event(kind: str, psn_no: str, year: int, sequence: int, settlement: Settlement) -> Event:
    """What a new entry of the journal tells."""
    amounts = settlement.amounts
    return Event(
        kind,
        {
            "psn_no": psn_no,
            "year": year,
            "sequence": sequence,
            "bill_no": settlement.bill_no,
            "fixmedins_code": settlement.fixmedins_code,
            "begndate": settlement.begndate,
            "enddate": settlement.enddate,
            "medfee_sumamt": amounts.medfee_sumamt,
            "fund_pay_sumamt": amounts.fund_pay_sumamt,
            "psn_pay": amounts.psn_pay,
            "acct_pay": amounts.acct_pay,
            "cash_payamt": amounts.cash_payamt,
        },
    )
