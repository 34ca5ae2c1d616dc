"""Payment by diagnosis-related group: what an institution is paid for a case, whatever the case cost."""

from __future__ import annotations

from consortium.contracts.checks import BASIS_POINTS


def divide_half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator to the nearest integer, halves up; numerator ≥ 0, denominator > 0."""
    return (2 * numerator + denominator) // (2 * denominator)


def compute_drg_payment(
    weight_bp: int, base_rate_fen: int, coefficient_bp: int, cost_fen: int, high_bp: int, low_bp: int
) -> int:
    """The case's payment in fen: weight × base rate × coefficient, unless the cost lies far off.

    A cost above `high_bp` of that payment adds the excess over the multiple; one below `low_bp` of it is paid as it is.
    """
    payment_fen = divide_half_up(weight_bp * base_rate_fen * coefficient_bp, BASIS_POINTS * BASIS_POINTS)
    if cost_fen * BASIS_POINTS < payment_fen * low_bp:
        return cost_fen
    excess_fen = cost_fen - divide_half_up(payment_fen * high_bp, BASIS_POINTS)
    return payment_fen + max(0, excess_fen)
