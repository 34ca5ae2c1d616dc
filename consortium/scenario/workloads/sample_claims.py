"""Claims of one service that a person may try, and loads of them: what measurements of a consortium that stands put on
it, from outside or by a loader of its own."""

from __future__ import annotations

from itertools import count, cycle, islice

import msgspec

from consortium.contracts.insurance.lines import Line, commit_lines, compute_sold, compute_sums
from consortium.contracts.insurance.policy import ItemVersion
from consortium.contracts.insurance.settlement import IssueAndClaim
from consortium.core.codec import encode
from consortium.roles.loader import Load

CALL = ("settlement", "issue_and_claim")
ITEM, PRICE_FEN = "001102000010000", 5_000  # lines are private: the ledger has their sums


def sample_claim(institution: str, psn_no: str, number: str, day: int, salt: bytes) -> IssueAndClaim:
    """Of a visit on this day (YYYYMMDD) to the institution; `number` is its bill's, and `salt` hides its line."""
    lines, version = (Line(ITEM, 1, PRICE_FEN),), [ItemVersion(20000101, "A", "service", 0)]
    return IssueAndClaim(
        bill_no=number,
        patient="",
        psn_no=psn_no,
        fixmedins_code=institution,
        med_type="outpatient",
        begndate=day,
        enddate=day,
        sums=compute_sums(lines, version),
        sold=compute_sold(lines, version),
        lines=commit_lines(salt, number.lower(), lines),
    )


def load_of_claims(institution: str, persons: tuple[str, ...], day: int, claims: int, outstanding: int) -> Load:
    """So many of these claims for the persons in turn, each under a signature of its own."""
    calls = []
    for serial, psn_no in zip(count(1), islice(cycle(persons), claims), strict=False):
        salt = serial.to_bytes(16, "big")
        claim = sample_claim(institution, psn_no, f"{institution}-{serial:012x}", day, salt)
        calls.append(((*CALL, msgspec.Raw(encode(claim))),))
    return Load(tuple(calls), outstanding)
