"""Every cell of docs/systems.md: for each operation, query and role, what is told of its own record, of another's and
of one that nobody has.

Contracts are found, and so are their operations. What is written by hand here is whose the records of a furnished state
are, by the words with which an operation names its owner, and why an operation without an owner needs none.
"""

from __future__ import annotations

import types
import typing
from typing import Any, NamedTuple

import msgspec
import pytest

from consortium.contracts import load_contracts
from consortium.contracts.access import SUPERVISORS
from consortium.contracts.aid.aid_records import AIDS, Aid
from consortium.contracts.aid.gift_records import GIFT_USES, GIFTS, Gift, GiftUse
from consortium.contracts.insurance import debt, enrolment
from consortium.contracts.insurance.lines import Line
from consortium.contracts.medicines import trace_code
from consortium.contracts.medicines.device_records import (
    DEVICE_LOTS,
    DEVICES,
    MODELS,
    Device,
    DeviceLot,
    DeviceModel,
    with_check_digit,
)
from consortium.contracts.medicines.procurement_records import ORDERS as DRUG_ORDERS
from consortium.contracts.medicines.procurement_records import RECEIVED, AwardTender, Order, PlaceOrder, SignSubcontract
from consortium.contracts.medicines.receivable import CONFIRMED, OFFERED, RECEIVABLES, Receivable
from consortium.contracts.medicines.vaccination_records import DOSES, SERIES, Dose, Series
from consortium.contracts.oversight import hold_operations
from consortium.contracts.oversight.finding import Report
from consortium.contracts.oversight.incident import Report as ReportIncident
from consortium.contracts.records.delegations import DELEGATIONS, Delegation
from consortium.contracts.records.exchange import REQUESTS as EXCHANGE_REQUESTS
from consortium.contracts.records.exchange import ExchangeRequest
from consortium.contracts.records.record import REQUESTS, Request
from consortium.contracts.records.trial_records import TRIALS, Trial
from consortium.core.contract import GENESIS, NOT_YOURS, VOTE, Context, Operation, Query, Reader, Refused
from tests.contracts_state import MEMBERS, Consortium, code_of, founded
from tests.second_payer_kit import insure, second_claim
from tests.systems.pages import OTHER, cell, roles_of, verbs_of

CONTRACTS = load_contracts()
VERBS = [(name, verb.name) for name, contract in CONTRACTS.items() for verb in verbs_of(contract)]
STENT, FORCEPS, UNKNOWN_DI = (with_check_digit(f"069700000000{number}") for number in (1, 2, 9))
OTHERS_OF_A_ROLE = {
    "hospital": ("h1", "h2"),
    "pharmacy": ("p1",),
    "supplier": ("s1", "s2"),
    "insurer": ("i1", "i2"),
    "bank": ("b1", "b2"),
    "charity": ("c1", "c2"),
    "researcher": ("r1", "r2"),
}


