"""Stock without trace codes (无码库): packs that an institution had bought before each pack had a code.

The institution says how many packs of a drug it has, and the bureau endorses that number. What is listed is sold and
settled without a code until it is used up; a sale that is taken back gives it back. There is no other way around "no
code, no settlement".
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, BY_BUREAU, BY_PROVIDERS, REGULATOR, SUPERVISORS
from consortium.contracts.checks import check_identifier, check_range
from consortium.contracts.insurance.institution import OF_INSTITUTION, get_institution
from consortium.core.contract import (
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Reader,
    Refused,
    State,
    StateReader,
    Table,
)

COUNT_MAX = 10**9
INSTITUTION = "institution/"  # what the name of a holder begins with that can have such stock


class Uncoded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "fixmedins_code/med_list_codg": packs that the bureau endorsed, and how many of them were used."""

    listed: int
    used: int = 0

    @property
    def left(self) -> int:
        return self.listed - self.used


class Listing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed like `Uncoded`: packs that wait for the bureau's endorsement."""

    count: int


UNCODED: Table[Uncoded] = Table("uncoded_stock", Uncoded)
LISTINGS: Table[Listing] = Table("uncoded_listing", Listing)


class ListUncoded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many packs of a drug without codes: the institution says it, or says it anew before the bureau endorses it."""

    fixmedins_code: str
    med_list_codg: str
    count: int


class OfDrug(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an institution may still sell of a drug without codes."""

    fixmedins_code: str
    med_list_codg: str


def get_uncoded(state: StateReader, fixmedins_code: str, med_list_codg: str) -> Uncoded:
    return state.get(UNCODED, f"{fixmedins_code}/{med_list_codg}") or Uncoded(0)


def use_uncoded(state: State, holder: str, med_list_codg: str, count: int) -> None:
    """Sell `count` packs (at least 1) without a code. Refuses `not-listed`, `stock-short`."""
    key = holder.removeprefix(INSTITUTION) + f"/{med_list_codg}"
    known = state.get(UNCODED, key)
    if known is None:
        raise Refused("not-listed", f"{holder} has no listed stock of {med_list_codg} without trace codes")
    if not 0 < count <= known.left:
        raise Refused("stock-short", f"{holder} has {known.left} packs of {med_list_codg} without codes, not {count}")
    state.put(UNCODED, key, msgspec.structs.replace(known, used=known.used + count))


def return_uncoded(state: State, holder: str, med_list_codg: str, count: int) -> None:
    """Give back what `use_uncoded` took, as its sale is taken back."""
    key = holder.removeprefix(INSTITUTION) + f"/{med_list_codg}"
    known = state.get(UNCODED, key)
    assert known is not None and 0 < count <= known.used, f"{count} packs of {key} were not used"
    state.put(UNCODED, key, msgspec.structs.replace(known, used=known.used - count))


def _check_listing(state: StateReader, arguments: ListUncoded) -> str:
    get_institution(state, arguments.fixmedins_code)
    check_identifier(arguments.med_list_codg, "med_list_codg")
    check_range(arguments.count, 1, COUNT_MAX, "count")
    return f"{arguments.fixmedins_code}/{arguments.med_list_codg}"


def _list_uncoded(state: State, arguments: ListUncoded, _context: Context) -> list[Event]:
    key = _check_listing(state, arguments)
    state.put(LISTINGS, key, Listing(arguments.count))
    return [_event("uncoded-proposed", arguments)]


def _endorse_uncoded(state: State, arguments: ListUncoded, _context: Context) -> list[Event]:
    """The bureau endorses the number that it has seen. Refuses `unknown-listing`, `listing-differs`."""
    key = _check_listing(state, arguments)
    listing = state.get(LISTINGS, key)
    if listing is None:
        raise Refused("unknown-listing", f"{key}: no stock waits for endorsement")
    if listing.count != arguments.count:
        raise Refused("listing-differs", f"{key}: {listing.count} packs wait for endorsement, not {arguments.count}")
    known = get_uncoded(state, arguments.fixmedins_code, arguments.med_list_codg)
    check_range(known.listed + arguments.count, 1, COUNT_MAX, "packs listed in all")
    state.delete(LISTINGS, key)
    state.put(UNCODED, key, msgspec.structs.replace(known, listed=known.listed + arguments.count))
    return [_event("uncoded-listed", arguments)]


def _event(kind: str, arguments: ListUncoded) -> Event:
    fields: dict[str, int | str] = {"fixmedins_code": arguments.fixmedins_code}
    return Event(kind, fields | {"med_list_codg": arguments.med_list_codg, "count": arguments.count})


def _of_drug(state: StateReader, arguments: OfDrug, _reader: Reader) -> Uncoded:
    return get_uncoded(state, arguments.fixmedins_code, arguments.med_list_codg)


CONTRACT = Contract(
    "stock",
    1,
    (
        Operation("list_uncoded", ListUncoded, BY_PROVIDERS, _list_uncoded, OF_INSTITUTION),
        Operation("endorse_uncoded", ListUncoded, BY_BUREAU, _endorse_uncoded),
    ),
    (Query("uncoded", OfDrug, BY_PROVIDERS | SUPERVISORS, _of_drug, OF_INSTITUTION.or_of(BUREAU, REGULATOR)),),
)
