"""What a member claims when it leaves a view."""

from consortium.core.messages import Certificate, Signed
from consortium.core.votes import PLAIN
from consortium.protocols.pbft.messages import Claim
from consortium.protocols.pbft.slot import Slot

PREPARED = Claim(Signed("n0", b"order", b""), Certificate(b"prepares", ()))


def _slot() -> Slot:
    """Prepared in view 3, and a decision of view 8, which we have not come to."""
    slot = Slot(5, {}, PLAIN)
    slot.prepared, slot.prepared_view = PREPARED, 3
    slot.certificate, slot.certificate_view = Certificate(b"commits", ()), 8
    return slot


def test_a_decision_of_a_later_view_is_no_claim_for_an_earlier_one() -> None:
    """Found by exploration (seed 1200): such a VIEW-CHANGE was invalid, to its own sender too, and never said again."""
    assert _slot().best_claim(6) == PREPARED
    assert _slot().best_claim(3) is None


def test_a_decision_counts_as_prepared_in_every_later_view() -> None:
    assert _slot().best_claim(9) == Claim(None, Certificate(b"commits", ()))