def furnished() -> Consortium:
    """Records of two hospitals, a pharmacy and two suppliers."""
    house = founded()
    house.today(20260601)
    for number, member in enumerate(("s1", "s2")):
        codes = tuple(code_of(10 * number + place) for place in range(4))
        house.run(member, "trace_code", "produce", trace_code.Produce(f"lot-{member}", "D", "tablet", 10, codes))
        tender = AwardTender(f"T-{member}", "D", member, member, 1_000, 100, 20260101, 20270101)
        house.run("bureau", "procurement", "award_tender", tender)
        for code, buyer in (("H1", "h1"), ("K3", "h2"), ("P1", "p1")):
            sign = SignSubcontract(f"T-{member}", code, 20)
            house.run(buyer, "procurement", "sign_subcontract", sign)
            house.run(buyer, "procurement", "place_order", PlaceOrder(f"O-{code}-{member}", f"T-{member}", code, 2))
    for place, target in enumerate(("H1", "K3", "P1")):
        packs = (code_of(place),)
        house.run("s1", "trace_code", "transfer", trace_code.Transfer("supplier/s1", f"institution/{target}", packs))
    for code, member in (("H1", "h1"), ("K3", "h2"), ("P1", "p1")):
        house.run(member, "bill", "issue", house.issue(f"{code}-1", "E", (Line("A", 1, 1_000),)))
        day = {"begndate": 20260401, "enddate": 20260401, "med_type": "outpatient"}
        house.claim("E", (Line("A", 1, 1_000),), fixmedins_code=code, member=member, serial="9", **day)
    _furnish_receivables(house)
    _furnish_devices_and_doses(house)
    for member in ("h1", "h2", "bureau", "regulator"):
        change = enrolment.ProposeChange(f"by-{member}", "E", ())
        house.run(member, "enrolment", "propose_change", change)
    for member in ("bureau", "regulator"):
        house.run(member, "hold", "place", hold_operations.Place("paid/H1", "inquiry", f"finding/{member}"))
    for sequence, member in ((1, "i1"), (2, "i2")):
        insure(house, f"{member}:1", "E", member, deductible_fen=0)
        house.run("agent", "second_payer", "claim", second_claim(f"{member}:1", "E", sequence, number=sequence))
    for code in ("H1", "K3", "P1"):
        house.state.put(debt.DEBTS, f"bureau:{code}", debt.Debt(code, 1, 20260701, "demanded", "reversed"))
        report = Report(f"bureau:F-{code}", "upcoding", code, (), ("bill/x",), 0, 10)
        house.run("bureau", "finding", "report", report)
    for member in REPORTERS:
        incident = ReportIncident(f"{member}:I", "outage", 4, 20260601, 0, b"a" * 32)
        house.run(member, "incident", "report", incident)
    for sequence, charity in ((1, "c1"), (2, "c2")):
        house.state.put(AIDS, f"E/2026/{sequence:06d}", Aid("low-income", "applied", 20260601, 0))
        gift = Gift(charity, "donor", "goods", "piece", "chair", "", "any", 2, "received", 2, 1, 1)
        house.state.put(GIFTS, f"G-{charity}", gift)
        use = GiftUse(f"E/2026/{sequence:06d}", "H1", 1, "allocated", 20260601)
        house.state.put(GIFT_USES, f"G-{charity}/0001", use)
    for member in ("h1", "h2", "p1", "s1", "bureau", "regulator"):
        house.state.put(REQUESTS, f"r/by-{member}", Request(member, "treatment"))
        house.state.put(EXCHANGE_REQUESTS, f"r/by-{member}", ExchangeRequest(member, "treatment"))
    for number, (sponsor, ethics) in enumerate((("r1", "r2"), ("h1", "h2"), ("r2", "r1"), ("h2", "h1")), 1):
        found = Trial(sponsor, ethics, b"p" * 32, (sponsor,), "registered", 20260601)
        house.state.put(TRIALS, f"T-{number}", found)
    for member in ("h1", "agent"):
        house.state.put(DELEGATIONS, f"E/{member}", Delegation(("consent",), 20991231))
    return house


def _furnish_receivables(house: Consortium) -> None:
    """Of each institution's order of s1, offered to b1, b2 and b1; and one of s2 that nobody is offered."""
    banks = {"H1": "b1", "K3": "b2", "P1": "b1"}
    for code, bank in banks.items():
        put_received(house, f"R-{code}", code, "s1")
        house.state.put(RECEIVABLES, f"R-{code}", Receivable(2_000, OFFERED, bank, 1_900, 20991231))
    put_received(house, "R-s2", "H1", "s2")
    house.state.put(RECEIVABLES, "R-s2", Receivable(2_000, CONFIRMED))


