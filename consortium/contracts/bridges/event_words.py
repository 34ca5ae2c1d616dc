"""What each event of these contracts says to a person. `{name}`: a field; amounts and days are told as such."""

from __future__ import annotations

from consortium.core.words import mark

EVENT_WORDS = {
    "chain-known": mark("the chain {chain} of {members} validators is known from now on"),
    "chain-advanced": mark("{chain} has {members} validators since its epoch {epoch}"),
    "fact-accepted": mark("of transaction {transaction} of {chain} is proven: said by {member}, became {code}"),
    "row-accepted": mark("the row {table} {key} of {chain} is proven as of its height {foreign_height}"),
    "lock-bound": mark("{source} is bound for {target} under lock {lock_no}"),
    "lock-opened": mark("lock {lock_no} opens: {source} goes to {target}"),
    "lock-refunded": mark("lock {lock_no} ends: {source} goes back"),
    "rate-stated": mark("{fen_per_million} fen are stated for a million units of {currency} on {rate_day}"),
    "rate-endorsed": mark("{fen_per_million} fen for a million units of {currency} on {rate_day} are endorsed"),
    "clearing-gathered": mark(
        "{count} settlements of {month} are charged to {counterpart} by now: {units} of {currency}"
    ),
    "clearing-proposed": mark("{counterpart} is asked for {units} of {currency} for {month}"),
    "clearing-confirmed": mark("what {counterpart} asks for {month} is confirmed: {units} of {currency}"),
    "clearing-paid": mark("{amount_fen} are paid to {counterpart} for {month}: {units} of {currency}"),
    "clearing-received": mark("{counterpart} has paid for {month}: {amount_fen}"),
}
