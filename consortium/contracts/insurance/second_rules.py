"""What a commercial policy pays of what the public plans left: pure, integers only, fen, half up.

Two parts are left to the patient: `left_fen` of what is in scope, and `beyond_fen`, all that is not. The policy's
deductible is taken from the first, then from the second; each rest has a share of its own, and the sum is rounded once.
"""

from __future__ import annotations

from typing import NamedTuple

from consortium.contracts.checks import BASIS_POINTS
from consortium.contracts.insurance.amounts import Amounts
from consortium.contracts.insurance.drg import divide_half_up


class Cover(NamedTuple):
    """Of a policy: its open deductible and the room under its cap, in fen; its shares in basis points."""

    deductible_fen: int
    room_fen: int
    scope_bp: int
    beyond_bp: int


class Benefit(NamedTuple):
    """`deductible_fen`: what the claim uses of the deductible; `benefit_fen`: what the policy pays."""

    left_fen: int
    beyond_fen: int
    deductible_fen: int
    benefit_fen: int


def compute_benefit(amounts: Amounts, cover: Cover) -> Benefit:
    """Never more than `psn_pay`, which is what the public plans left: each share is at most the whole."""
    left = amounts.inscp_amt - amounts.fund_pay_sumamt
    beyond = amounts.psn_pay - left
    deductible = min(cover.deductible_fen, left + beyond)
    of_left = min(deductible, left)
    payable = (left - of_left) * cover.scope_bp + (beyond - (deductible - of_left)) * cover.beyond_bp
    return Benefit(left, beyond, deductible, min(divide_half_up(payable, BASIS_POINTS), cover.room_fen))