def _furnish_devices_and_doses(house: Consortium) -> None:
    """A model of each supplier; of the first a piece at each holder. A dose by each institution."""
    for udi_di, supplier in ((STENT, "s1"), (FORCEPS, "s2")):
        house.state.put(MODELS, udi_di, DeviceModel(supplier, "S", "implant"))
        house.state.put(DEVICE_LOTS, f"{udi_di}/L", DeviceLot(5, 20260101, 0))
    holders = {"s1": "supplier/s1", "s2": "supplier/s2"} | {at: f"institution/{at}" for at in ("H1", "K3", "P1")}
    for serial, holder in holders.items():
        house.state.put(DEVICES, f"{STENT}/{serial}", Device("L", holder, "stocked"))
    for at in ("H1", "K3", "P1"):
        house.state.put(DOSES, f"{at}:1", Dose("given", at, "D", 1, code_of(0), "lot-s1", at, 20260601))
        house.state.put(SERIES, f"{at}/D", Series(1, f"{at}:1", 20260601))


def put_received(house: Consortium, order_no: str, code: str, supplier: str) -> None:
    order = Order(f"T-{supplier}", code, supplier, 2, 2_000, RECEIVED, f"supplier/{supplier}", received=2)
    house.state.put(DRUG_ORDERS, order_no, order)


class Owned(NamedTuple):
    """A record of the furnished state, by the arguments that name it, and the members whose it is."""

    fields: dict[str, Any]
    owners: frozenset[str]


def _many(name: str, rows: dict[str, str]) -> list[Owned]:
    return [Owned({name: value}, frozenset(members.split())) for value, members in rows.items()]


