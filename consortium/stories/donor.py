"""A donor's gifts: what was promised, what arrived, to whom it went, and what came of it; nobody who was helped is
named.
"""

from __future__ import annotations

from typing import Any

from consortium.contracts.aid.aid_records import AIDS
from consortium.contracts.aid.gift_records import GIFT_USES, GIFTS, Gift, GiftUse
from consortium.stories.lookup import LAST, check_reading, rows_of
from consortium.stories.plain import builtins, day, readable, yuan
from consortium.stories.story import Column, Section, Seen, Story, Teller, UnknownThing


def tell_donor(seen: Seen, donor: str) -> Story:
    """Raises UnknownThing, Refused."""
    words, state = seen.words, seen.ledger.reader
    gifts = [(key, gift) for key, gift in state.range(GIFTS, "", LAST) if gift.donor == donor]
    if not gifts:
        raise UnknownThing(words("there is no gift of {donor} on this ledger", donor=donor))
    for key, _ in gifts:
        check_reading(seen, GIFTS, key)
    uses = [(number, gift, use) for key, gift in gifts for number, use in rows_of(state, GIFT_USES, f"{key}/")]
    heading = words(
        "{donor}: {count} gifts, used {used} times, as of block {height}",
        donor=donor,
        count=len(gifts),
        used=len(uses),
        height=seen.ledger.head_height,
    )
    content: dict[str, Any] = {
        "kind": "donor",
        "id": donor,
        "gifts": [{"id": key, **readable(builtins(gift))} for key, gift in gifts],
        "uses": [{"id": no, "quantity": use.quantity, "stage": use.stage, "day": use.day} for no, _, use in uses],
    }
    sections = [_tell_gifts(seen, gifts), *([_tell_uses(seen, uses)] if uses else [])]
    return Story(heading, tuple(sections), content)


def _tell_gifts(seen: Seen, gifts: list[tuple[str, Gift]]) -> Section:
    words = seen.words
    columns = (
        Column(words("gift")),
        Column(words("of")),
        Column(words("for")),
        Column(words("state")),
        Column(words("promised"), is_number=True),
        Column(words("arrived"), is_number=True),
        Column(words("assigned"), is_number=True),
    )
    rows = [
        (
            key,
            gift.item or gift.kind,
            gift.purpose,
            gift.stage,
            *(_much(gift, quantity) for quantity in (gift.pledged, gift.received, gift.allocated)),
        )
        for key, gift in gifts
    ]
    return Section(words("gifts"), columns, rows)


def _tell_uses(seen: Seen, uses: list[tuple[str, Gift, GiftUse]]) -> Section:
    """Of whom it helped the need alone, and what came of it."""
    words = seen.words
    columns = (
        Column(words("gift")),
        Column(words("on")),
        Column(words("how much"), is_number=True),
        Column(words("through")),
        Column(words("state")),
        Column(words("need")),
        Column(words("what came of it")),
    )
    rows = []
    for number, gift, use in uses:
        aid = seen.ledger.reader.get(AIDS, use.aid) if use.aid else None
        need, effect = (aid.need, aid.effect) if aid is not None else ("", "")
        much = _much(gift, use.quantity)
        rows.append(
            (number.partition("/")[0], day(use.day), much, use.fixmedins_code, use.stage, need or "-", effect or "-")
        )
    return Section(words("where they went"), columns, rows)


def _much(gift: Gift, quantity: int) -> str:
    return yuan(quantity) if gift.unit == "fen" else f"{quantity} {gift.unit}"


TELLER = Teller("donor", "a donor's pseudonym", tell_donor)
