"""Bugs of applications: what their keys may, when a request is used up, what was taken, who has acknowledged."""

from __future__ import annotations

from .bug import CORE, LEDGER, NODE, SeededBug

APPLICATIONS = "tests/unit/ledger/test_applications.py"
REQUESTS = "tests/property/test_requests.py"
HAND_INS = "tests/unit/node/test_hand_ins.py"
REPLIES = "tests/unit/node/test_replies.py"

APPLICATION_BUGS = (
    SeededBug(
        "revoked-application-signs-on",
        "A revoked key signs nothing from the next block on (docs/decisions/088).",
        LEDGER + "execute.py",
        "            if application is None or (application.revoked_at and not is_past):",
        "            if application is None:",
        (APPLICATIONS,),
    ),
    SeededBug(
        "application-may-everything",
        "An application may do what its member has listed (docs/decisions/088).",
        CORE + "applications.py",
        '        return f"{contract}.{operation}" in self.may or f"{contract}.{EVERYTHING}" in self.may',
        "        return True",
        (APPLICATIONS,),
    ),
    SeededBug(
        "retry-after-midnight-served-twice",
        "A token is used up on all days that are kept (ledger/requests.py).",
        LEDGER + "requests.py",
        "        for kept in held.days:",
        "        for kept in (each for each in held.days if each == day):",
        (APPLICATIONS, REQUESTS),
    ),
    SeededBug(
        "old-request-executed",
        "A request of a day that is not kept is executed no more (ledger/requests.py).",
        LEDGER + "requests.py",
        '        if day < today - DAYS_BEHIND:\n            return "number-stale"',
        '        if day < today - DAYS_BEHIND - 2:\n            return "number-stale"',
        (APPLICATIONS, REQUESTS),
    ),
    SeededBug(
        "applications-fill-the-share",
        "A quarter of a member's share is its own (docs/decisions/088).",
        NODE + "pool.py",
        "        of_applications = share * APPLICATIONS_SHARE // 100",
        "        of_applications = share",
        ("tests/unit/node/test_bundles_of_applications.py",),
    ),
    SeededBug(
        "taken-bundle-said-before-durable",
        "What was handed in is durable before it is said (docs/decisions/090).",
        NODE + "hand_ins.py",
        "        return [*effects, Submitted(tuple(said))] if said else effects",
        "        return [Submitted(tuple(said)), *effects] if said else effects",
        (HAND_INS,),
    ),
    SeededBug(
        "record-of-a-taken-bundle-expires",
        "The record of what waits is written anew before a seal reaches it (docs/decisions/090).",
        NODE + "hand_ins.py",
        "            if due is not None and held.until > due:",
        "            if due is not None and held.until > due - 2 * RENEWED_BEFORE:",
        (HAND_INS,),
    ),
    SeededBug(
        "one-liar-acknowledges",
        "f+1 replies over one header make it acknowledged (docs/decisions/089).",
        CORE + "replies.py",
        "    if len(signers) < epoch.weak:",
        "    if len(signers) < 1:",
        (REPLIES,),
    ),
    SeededBug(
        "replies-needless-before-they-are-enough",
        "A reply is unheard only where its block is acknowledged (docs/decisions/142).",
        NODE + "replies.py",
        "if said.is_told and said.body:",
        "if said.body:",
        (REPLIES,),
    ),
    SeededBug(
        "differing-replies-counted",
        "Only those count that executed the same (docs/decisions/089).",
        NODE + "replies.py",
        "        return {name: signature for name, (digest, signature) in self.by.items() if digest == self.own}",
        "        return {name: signature for name, (_, signature) in self.by.items()}",
        (REPLIES,),
    ),
)