REPORTERS = ("h1", "h2", "p1", "s1", "bureau", "regulator")  # of an incident each
INSTITUTIONS = {"H1": "h1", "K3": "h2", "P1": "p1"}
PACKS = {code_of(0): "h1", code_of(1): "h2", code_of(2): "p1", code_of(3): "s1", code_of(10): "s2"}
ORDERS = {f"O-{code}-{member}": (buyer, member) for code, buyer in INSTITUTIONS.items() for member in ("s1", "s2")}
SIDES = {order_no: " ".join(both) for order_no, both in ORDERS.items()}
HOLDERS = {f"institution/{code}": member for code, member in INSTITUTIONS.items()} | {
    "supplier/s1": "s1",
    "supplier/s2": "s2",
}
SPONSORS = {"T-1": "r1", "T-2": "h1", "T-3": "r2", "T-4": "h2", "T-404": ""}
OWNED: dict[str, list[Owned]] = {  # the last of each: what nobody has
    "who acts for the institution": _many("fixmedins_code", {**INSTITUTIONS, "X9": ""}),
    "who issued the bill": _many("bill_no", {**{f"{at}-1": one for at, one in INSTITUTIONS.items()}, "H1-404": ""}),
    "who placed the order": _many("order_no", {**{no: both[0] for no, both in ORDERS.items()}, "O-404": ""}),
    "who supplies the order": _many("order_no", {**{no: both[1] for no, both in ORDERS.items()}, "O-404": ""}),
    "who placed or supplies the order": _many("order_no", {**SIDES, "O-404": ""}),
    "who proposed the change": [
        Owned({"psn_no": "E", "change_id": f"by-{member}"}, frozenset((member,) if member else ()))
        for member in ("h1", "h2", "bureau", "regulator", "")
    ],
    "whose account it is": _many("account", {"supplier/s1": "s1", "supplier/s2": "s2", "supplier/s9": ""}),
    "who placed the hold": [
        Owned(
            {"account": "paid/H1", "why": "inquiry", "record": f"finding/{member}"},
            frozenset((member,) if member in MEMBERS else ()),
        )
        for member in ("bureau", "regulator", "nobody")
    ],
    "who acts for the institution that was paid": [
        Owned({"psn_no": "E", "year": 2026, "sequence": sequence}, frozenset((member,) if member else ()))
        for sequence, member in enumerate(("h1", "h2", "p1", ""), 1)
    ],
    "who owes it": _many("debt_no", {**{f"bureau:{at}": one for at, one in INSTITUTIONS.items()}, "bureau:404": ""}),
    "who is accused": _many("finding_no", {**{f"bureau:F-{at}": one for at, one in INSTITUTIONS.items()}, "x:404": ""}),
    "who reported the incident": _many("incident_no", {**{f"{one}:I": one for one in REPORTERS}, "x:404": ""}),
    "whose policy it is": _many("policy_no", {"i1:1": "i1", "i2:1": "i2", "i1:404": ""}),
    "whose policy is claimed under": [
        Owned({"psn_no": "E", "year": 2026, "sequence": sequence}, frozenset((member,) if member else ()))
        for sequence, member in enumerate(("i1", "i2", ""), 1)
    ],
    "who produced the lot": _many("lot_no", {"lot-s1": "s1", "lot-s2": "s2", "lot-404": ""}),
    "who holds the pack": _many("drug_trac_codg", {**PACKS, code_of(404): ""}),
    "who acts for the source": _many("source", {**HOLDERS, "institution/X9": ""}),
    "who registered the model": _many("udi_di", {STENT: "s1", FORCEPS: "s2", UNKNOWN_DI: ""}),
    "who holds the device": [
        Owned({"udi_di": STENT, "serial": serial}, frozenset(members.split()))
        for serial, members in (("H1", "h1"), ("K3", "h2"), ("P1", "p1"), ("s1", "s1"), ("s2", "s2"), ("x", ""))
    ],
    "who gave the dose": _many("dose_no", {**{f"{at}:1": one for at, one in INSTITUTIONS.items()}, "H1:404": ""}),
    "who acts for the hospital of the settlement": [
        Owned({"psn_no": "E", "year": 2026, "sequence": sequence}, frozenset(members.split()))
        for sequence, members in ((1, "h1"), (2, "h2"), (9, ""))
    ],
    "who acts for the hospital of the gift's use": [
        Owned({"gift_no": f"G-{charity}", "serial": 1}, frozenset(members.split()))
        for charity, members in (("c1", "h1"), ("c2", "h2"), ("c9", ""))
    ],
    "who holds the gift": _many("gift_no", {"G-c1": "c1", "G-c2": "c2", "G-404": ""}),
    "who is offered it": _many("order_no", {"R-H1": "b1", "R-K3": "b2", "R-s2": "", "R-404": ""}),
    "who owes it, who sells it, who is offered it": _many(
        "order_no", {"R-H1": "h1 s1 b1", "R-K3": "h2 s1 b2", "R-P1": "p1 s1 b1", "R-s2": "h1 s2", "R-404": ""}
    ),
    "whose application it is": _many("member", {**{name: name for name in MEMBERS}, "": ""}),
    "who judges the protocol": _many("trial_no", {"T-1": "r2", "T-2": "h2", "T-3": "r1", "T-4": "h1", "T-404": ""}),
    "who is a site of the trial": _many("trial_no", SPONSORS),
    "who is the sponsor": _many("trial_no", SPONSORS),
    "who acts for the person": [
        Owned({"patient": "E"}, frozenset(("h1", "agent"))),
        Owned({"patient": "R"}, frozenset()),
    ],
    "who requested it": [
        Owned({"record_no": "r", "request_no": f"by-{member}"}, frozenset((member,) if member in MEMBERS else ()))
        for member in ("h1", "h2", "p1", "s1", "bureau", "regulator", "nobody")
    ],
    "who asked for it": [
        Owned({"record_no": "r", "request_no": f"by-{member}"}, frozenset((member,) if member in MEMBERS else ()))
        for member in ("h1", "h2", "p1", "s1", "bureau", "regulator", "nobody")
    ],
}
NO_OWNER = {  # operations and queries beyond the supervisors' that act on no record of anybody, or on everybody's
    "aid.apply": "the statement says who speaks, and the settlement is that person's or not",
    "aid.appeal": "the statement says who speaks, and the application is that person's or not",
    "aid.appropriate": "the state's money, of nobody",
    "aid.decide_appeal": "the finance office hears everybody's appeals",
    "gift.pledge": "makes a record",
    "gift.confirm_receipt": "the finance office sees what comes to every charity",
    "statistics.get": "statistics are public",
    "statistics.budget": "the budget is public",
    "trial.accredit": "the regulator accredits whom it trusts",
    "trial.register": "makes a record",
    "trial.join": "the statement says who speaks",
    "trial.withdraw_subject": "the statement says who speaks",
    "consent.grant": "the statement says who speaks",
    "consent.revoke": "the statement says who speaks, and the consent is that person's or not",
    "consent.break_glass": "makes a record, of which the regulator has notice",
    "consent.leave": "tells the asker what it may have itself",
    "delegation.delegate": "the statement says who speaks",
    "delegation.revoke": "the statement says who speaks, and the delegation is that person's or not",
    "exchange.offer": "refuses not-holder alike for another's and an unknown one",
    "exchange.request": "makes a request, taken alike whether there is such a record",
    "exchange.deliver": "refuses not-holder alike for another's and an unknown one",
    "exchange.find": "tells the asker what it may have itself",
    "dip.group_on": "what a case is worth in points is policy",
    "dip.period": "what a point is worth is told to all who are paid by points",
    "device.register_model": "makes a record",
    "device.model": "what a model is, is public",
    "vaccination.report_reaction": "whoever treats the person may not be who gave the dose",
    "vaccination.series": "whoever gives the next dose must read it, and was told the pseudonym",
    "vaccination.schedule": "what a series is, is policy",
    "bill.verify_by_patient": "the statement says who speaks, and the bill is that patient's or not",
    "enrolment.propose_change": "makes a record",
    "enrolment.endorse_change": "another organisation than the proposer decides",
    "enrolment.change": "whoever may endorse a change must read it",
    "foreign_chain.advance": "members of another chain are proven, whoever brings the proof",
    "foreign_chain.accept": "what is proven is proven, whoever brings it",
    "foreign_chain.chain": "which chains are known is public",
    "foreign_chain.fact": "what was proven of another chain is public",
    "foreign_chain.row": "what was proven of another chain is public",
    "foreign_chain.compare": "what was proven of another chain is public",
    "governance.propose": "makes a record",
    "governance.vote": "proposals are everybody's",
    "governance.recover_key": "the key of the signer",
    "governance.report_evidence": "evidence is everybody's",
    "governance.proposal": "proposals are everybody's",
    "incident.report": "makes a record",
    "hash_lock.lock": "makes a record, of what is the signer's own",
    "hash_lock.open": "the secret opens, whoever says it, for the one whom it is for",
    "hash_lock.refund": "its end gives it back, whoever says so",
    "hash_lock.get": "whoever deals with one must read it",
    "identity.present": "makes a record",
    "identity.rotate": "the statement says who speaks",
    "identity.endorse_recovery": "another organisation than the proposer decides",
    "patient_claim.claim": "the statement says who speaks, and the bill is that patient's or not",
    "offsite.filings": "whoever treats a person must read what it is filed for",
    "offsite.region": "where institutions lie is public",
    "policy.pack_on": "policy is public",
    "policy.item_on": "the catalogue is public",
    "premium.rules": "policy is public",
    "procurement.tender": "awards are public",
    "rate.endorse": "the finance office endorses what the bureau states",
    "rate.on": "rates are public",
    "read_audit.anchor": "the reads of the signer",
    "record.register": "makes a record",
    "record.erase_by_patient": "the statement says who speaks, and the record is about that person or not",
    "record.request": "makes a request, taken alike whether there is such a record",
    "record.deliver": "refuses not-holder alike for another's and an unknown one",
    "record.confirm_erased": "refuses not-holder alike for another's and an unknown one",
    "second_payer.register": "makes a record",
    "second_payer.claim": "the statement says who speaks, and policy and settlement are that person's or not",
    "trace_code.produce": "makes a record",
}
HOUSE = furnished()
TABLES = HOUSE.state.copy()


