"""The consortium in which the walk goes on: members, funds, catalogue, institutions, persons, stock, tenders; the same
in the genesis of the ledger and in the book."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from consortium.contracts.insurance import enrolment, funds, institution, policy
from consortium.contracts.medicines import procurement_records as procurement
from consortium.contracts.records import identity
from consortium.core.genesis import GenesisCall, genesis_call
from tests.reference import policies, translate
from tests.reference.arithmetic import Item, Policy
from tests.reference.book import Book
from tests.reference.nodes import SUITE, Call, secret
from tests.reference.registry import Cover, Institution, Pack, Person

MEMBERS = {
    "bureau": "bureau",
    "h1": "hospital",
    "h2": "hospital",
    "p1": "pharmacy",
    "regulator": "regulator",
    "s1": "supplier",
    "s2": "supplier",
}
VOTERS = ("bureau", "h1", "h2", "p1", "regulator")  # a quorum of seven
FUNDS = ("employee-pool", "resident-pool", "large-amount", "serious-illness", "medical-aid", "procurement")
OPENING = {"employee-pool": 10**10, "resident-pool": 10**10}
INSTITUTIONS = {
    "H1": Institution("hospital", 1, "h1"),
    "H2": Institution("hospital", 2, "h1", Fraction("1.05")),
    "H3": Institution("hospital", 3, "h1", licence_to=20280630),
    "K3": Institution("hospital", 3, "h2", Fraction("0.9")),
    "P1": Institution("pharmacy", 1, "p1"),
}
ITEMS = {
    "A": Item(19900101, "A"),
    "B": Item(19900101, "B", Fraction(1, 10)),
    "S": Item(19900101, "B", Fraction(1, 5), 8_000),
    "C": Item(19900101, "C"),
    "D": Item(19900101, "B", Fraction(5, 100), 5_001, needs_code=True),
}
GROUPS = {"G1": Fraction("0.566"), "G2": Fraction("1.2345")}
SUPPLIERS = (("T1", "s1", 1_234), ("T2", "s2", 77))  # tender, who supplies, price of a pack
BUYERS = (("H1", "h1"), ("K3", "h2"), ("P1", "p1"))
PERSONS, PACKS = 16, 60
YEARS = (2025, 2026, 2027, 2028)


def name_of(index: int, year: int) -> str:
    """The pseudonym of a person in a year."""
    return f"person{index}y{year}"


def _persons() -> dict[str, Person]:
    found = {}
    for index in range(PERSONS):
        scheme: Any = "employee" if index % 4 < 2 else "resident"
        for year in YEARS:
            begin, middle, end = year * 10_000 + 101, year * 10_000 + 601, (year + 1) * 10_000 + 101
            flags = {"is_retired": index % 5 == 1, "is_assisted": index % 7 < 2}
            other: Any = "resident" if scheme == "employee" else "employee"
            covers: tuple[Cover, ...] = (Cover(begin, end, scheme, **flags),)
            if index % 2:  # of both schemes in one year
                covers = (Cover(begin, middle, scheme, **flags), Cover(middle, end, other, **flags))
            found[name_of(index, year)] = Person(covers, was_covered=index % 3 > 0)
    return found


def found(book: Book, first: Policy = policies.FIRST) -> list[GenesisCall]:
    """Found the book; the genesis calls that found the ledger."""
    calls: list[GenesisCall] = []

    def call(contract: str, operation: str, arguments: Any) -> None:
        calls.append(genesis_call(contract, operation, arguments))

    for fund in FUNDS:
        call("funds", "open", funds.Open(fund))
        book.accounts[f"fund/{fund}"] = 0
        if opening := OPENING.get(fund, 10**8):
            call("funds", "contribute", funds.Contribute(f"fund/{fund}", opening, "opening/2026"))
            book.contribute(f"fund/{fund}", opening)
    call("policy", "adopt_pack", policy.AdoptPack(translate.pack_of(first, "first")))
    book.adopt(first)
    for name, item in ITEMS.items():
        call("policy", "list_items", policy.ListItems((translate.item_of(name, item),)))
        book.list_item(name, item)
    for group, weight in GROUPS.items():
        call("policy", "set_drg_group", translate.group_of(group, 19900101, weight))
        book.groups[group] = [(19900101, weight)]
    for code, house in INSTITUTIONS.items():
        call("institution", "sign", _signed(code, house))
        book.sign(code, Institution(**vars(house)))
    for name, person in _persons().items():
        register = enrolment.Register(name, translate.periods_of(person), covered_before=person.was_covered)
        call("enrolment", "register", register)
        book.enrol(name, person)
        key = SUITE.public_key(secret(f"bill-of-{name}", "voice"))
        call("identity", "vouch", identity.Vouch(f"bill-of-{name}", "", key))
    for code in INSTITUTIONS:
        _stock(book, code, call)
    return calls


def _signed(code: str, house: Institution) -> institution.Sign:
    return institution.Sign(
        fixmedins_code=code,
        kind=house.kind,
        level=house.level,
        member=house.member,
        licence_no=f"L-{code}",
        licence_to=house.licence_to,
        drg_coefficient_bp=translate.bp(house.coefficient),
    )


def _stock(book: Book, code: str, call: Any) -> None:
    """Packs of drug D, of which some are split."""
    place = list(INSTITUTIONS).index(code)
    names = tuple(f"{place * PACKS + index:020d}" for index in range(PACKS))
    call("trace_code", "produce", translate.produce(f"lot-{code}", "D", names, f"institution/{code}"))
    for name in names:
        book.packs[name] = Pack("D", translate.UNITS, code)


def patients(book: Book) -> list[str]:
    """The pseudonyms of bills of all who are enrolled from the beginning."""
    return [f"bill-of-{name}" for name in book.persons]


def opening_calls(book: Book) -> Sequence[Call]:
    """What no genesis may call: tenders, and the sub-contracts of those who buy."""
    calls = []
    for tender, supplier, price in SUPPLIERS:
        award = procurement.AwardTender(tender, "C", supplier, supplier, price, 10**8, 20260101, 20291231)
        calls.append(Call("bureau", "procurement", "award_tender", award))
        book.accounts[f"supplier/{supplier}"] = 0
    for tender, _, _ in SUPPLIERS:
        for code, member in BUYERS:
            agreed = procurement.SignSubcontract(tender, code, 10**6)
            calls.append(Call(member, "procurement", "sign_subcontract", agreed))
    return calls
