"""Catalogue and policy 目录/政策: versions by service date. An adopted version is never changed; a later one
follows it.

The calendar is one small value: from which days packs are effective, and through which year the books are
closed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from consortium.contracts.access import BY_ALL
from consortium.contracts.checks import (
    BASIS_POINTS,
    check_amount,
    check_choice,
    check_count,
    check_day,
    check_identifier,
    check_range,
)
from consortium.contracts.insurance.policy_pack import Pack, check_pack
from consortium.contracts.insurance.versions import VERSIONS_MAX, check_not_past, version_on, with_version
from consortium.core.contract import (
    GENESIS,
    VOTE,
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

CLASSES = ("A", "B", "C")  # 甲 乙 丙
KINDS = ("drug", "consumable", "service")
ITEMS_MAX = 200


class ItemVersion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A catalogue item as of `from_day`. Own-pay share (class B) in basis points; ceiling per unit in fen, 0 = none."""

    from_day: int
    chrgitm_lv: str  # A | B | C
    kind: str  # drug | consumable | service
    selfpay_prop_bp: int = 0
    ceiling_fen: int = 0
    code_free: bool = False  # a drug that may be settled without trace codes

    @property
    def needs_trace_code(self) -> bool:
        return self.kind == "drug" and not self.code_free


class CatalogueEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by `med_list_codg`: its versions by ascending day."""

    versions: tuple[ItemVersion, ...]


class Calendar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value: the days from which packs are effective, ascending, and the last closed year (0 = none)."""

    pack_days: tuple[int, ...]
    closed_through: int


class CaseWeight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The weight of a group of cases as of `from_day`, in ten-thousandths."""

    from_day: int
    weight_bp: int


class CaseGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by DRG code: its weights by ascending day."""

    versions: tuple[CaseWeight, ...]


CATALOGUE: Table[CatalogueEntry] = Table("catalogue", CatalogueEntry, told_as="item")
PACKS: Table[Pack] = Table("policy_pack", Pack, told_as="pack")
CALENDAR: Table[Calendar] = Table("policy_calendar", Calendar)
DRG_GROUPS: Table[CaseGroup] = Table("drg_group", CaseGroup)
_THE_CALENDAR = "calendar"


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One new version of one catalogue item; fields as of ItemVersion."""

    med_list_codg: str
    from_day: int
    chrgitm_lv: str
    kind: str
    selfpay_prop_bp: int = 0
    ceiling_fen: int = 0
    code_free: bool = False


class ListItems(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 200 new versions of catalogue items."""

    items: tuple[Item, ...]


class OnDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the policy pack that is effective on a service day."""

    day: int


class OfItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the version of a catalogue item that is effective on a service day."""

    med_list_codg: str
    day: int


class AdoptPack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new version of the policy pack."""

    pack: Pack


class SetDrgGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new version of a DRG group: its weight, in ten-thousandths, for stays that end on `from_day` or later."""

    drg_group: str
    from_day: int
    weight_bp: int


def get_calendar(state: StateReader) -> Calendar:
    return state.get(CALENDAR, _THE_CALENDAR) or Calendar((), 0)


def put_calendar(state: State, calendar: Calendar) -> None:
    state.put(CALENDAR, _THE_CALENDAR, calendar)


def pack_of(state: StateReader, calendar: Calendar, day: int) -> Pack:
    """The pack effective on a service day. Refuses `no-policy`."""
    position = bisect_right(calendar.pack_days, day)
    pack = state.get(PACKS, str(calendar.pack_days[position - 1])) if position else None
    if pack is None:
        raise Refused("no-policy", f"no policy pack is effective on {day}")
    return pack


def pack_on(state: StateReader, day: int) -> Pack:
    """Like `pack_of`, for callers without the calendar at hand."""
    return pack_of(state, get_calendar(state), day)


def item_on(state: StateReader, med_list_codg: str, day: int) -> ItemVersion | None:
    """The version of a catalogue item effective on a day; None = off catalogue."""
    return items_on(state, (med_list_codg,), day)[0]


def items_on(state: StateReader, med_list_codgs: Sequence[str], day: int) -> list[ItemVersion | None]:
    """For each catalogue item its version effective on a day; None = off catalogue."""
    entries = [state.get(CATALOGUE, code) for code in med_list_codgs]
    return [None if entry is None else version_on(entry.versions, day) for entry in entries]