def arguments_of(kind: Any, fields: dict[str, Any]) -> Any:
    """A value of an arguments' type: these fields, and for the others anything of their type."""
    missing = [name for name in fields if name not in kind.__struct_fields__]
    assert not missing, f"{kind.__name__} has no field {missing}: how does it name its record?"
    hints = typing.get_type_hints(kind)
    given = {name: fields[name] if name in fields else _anything(hints[name]) for name in kind.__struct_fields__}
    return kind(**given)


def _anything(kind: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _anything(typing.get_args(kind)[0])
    if origin is not None:
        return origin()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return arguments_of(kind, {})
    return {str: "x", int: 1, bool: False, bytes: b""}[kind]


def told(contract: str, verb: Operation | Query, member: str, role: str, fields: dict[str, Any]) -> tuple[str, str]:
    """Code and sentence; "ok" and nothing where it was not refused. The state is as it was afterwards."""
    arguments = arguments_of(verb.arguments, fields)
    HOUSE.state.tables = {name: dict(rows) for name, rows in TABLES.items()}
    try:
        if isinstance(verb, Query):
            CONTRACTS[contract].ask(HOUSE.state, verb.name, arguments, Reader(member, role, 20260601))
        else:
            context = Context(b"c" * 32, 1, 20_605 * 86_400_000_000, b"transaction", member, role, 20260601)
            CONTRACTS[contract].execute(HOUSE.state, verb.name, arguments, context)
    except Refused as refused:
        return refused.code, refused.sentence
    return "ok", ""


def verb_of(contract: str, name: str) -> Operation | Query:
    return next(verb for verb in verbs_of(CONTRACTS[contract]) if verb.name == name)


@pytest.mark.parametrize(("contract", "name"), VERBS, ids=[".".join(pair) for pair in VERBS])
def test_each_role_is_told_what_the_table_says(contract: str, name: str) -> None:
    verb = verb_of(contract, name)
    records = OWNED[verb.whose.owner] if verb.whose is not None else [Owned({}, frozenset())]
    unknown = records[-1].fields
    for role in (*roles_of(CONTRACTS), OTHER, "observer", ""):
        reach = cell(verb, role if role != OTHER else "stranger")
        for member in OTHERS_OF_A_ROLE.get(role, (role or "nobody",)):
            for record in records:
                code, sentence = told(contract, verb, member, role, record.fields)
                if reach == "":
                    assert code == "not-permitted"
                elif reach == "all" or member in record.owners:
                    assert code != "not-permitted"
                    assert code != NOT_YOURS or verb.whose is None
                else:
                    assert code == NOT_YOURS
                    assert (code, sentence) == told(contract, verb, member, role, unknown)


@pytest.mark.parametrize(("contract", "name"), VERBS, ids=[".".join(pair) for pair in VERBS])
def test_every_owner_is_known_here_and_each_cell_has_its_own_and_anothers(contract: str, name: str) -> None:
    """A new operation whose owner has other words, or that has none, is to be thought of."""
    verb = verb_of(contract, name)
    if verb.whose is None:
        beyond = verb.roles - SUPERVISORS - {GENESIS, VOTE}
        assert not beyond or f"{contract}.{name}" in NO_OWNER, "whose records does it act on? Name it, or say why not"
        return
    assert f"{contract}.{name}" not in NO_OWNER
    assert verb.whose.owner in OWNED, "write down here whose records of the furnished state are whose"
    records = OWNED[verb.whose.owner]
    assert not records[-1].owners, "the last one is what nobody has"
    for role in verb.roles - verb.whose.others - {GENESIS, "*"}:
        for member in OTHERS_OF_A_ROLE.get(role, (role,)):
            assert any(member in record.owners for record in records), f"no record of {member}, a {role}"
            assert any(record.owners - {member} for record in records), f"no record of another than {member}"


def test_no_reason_is_kept_for_what_is_gone() -> None:
    assert set(NO_OWNER) <= {".".join(pair) for pair in VERBS}
    used = {verb.whose.owner for one in CONTRACTS.values() for verb in verbs_of(one) if verb.whose is not None}
    assert set(OWNED) == used


def test_a_finder_says_what_is_written_here() -> None:
    for contract, name in VERBS:
        verb = verb_of(contract, name)
        if verb.whose is not None:
            for record in OWNED[verb.whose.owner]:
                found = verb.whose.find(HOUSE.state, arguments_of(verb.arguments, record.fields))
                assert frozenset(found) == record.owners, f"{contract}.{name} {record.fields}"
