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
    "delegated": mark("the pseudonym {pseudonym} has {agent} act for it in {may}, before {to_day}"),
    "delegation-revoked": mark("the pseudonym {pseudonym} has {agent} act for it no longer"),
    "consent-granted": mark("{patient} lets {recipient} have its records ({class}) for {purpose}, before {to_day}"),
    "consent-revoked": mark("{patient} lets {recipient} have its records ({class}) for {purpose} no longer"),
    "consent-ended": mark("the consent of {patient} for {recipient} ({class}, {purpose}) has ended"),
    "glass-broken": mark("{member} opens records of {patient} ({class}) without consent: {reason}"),
    "glass-judged": mark("that {member} broke the glass {glass_no} is {verdict}"),
    "glass-ended": mark("the time of the glass {glass_no} that {member} broke is over"),
    "exchange-offered": mark("the record {record_no} ({class}) can be asked for in the exchange"),
    "exchange-requested": mark("{member} requests record {record_no} for {purpose}"),
    "exchange-delivered": mark("the record {handle} is delivered to {member} for {purpose}, by {leave}"),
    "exchange-differs": mark("{by} says that what it was given is not {handle}: {why}"),
    "ethics-accredited": mark("{member} may judge protocols of trials"),
    "trial-registered": mark("{sponsor} registers the trial {trial_no}, which {ethics} is to judge"),
    "trial-approved": mark("{ethics} approves the protocol of {trial_no}"),
    "trial-rejected": mark("{ethics} rejects the protocol of {trial_no}"),
    "subject-joined": mark("{subject} takes part in {trial_no} at {site}"),
    "subject-withdrawn": mark("{subject} takes part in {trial_no} no longer"),
    "data-committed": mark("{site} commits to version {version} of its data of {trial_no}: {rows} rows"),
    "data-void": mark("version {version} of the data of {trial_no} at {site} is void: a person in it withdrew"),
    "data-granted": mark("{site} lets {member} read its data of {trial_no}, before {to_day}"),
    "data-access-ended": mark("the time is over in which {member} could read the data of {trial_no} at {site}"),
    "result-published": mark("{sponsor} publishes the result of {trial_no}, which rests on {data_sets} data sets"),
    "budget-set": mark("{total_milli} thousandths of epsilon may be spent on the persons of {year}"),
    "statistic-published": mark(
        "{publisher} publishes {question} of {year} for {epsilon_milli} thousandths of epsilon"
    ),
    "reads-anchored": mark("{member} anchors {count} reads of {day}"),
}
