"""Agreements with institutions: what was offered and accepted for a year, and how each month was judged."""

from __future__ import annotations

from consortium.contracts.access import BY_PROVIDERS, SUPERVISORS
from consortium.contracts.insurance.agreement import Offer
from consortium.contracts.insurance.agreements import ACCEPTED, OFFERED
from consortium.contracts.insurance.institution import find_acting
from consortium.contracts.oversight.notice import NOTICE
from consortium.views.view import FEN, NUMBER, TEXT, Book, Columns, Told, View

AGREEMENTS = Columns(
    "agreement",
    2,
    {
        "fixmedins_code": TEXT,
        "year": NUMBER,
        "stage": TEXT,
        "med_types": TEXT,
        "stays_min": NUMBER,
        "stays_max": NUMBER,
        "budget_fen": FEN,
        "disputes_max": NUMBER,
        "bonus_fen": FEN,
        "kept": NUMBER,
    },
    whose=lambda state, row: find_acting(state, str(row["fixmedins_code"])),
)
TERMS = ("stays_min", "stays_max", "budget_fen", "disputes_max", "bonus_fen")
MONTHS = Columns(
    "judged",
    2,
    {
        "fixmedins_code": TEXT,
        "month": NUMBER,
        "verdict": TEXT,
        "bonus_fen": FEN,
        "settled_above": NUMBER,
        "owed_above_fen": FEN,
    },
    whose=lambda state, row: find_acting(state, str(row["fixmedins_code"])),
)


def _feed(book: Book, told: Told) -> None:
    if told.is_call("agreement", "offer"):
        offer = told.read(Offer)
        terms = {name: getattr(offer, name) for name in TERMS}
        key = (offer.fixmedins_code, offer.year)
        book.set("agreement", key, stage=OFFERED, med_types=", ".join(offer.med_types), **terms)
    for fields in told.of_kind("agreement-accepted"):
        book.set("agreement", (fields["fixmedins_code"], fields["year"]), stage=ACCEPTED)
    for fields in told.of_kind("month-judged"):
        code, month = str(fields["fixmedins_code"]), int(fields["month"])
        bonus_fen = sum(int(one["amount_fen"]) for one in told.of_kind("movement"))
        book.set("judged", (code, month), verdict=fields["verdict"], bonus_fen=bonus_fen)
        for one in told.of_kind(NOTICE):
            if one["why"] == "agreement-exceeded":
                book.set("judged", (code, month), settled_above=one["settled"], owed_above_fen=one["owed_fen"])
        if fields["verdict"] == "kept":
            book.add("agreement", (code, month // 100), kept=1)


VIEW = View(
    "agreements",
    "What was agreed with each institution for a year, and how its months were judged.",
    (AGREEMENTS, MONTHS),
    _feed,
    BY_PROVIDERS | SUPERVISORS,
)
