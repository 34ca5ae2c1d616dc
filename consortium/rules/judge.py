"""How good rules are: their findings held against labels that somebody else wrote, of whom the rules know nothing.

A label says that a rule is broken, and which records show it. It is found where a finding of that rule names all of
them. A finding is right where it so finds some label of its rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from consortium.rules.rule import Finding

WHOLE_BP = 10_000
RECALL_BAR_BP, PRECISION_BAR_BP = 9_500, 9_000


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`records`: references, as findings name them ("bill/…", "person/…", "stock/…", "code/…")."""

    rule: str
    records: tuple[str, ...]


class Score(NamedTuple):
    """Of one rule: its labels and how many of them were found, its findings and how many of them are right."""

    rule: str
    labels: int
    found: int
    findings: int
    right: int

    @property
    def recall_bp(self) -> int:
        """In ten-thousandths; whole where there was nothing to find."""
        return self.found * WHOLE_BP // self.labels if self.labels else WHOLE_BP

    @property
    def precision_bp(self) -> int:
        """In ten-thousandths; whole where nothing was said."""
        return self.right * WHOLE_BP // self.findings if self.findings else WHOLE_BP

    @property
    def passes(self) -> bool:
        return self.recall_bp >= RECALL_BAR_BP and self.precision_bp >= PRECISION_BAR_BP


def judge(rule: str, findings: Sequence[Finding], labels: Iterable[Label]) -> Score:
    """Hold the findings of one rule against the labels of it."""
    wanted = [frozenset(label.records) for label in labels if label.rule == rule]
    named = [frozenset(finding.records) for finding in findings]
    found = sum(any(label <= records for records in named) for label in wanted)
    right = sum(any(label <= records for label in wanted) for records in named)
    return Score(rule, len(wanted), found, len(named), right)
