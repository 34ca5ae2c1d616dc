"""A request that is not answered as it was meant."""

from __future__ import annotations


class Wrong(Exception):
    """`said`: a sentence; `code`: of a refusal by the rules of the ledger."""

    def __init__(self, status: int, said: str, code: str = "") -> None:
        super().__init__(said)
        self.status, self.said, self.code = status, said, code
