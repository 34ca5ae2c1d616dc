"""Devices: who holds how many pieces of a lot and on which bills pieces were used; instruments with their cycles."""

from __future__ import annotations

from consortium.contracts.access import BY_HOLDERS, SUPERVISORS
from consortium.contracts.medicines.device import Register, Transfer
from consortium.contracts.medicines.packs import find_holding, holder_of_supplier
from consortium.views.view import DAY, NUMBER, TEXT, Book, Columns, Told, View

STOCK = Columns(
    "stock",
    3,
    {
        "holder": TEXT,
        "udi_di": TEXT,
        "lot_no": TEXT,
        "pieces": NUMBER,
        "used": NUMBER,
        "recalled": TEXT,
        "expires_on": DAY,
    },
    whose=lambda state, row: find_holding(state, str(row["holder"])),
)
USES = Columns(
    "use",
    3,
    {"udi_di": TEXT, "serial": TEXT, "bill_no": TEXT, "lot_no": TEXT, "holder": TEXT, "kind": TEXT, "uses": NUMBER},
    whose=lambda state, row: find_holding(state, str(row["holder"])),
)
INSTRUMENTS = Columns(
    "instrument",
    2,
    {"udi_di": TEXT, "serial": TEXT, "holder": TEXT, "stage": TEXT, "cycles": NUMBER, "failed": NUMBER, "uses": NUMBER},
    whose=lambda state, row: find_holding(state, str(row["holder"])),
)
PIECES = Columns("piece", 2, {"udi_di": TEXT, "serial": TEXT, "lot_no": TEXT, "holder": TEXT}, is_shown=False)
LOTS = Columns("lot", 2, {"udi_di": TEXT, "lot_no": TEXT, "recalled": TEXT, "expires_on": DAY}, is_shown=False)
HOLDERS = Columns("holder", 3, {"udi_di": TEXT, "lot_no": TEXT, "number": NUMBER, "holder": TEXT}, is_shown=False)
HELD = Columns("held", 2, {"udi_di": TEXT, "lot_no": TEXT, "holders": NUMBER}, is_shown=False)


def _feed(book: Book, told: Told) -> None:
    if told.is_call("device", "register"):
        _on_registered(book, told.read(Register), holder_of_supplier(told.member))
    elif told.is_call("device", "transfer"):
        _on_transfer(book, told.read(Transfer))
    for fields in told.of_kind("device-used"):
        _on_use(book, str(fields["udi_di"]), str(fields["serial"]), fields)
    for fields in told.of_kind("device-taken-back"):
        key = (str(fields["udi_di"]), str(fields["serial"]))
        book.drop("use", *key, str(fields["bill_no"]))
        _count(book, *key, pieces=1, used=-1)
    for event in told.events:
        if event.kind in ("device-sterilised", "device-cycle-failed"):
            _on_cycle(book, str(event.fields["udi_di"]), str(event.fields["serial"]), event.kind)
    for fields in told.of_kind("device-lot-recalled"):
        _on_recall(book, str(fields["udi_di"]), str(fields["lot_no"]))


def _lot_of(book: Book, udi_di: str, serial: str) -> tuple[str, str]:
    """The lot and the holder of a piece."""
    return tuple(str(book.column("piece", (udi_di, serial), name)) for name in ("lot_no", "holder"))  # type: ignore[return-value]


def _count(book: Book, udi_di: str, serial: str, *, pieces: int = 0, used: int = 0) -> None:
    lot_no, holder = _lot_of(book, udi_di, serial)
    key, lot = (holder, udi_di, lot_no), (udi_di, lot_no)
    if book.get("stock", *key) is None:
        number = int(book.column("held", lot, "holders")) + 1
        book.put("held", lot, (number,))
        book.put("holder", (*lot, number), (holder,))
        told = {name: book.column("lot", lot, name) for name in ("recalled", "expires_on")}
        book.set("stock", key, **told)
    book.add("stock", key, pieces=pieces, used=used)


def _on_registered(book: Book, made: Register, holder: str) -> None:
    book.put("lot", (made.udi_di, made.lot_no), ("no", made.expires_on))
    for serial in made.serials:
        book.put("piece", (made.udi_di, serial), (made.lot_no, holder))
        _count(book, made.udi_di, serial, pieces=1)


def _on_transfer(book: Book, moved: Transfer) -> None:
    for serial in moved.serials:
        _count(book, moved.udi_di, serial, pieces=-1)
        book.set("piece", (moved.udi_di, serial), holder=moved.target)
        _count(book, moved.udi_di, serial, pieces=1)
        if book.get("instrument", moved.udi_di, serial) is not None:
            book.set("instrument", (moved.udi_di, serial), holder=moved.target)


def _on_use(book: Book, udi_di: str, serial: str, fields: object) -> None:
    assert isinstance(fields, dict)
    lot_no, holder = _lot_of(book, udi_di, serial)
    kind, uses = str(fields["kind"]), int(fields["uses"])
    book.put("use", (udi_di, serial, str(fields["bill_no"])), (lot_no, holder, kind, uses))
    if fields["stage"] == "used":
        _count(book, udi_di, serial, pieces=-1, used=1)
    else:
        book.set("instrument", (udi_di, serial), holder=holder, stage=str(fields["stage"]), uses=uses)


def _on_cycle(book: Book, udi_di: str, serial: str, kind: str) -> None:
    is_passed, key = kind == "device-sterilised", (udi_di, serial)
    book.add("instrument", key, cycles=int(is_passed), failed=int(not is_passed))
    book.set("instrument", key, holder=_lot_of(book, *key)[1], stage="sterile" if is_passed else "failed")


def _on_recall(book: Book, udi_di: str, lot_no: str) -> None:
    book.set("lot", (udi_di, lot_no), recalled="yes")
    for number in range(1, int(book.column("held", (udi_di, lot_no), "holders")) + 1):
        holder = book.column("holder", (udi_di, lot_no, number), "holder")
        book.set("stock", (holder, udi_di, lot_no), recalled="yes")


VIEW = View(
    "devices",
    "Who holds which devices, on which bills they were used, and how often instruments were sterilised.",
    (STOCK, USES, INSTRUMENTS, PIECES, LOTS, HOLDERS, HELD),
    _feed,
    BY_HOLDERS | SUPERVISORS,
)
