"""Medical aid for everybody to see: by year and need, and never of fewer than five persons; no row names anybody.

What is kept beside it is shown to nobody. A need of which fewer than five applied is not told at all, so that no
amount stands for one person; a number moves on only with each fifth application or effect."""

from __future__ import annotations

from consortium.core.contract import EVERY_MEMBER
from consortium.views.view import FEN, NUMBER, TEXT, Book, Columns, Told, View

LEAST = 5
_COUNTED = {
    "applied": NUMBER,
    "granted": NUMBER,
    "refused": NUMBER,
    "granted_fen": FEN,
    "paid_fen": FEN,
    "gifts_fen": FEN,
    "helped": NUMBER,
}
SHOWN = Columns("aid", 2, {"year": NUMBER, "need": TEXT, **_COUNTED})
KEPT = Columns("kept", 2, {"year": NUMBER, "need": TEXT, **_COUNTED}, is_shown=False)
_KINDS = {"aid-applied": "applied", "aid-granted": "granted", "aid-refused": "refused", "aid-effect-reported": "helped"}


def _feed(book: Book, told: Told) -> None:
    for event in told.events:
        fields = event.fields
        if "need" not in fields or not event.kind.startswith("aid-"):
            continue
        key = (int(fields["year"]), str(fields["need"]))
        if event.kind in _KINDS:
            book.add("kept", key, **{_KINDS[event.kind]: 1})
        if event.kind == "aid-granted":
            book.add("kept", key, granted_fen=int(fields["amount_fen"]))
        elif event.kind == "aid-disbursed":
            book.add("kept", key, paid_fen=int(fields["amount_fen"]), gifts_fen=int(fields["gifts_fen"]))
        elif event.kind == "aid-taken-back":
            book.add("kept", key, paid_fen=-int(fields["amount_fen"]))
        if _is_moment(book, key, event.kind):
            row = book.get("kept", *key)
            assert row is not None
            book.put("aid", key, row)


def _is_moment(book: Book, key: tuple[int, str], kind: str) -> bool:
    """With each fifth application, and each fifth of whom it is known what came of it."""
    counted = {"aid-applied": "applied", "aid-effect-reported": "helped"}.get(kind, "")
    count = int(book.column("kept", key, counted)) if counted else 0
    return count > 0 and count % LEAST == 0


VIEW = View(
    "aid_public",
    "Medical aid by year and need: how many applied and were helped, with how much, and how much of it were gifts.",
    (SHOWN, KEPT),
    _feed,
    EVERY_MEMBER,
)