def drg_weight_on(state: StateReader, drg_group: str, day: int) -> int:
    """In ten-thousandths, on the day of discharge. Refuses `unknown-drg-group`."""
    group = state.get(DRG_GROUPS, drg_group)
    version = None if group is None else version_on(group.versions, day)
    if version is None:
        raise Refused("unknown-drg-group", f"there is no DRG group {drg_group} on {day}")
    return version.weight_bp


def adopt_pack(state: State, pack: Pack) -> Event:
    """Check and store a version of the pack (also after a vote). Refuses `version-exists` and bad numbers."""
    check_pack(pack)
    calendar = get_calendar(state)
    if pack.from_day in calendar.pack_days:
        raise Refused("version-exists", f"a pack effective from {pack.from_day} is adopted already")
    check_count(len(calendar.pack_days) + 1, VERSIONS_MAX, "policy packs")
    state.put(PACKS, str(pack.from_day), pack)
    days = tuple(sorted((*calendar.pack_days, pack.from_day)))
    put_calendar(state, Calendar(days, calendar.closed_through))
    return Event("policy-adopted", {"from_day": pack.from_day, "label": pack.label})


def _adopt_pack(state: State, arguments: AdoptPack, context: Context) -> list[Event]:
    check_not_past(arguments.pack.from_day, context)
    return [adopt_pack(state, arguments.pack)]


def _list_items(state: State, arguments: ListItems, context: Context) -> list[Event]:
    check_count(len(arguments.items), ITEMS_MAX, "items")
    for item in arguments.items:
        _list_item(state, item, context)
    return [Event("items-listed", {"items": len(arguments.items), "first": arguments.items[0].med_list_codg})]


def _list_item(state: State, item: Item, context: Context) -> None:
    code = item.med_list_codg
    check_identifier(code, "med_list_codg")
    check_choice(item.chrgitm_lv, CLASSES, "chrgitm_lv")
    check_choice(item.kind, KINDS, "kind")
    check_range(item.selfpay_prop_bp, 0, BASIS_POINTS, "selfpay_prop_bp")
    check_amount(item.ceiling_fen, "ceiling_fen")
    if item.selfpay_prop_bp and item.chrgitm_lv != "B":
        raise Refused("bad-share", f"{code}: only class B has an own-pay share")
    entry = state.get(CATALOGUE, code)
    versions = () if entry is None else entry.versions
    version = ItemVersion(
        item.from_day, item.chrgitm_lv, item.kind, item.selfpay_prop_bp, item.ceiling_fen, item.code_free
    )
    state.put(CATALOGUE, code, CatalogueEntry(with_version(versions, version, code, context)))


def _set_drg_group(state: State, arguments: SetDrgGroup, context: Context) -> list[Event]:
    code = arguments.drg_group
    check_identifier(code, "drg_group")
    check_range(arguments.weight_bp, 1, 100 * BASIS_POINTS, "weight_bp")
    group = state.get(DRG_GROUPS, code)
    version = CaseWeight(arguments.from_day, arguments.weight_bp)
    versions = with_version(() if group is None else group.versions, version, code, context)
    state.put(DRG_GROUPS, code, CaseGroup(versions))
    fields: dict[str, int | str] = {"drg_group": code, "from_day": version.from_day, "weight_bp": version.weight_bp}
    return [Event("drg-group-set", fields)]


_BY_VOTE = frozenset((VOTE, GENESIS))  # each of them changes what the funds owe


def _pack(state: StateReader, asked: OnDay, reader: Reader) -> Pack:
    check_day(asked.day, "day")
    return pack_on(state, asked.day)


def _item(state: StateReader, asked: OfItem, reader: Reader) -> ItemVersion:
    check_identifier(asked.med_list_codg, "med_list_codg")
    check_day(asked.day, "day")
    version = item_on(state, asked.med_list_codg, asked.day)
    if version is None:
        raise Refused("off-catalogue", f"{asked.med_list_codg} is on no catalogue of {asked.day}")
    return version


CONTRACT = Contract(
    "policy",
    1,
    (
        Operation("list_items", ListItems, _BY_VOTE, _list_items),
        Operation("adopt_pack", AdoptPack, _BY_VOTE, _adopt_pack),
        Operation("set_drg_group", SetDrgGroup, _BY_VOTE, _set_drg_group),
    ),
    (Query("pack_on", OnDay, BY_ALL, _pack), Query("item_on", OfItem, BY_ALL, _item)),
)
