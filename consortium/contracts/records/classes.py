"""Classes of private records, and what they are asked for."""

from __future__ import annotations

CLASSES = ("diagnosis", "examination", "image", "inspection", "note", "prescription", "report")
PURPOSES = ("treatment", "settlement", "audit", "quality", "research")
