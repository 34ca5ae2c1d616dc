"""What of settlements may be read: an entry of a journal by who was paid, a person-year by the supervisors alone."""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_PROVIDERS, SUPERVISORS
from consortium.contracts.checks import check_pseudonym, check_range
from consortium.contracts.insurance.accumulators import Accumulator, get_accumulator
from consortium.contracts.insurance.journal import SETTLEMENTS, Settlement, settlement_key
from consortium.contracts.insurance.reversal import OF_PAID
from consortium.core.contract import Query, Reader, Refused, RowOf, StateReader


class OfSettlement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for one entry of the journal of a person-year, a settlement or a reversal."""

    psn_no: str
    year: int
    sequence: int


class OfYear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for what a person used in a year."""

    psn_no: str
    year: int


def _get(state: StateReader, asked: OfSettlement, reader: Reader) -> Settlement:
    check_pseudonym(asked.psn_no, "psn_no")
    found = state.get(SETTLEMENTS, settlement_key(asked.psn_no, asked.year, asked.sequence))
    if found is None:
        raise Refused("unknown-settlement", f"{asked.psn_no} has no entry {asked.sequence} in {asked.year}")
    return found


def _used(state: StateReader, asked: OfYear, reader: Reader) -> Accumulator:
    check_pseudonym(asked.psn_no, "psn_no")
    check_range(asked.year, 1900, 2999, "year")
    return get_accumulator(state, asked.psn_no, asked.year)


def _key(asked: OfSettlement) -> str:
    return settlement_key(asked.psn_no, asked.year, asked.sequence)


def _of_key(key: str) -> OfSettlement:
    psn_no, year, sequence = key.split("/")
    return OfSettlement(psn_no, int(year), int(sequence))


_ROW = RowOf(SETTLEMENTS, _key, _of_key)

QUERIES = (
    Query("get", OfSettlement, BY_PROVIDERS | SUPERVISORS, _get, OF_PAID.or_of(*SUPERVISORS), _ROW),
    Query("used", OfYear, SUPERVISORS, _used),
)
