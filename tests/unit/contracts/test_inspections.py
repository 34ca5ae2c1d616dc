"""Reports of inspections: committed to on the ledger, held by who ships, open to who buys and who supervises."""

from __future__ import annotations

from consortium.contracts.medicines import trace_code
from consortium.contracts.medicines.procurement_records import AwardTender, Invoice, PlaceOrder, Ship, SignSubcontract
from consortium.contracts.records.asked_by_vaults import CATALOGUE
from consortium.core import registry
from consortium.core.membership import Epoch, Member
from tests.contracts_state import MEMBERS, Consortium, code_of, founded

REPORT = b"r" * 32


def shipped() -> Consortium:
    house = founded()
    house.day = 19_800
    members = tuple(Member(name, role, "validator", {}) for name, role in sorted(MEMBERS.items()) if name != "genesis")
    registry.put_epoch(house.state, Epoch(0, 1, members))
    codes = (code_of(0),)
    house.run("s1", "trace_code", "produce", trace_code.Produce("lot", "D", "tablet", 10, codes))
    tender = AwardTender("T1", "D", "s1", "s1", 1_000, 100, 20240101, 20250101)
    house.run("bureau", "procurement", "award_tender", tender)
    house.run("h1", "procurement", "sign_subcontract", SignSubcontract("T1", "H1", 50))
    house.run("h1", "procurement", "place_order", PlaceOrder("O1", "T1", "H1", 1))
    assert CATALOGUE.find(house.state, "inspection/O1") is None, "nothing is committed to before it is shipped"
    invoice = Invoice("s1", "H1", b"i" * 32)
    house.run("s1", "procurement", "ship", Ship("O1", codes, (invoice,), REPORT, True))
    return house


def test_the_supplier_holds_the_report_and_buyer_and_supervisors_may_have_it() -> None:
    house = shipped()
    entry = CATALOGUE.find(house.state, "inspection/O1")
    assert entry is not None and (entry.commitment, entry.holders) == (REPORT, ("s1",))
    assert {name for name in MEMBERS if entry.may_have(name)} == {"s1", "h1", "bureau", "regulator"}
    assert list(CATALOGUE.held_by(house.state, "s1", True)) == ["inspection/O1"]
    assert list(CATALOGUE.held_by(house.state, "s2", True)) == []


def test_an_amended_shipment_keeps_its_report() -> None:
    """A vault keeps one record under a handle: another commitment would be one to a record that nobody holds."""
    house, codes, invoice = shipped(), (code_of(0),), Invoice("s1", "H1", b"j" * 32)
    for report, code in ((REPORT, "ok"), (b"x" * 32, "report-differs")):
        assert house.refusal("s1", "procurement", "ship", Ship("O1", codes, (invoice,), report, True)) == code
