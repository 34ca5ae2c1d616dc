"""Bugs of what is between consortia: proofs of another chain, locks that follow one another, months of two regions."""

from __future__ import annotations

from .bug import CONTRACTS, SeededBug

FACTS = "tests/unit/contracts/test_foreign_chain.py"
LOCKS = "tests/unit/contracts/test_hash_lock.py"
MONTHS = "tests/unit/contracts/test_clearing_and_rate.py"
ROLLOUT = "tests/unit/contracts/test_rollout.py"
BRIDGES = CONTRACTS + "bridges/"

BRIDGE_BUGS = (
    SeededBug(
        "former-members-believed-for-ever",
        "Members who left are believed for 30 days (docs/decisions/130).",
        BRIDGES + "foreign_chain.py",
        "    former = known.former if day < known.former_to_day else None\n",
        "    former = known.former\n",
        (FACTS,),
    ),
    SeededBug(
        "an-older-row-takes-a-later-ones-place",
        "A later height takes the place of an earlier one, never the reverse (docs/decisions/130).",
        BRIDGES + "foreign_chain.py",
        "    if held is not None and held.height >= header.height:\n",
        "    if held is not None and held.height == header.height:\n",
        (FACTS,),
    ),
    SeededBug(
        "follower-goes-back-before-its-deciders-end",
        "A lock that follows goes back by a state at or after its decider's end (docs/decisions/131).",
        BRIDGES + "hash_lock_records.py",
        "    if row.time_us < lock.decider.expires_us or (",
        "    if (",
        (LOCKS,),
    ),
    SeededBug(
        "follower-opens-by-any-lock",
        "A lock that follows opens by its decider as it was agreed (docs/decisions/131).",
        BRIDGES + "hash_lock_records.py",
        "    if seen is None or seen.stage != OPENED or not is_agreed(lock, seen):\n",
        "    if seen is None or seen.stage != OPENED:\n",
        (LOCKS,),
    ),
    SeededBug(
        "lock-opens-at-its-end",
        "A lock by time opens before its end, and goes back from its end on (docs/decisions/131).",
        BRIDGES + "hash_lock_records.py",
        "        if time_us >= lock.expires_us:\n",
        "        if time_us > lock.expires_us:\n",
        (LOCKS,),
    ),
    SeededBug(
        "settlement-charged-twice",
        "Each settlement is charged to another region once (docs/bridges.md).",
        BRIDGES + "clearing.py",
        "    state.put(CLEARED, key, Cleared(counterpart, month))\n",
        "    pass\n",
        (MONTHS,),
    ),
    SeededBug(
        "rate-by-one-word",
        "The bureau states a rate, and finance endorses it (docs/bridges.md).",
        BRIDGES + "rate.py",
        "    if known is None or known.stage != ENDORSED:\n",
        "    if known is None:\n",
        (MONTHS,),
    ),
    SeededBug(
        "shadow-owed-is-paid-again",
        "What added up in shadow was paid by the old system (docs/operate.md).",
        CONTRACTS + "governance/rollout.py",
        "    funds.move(state, *sides, abs(owed_fen), _record(code), events, is_return=True)\n",
        "",
        (ROLLOUT,),
    ),
)
