"""What commercial insurers were asked for, owe, paid and got back, by insurer and insurance year."""

from __future__ import annotations

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.insurance.second_payer import Register
from consortium.views.view import FEN, NUMBER, TEXT, Book, Columns, Told, View

INSURERS = Columns(
    "insurer",
    2,
    {
        "insurer": TEXT,
        "year": NUMBER,
        "policies": NUMBER,
        "claimed": NUMBER,
        "paid": NUMBER,
        "declined": NUMBER,
        "reversed": NUMBER,
        "owed_fen": FEN,
        "paid_fen": FEN,
    },
)
CLAIMS = Columns(
    "claim",
    3,
    {"psn_no": TEXT, "year": NUMBER, "sequence": NUMBER, "policy_no": TEXT, "stage": TEXT, "benefit_fen": FEN},
)
_STAGES = {
    "second-claimed": "claimed",
    "second-claim-paid": "paid",
    "second-claim-declined": "declined",
    "second-claim-reversed": "reversed",
}


def _feed(book: Book, told: Told) -> None:
    if told.is_call("second_payer", "register"):
        register = told.read(Register)
        book.add("insurer", (told.member, register.from_day // 10_000), policies=1)
    for event in told.events:
        stage = _STAGES.get(event.kind)
        if stage is None:
            continue
        fields = event.fields
        key = (fields["psn_no"], fields["year"], fields["sequence"])
        insurer, benefit_fen = (fields["insurer"], fields["year"]), int(fields["benefit_fen"])
        before = book.column("claim", key, "stage")
        owed = benefit_fen * ((stage == "claimed") - (before == "claimed"))
        paid = benefit_fen * ((stage == "paid") - (before == "paid"))
        book.add("insurer", insurer, **{stage: 1}, owed_fen=owed, paid_fen=paid)
        book.set("claim", key, policy_no=str(fields["policy_no"]), stage=stage, benefit_fen=benefit_fen)


VIEW = View(
    "second_payers",
    "What commercial insurers were asked for, owe, have paid and got back, by year.",
    (INSURERS, CLAIMS),
    _feed,
    SUPERVISORS,
)
