"""What each event of these contracts says to a person. `{name}`: a field; amounts and days are told as such."""

from __future__ import annotations

from consortium.core.words import mark

EVENT_WORDS = {
    "hold-placed": mark("{member} holds {account}: {why} of {record}"),
    "hold-lift-asked": mark("{member} asks for the end of the hold on {account}: {why} of {record}"),
    "hold-lifted": mark("the hold on {account} for {why} of {record} ends; {holds_left} are left"),
    "notice": mark("notice of {record}: {why}"),
}
