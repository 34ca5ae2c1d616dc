"""What each event of these contracts says to a person. `{name}`: a field; amounts and days are told as such."""

from __future__ import annotations

from consortium.core.words import mark

EVENT_WORDS = {
    "voice-presented": mark("{agent} presents a key for the pseudonym {pseudonym}"),
    "voice-vouched": mark("the pseudonym {pseudonym} has the key that {agent} presented"),
    "voice-rotated": mark("the pseudonym {pseudonym} has a new key by its own word"),
    "recovery-proposed": mark("{proposer} proposes a new key for the pseudonym {pseudonym}"),
    "voice-recovered": mark("the pseudonym {pseudonym} has a new key: {endorser} endorses {proposer}"),
    "recovery-dropped": mark("{member} drops the recovery of the pseudonym {pseudonym}"),
    "record-registered": mark("the record {handle} is registered"),
    "record-requested": mark("{member} asks for record {record_no}: {purpose}"),
    "record-delivered": mark("the record {handle} is delivered to {member}"),
    "record-differs": mark("{by} says that what it was given is not record {record_no}"),
    "record-erased": mark("the record {handle} is to be erased ({reason}); {awaiting} members are to confirm"),
    "erasure-confirmed": mark("{member} confirms that it holds nothing of {record}; {awaiting} are awaited"),
    "reads-anchored": mark("{member} anchors {count} reads of {day}"),
}
