"""A pack by its trace code: from its producer to its sale, and back."""

from __future__ import annotations

from consortium.contracts.insurance.journal import TELLING
from consortium.contracts.medicines.lot_quality_records import LOT_QUALITY, SOUND, LotQuality
from consortium.contracts.medicines.packs import LOTS, Pack
from consortium.contracts.medicines.sales import SECOND_SALES, SecondSales
from consortium.core.machine import Outcome
from consortium.stories.finder import Step, find, texts_of
from consortium.stories.lookup import Record, about, get_record
from consortium.stories.plain import builtins, day, readable
from consortium.stories.record import content_of, merged, with_life
from consortium.stories.story import Column, Section, Seen, Story, Teller, facts

OF_LOT = (
    "recall",
    "extend",
    "declare",
    "quarantine",
    "ask_release",
    "release",
)  # operations that name a lot and concern all its packs


def tell_code(seen: Seen, identity: str) -> Story:
    """Raises UnknownThing, Damaged."""
    record, words = get_record(seen, "code", identity), seen.words
    pack: Pack = record.value
    lot = seen.ledger.reader.get(LOTS, pack.lot_no)
    quality = seen.ledger.reader.get(LOT_QUALITY, pack.lot_no) or LotQuality(SOUND)
    second = seen.ledger.reader.get(SECOND_SALES, record.key)
    rows = [
        (words("item"), pack.med_list_codg),
        (words("lot"), pack.lot_no),
        (words("producer"), "-" if lot is None else lot.producer),
        (words("produced on"), day(quality.produced_on) if quality.produced_on else "-"),
        (words("expires with"), day(quality.expires_on) if quality.expires_on else "-"),
        (words("quality"), quality.stage + (f": {quality.reason}" if quality.reason else "")),
        (words("recalled"), words("yes") if lot is not None and lot.is_recalled else words("no")),
        (words("holder"), pack.holder),
        (words("units"), words("{left} of {all} left", left=pack.units_left, all=pack.units)),
    ]
    sections = [facts(words("on the ledger"), rows), *_tell_sales(seen, pack, second)]
    steps = _steps(seen, record)
    content = content_of(record, [], steps) | {"second_sales": None if second is None else readable(builtins(second))}
    heading = words(
        "pack {code} of {item} is with {holder}, {left} of {all} units left, as of block {height}",
        code=record.key,
        item=pack.med_list_codg,
        holder=pack.holder,
        left=pack.units_left,
        all=pack.units,
        height=seen.ledger.head_height,
    )
    return Story(heading, with_life(seen, sections, [], steps), content)


def _tell_sales(seen: Seen, pack: Pack, second: SecondSales | None) -> list[Section]:
    words, sections = seen.words, list[Section]()
    if pack.sales:
        columns = (
            Column(words("sold on bill")),
            Column(words("units"), is_number=True),
            Column(words("by")),
            Column(words("insurance")),
        )
        sales = [
            (each.bill_no, str(each.units), each.seller, words("yes") if each.is_claim else words("no"))
            for each in pack.sales
        ]
        sections.append(Section(words("sales"), columns, sales))
    if second is not None:
        pair = (Column(words("sold again on bill")), Column(words("by")))
        again = [(each.bill_no, f"{each.seller} ({each.member})") for each in second.attempts]
        sections.append(Section(words("{count} second sales, refused", count=second.count), pair, again))
    return sections


def _steps(seen: Seen, record: Record) -> list[Step]:
    """Those that name the pack, those that concern its whole lot, and what settled the bills that list it."""
    lot_no, is_about = record.value.lot_no, about(record)

    def is_of_pack(outcome: Outcome) -> bool:
        return is_about(outcome) or (outcome.operation in OF_LOT and lot_no in texts_of(outcome))

    steps = list(find(seen.ledger, seen.rows, (record.key, lot_no), is_of_pack, seen.told))
    bills = {
        str(event.fields["bill_no"])
        for step in steps
        for event in step.outcome.receipt.events
        if event.kind == "bill-issued"
    }
    if not bills:
        return steps

    def is_of_bill(outcome: Outcome) -> bool:
        return outcome.contract in TELLING and any(text in bills for text in texts_of(outcome))

    return merged(steps, list(find(seen.ledger, seen.rows, sorted(bills), is_of_bill, seen.told)))


TELLER = Teller("code", "a trace code of 20 digits", tell_code)
