"""What each event of these contracts says to a person. `{name}`: a field; amounts and days are told as such."""

from __future__ import annotations

from consortium.core.words import mark

EVENT_WORDS = {
    "aid-rules-adopted": mark("rules of medical aid are adopted, up to {cap_fen} a year"),
    "aid-appropriated": mark("{amount_fen} are appropriated for medical aid ({cause})"),
    "aid-applied": mark(
        "{psn_no} applies for aid with settlement {sequence} of {year}, of which {left_fen} are left: {need}"
    ),
    "aid-attested": mark("{member} attests {what} for the aid of {psn_no} with settlement {sequence} of {year}"),
    "aid-granted": mark(
        "{amount_fen} of aid are granted to {psn_no} with settlement {sequence} of {year}, in {tranches} parts"
    ),
    "aid-refused": mark("aid of {psn_no} with settlement {sequence} of {year} is refused: {reason}"),
    "aid-appealed": mark("{psn_no} appeals against the refusal of aid with settlement {sequence} of {year}: {reason}"),
    "aid-appeal-refused": mark("aid of {psn_no} with settlement {sequence} of {year} stays refused"),
    "aid-lapsed": mark("aid of {psn_no} with settlement {sequence} of {year} lapses: nobody decided in time"),
    "aid-disbursed": mark("{amount_fen} of aid are paid to {psn_no}, of which {gifts_fen} are gifts"),
    "aid-taken-back": mark("{amount_fen} of aid go back from {psn_no}: so much is not left to pay any more"),
    "aid-effect-reported": mark("{amount_fen} of aid with settlement {sequence} of {year} came to this: {effect}"),
    "aid-advanced": mark(
        "{amount_fen} are advanced to {fixmedins_code} in an emergency, to be confirmed by {confirm_day}"
    ),
    "aid-advance-confirmed": mark("advance {urgent_no} is confirmed: {amount_fen} stay, {back_fen} go back"),
    "gift-pledged": mark("{charity} is pledged gift {gift_no}: {quantity} {unit} for {purpose}"),
    "gift-received": mark("of gift {gift_no} {quantity} {unit} came"),
    "gift-allocated": mark("{quantity} of gift {gift_no} are for a patient of {fixmedins_code} (use {serial})"),
    "gift-handed-out": mark(
        "{quantity} of gift {gift_no} are handed out to a patient of {fixmedins_code} (use {serial})"
    ),
    "gift-acknowledged": mark("{fixmedins_code} acknowledges {quantity} of gift {gift_no} (use {serial})"),
}
