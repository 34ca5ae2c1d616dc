"""What one member has to do in a run: a frozen value, made by a workload. Times are since the run's start.

Each role reads the fields that are its business; a member that hosts another role hands it the same value.
"""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.contracts.governance import governance
from consortium.contracts.insurance.bill import Line
from consortium.contracts.insurance.enrolment import Period
from consortium.core.membership import Purpose


class Visit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A visit to bill and claim. `after_change`: "psn_no/change_id" of an enrolment change to wait for."""

    at_us: int
    fixmedins_code: str
    bill_no: str
    psn_no: str
    med_type: str
    begndate: int
    enddate: int
    lines: tuple[Line, ...]
    commitment: bytes = b""
    after_change: str = ""


class SecondClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bill that somebody claims once more, in error or worse, when its first claim is decided.

    `bill_no` as it is typed this time: another case, width or spaces. `fixmedins_code`: who claims, also a stranger."""

    bill_no: str
    after_bill: str
    fixmedins_code: str
    psn_no: str
    med_type: str
    begndate: int
    enddate: int


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Packs of one drug to order under a tender contract, once that is awarded: `cnt`, and no more is ever agreed."""

    at_us: int
    order_no: str
    contract_no: str
    fixmedins_code: str
    cnt: int


class Dispensing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A prescription to dispense and claim: packs `first` to `first + cnt − 1` of what the order brought.

    `after_bill`: packs that this bill sold are scanned again, once its claim is decided."""

    at_us: int
    fixmedins_code: str
    bill_no: str
    psn_no: str
    day: int
    order_no: str
    med_list_codg: str
    first: int
    cnt: int
    pric: int
    commitment: bytes = b""
    after_bill: str = ""


class TenderAward(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tender contract for the bureau to award: packs of one drug, fen a pack."""

    at_us: int
    contract_no: str
    med_list_codg: str
    producer: str
    supplier: str
    price_fen: int
    volume: int
    from_day: int
    to_day: int


class EnrolmentChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A person's whole new state, to propose."""

    at_us: int
    change_id: str
    psn_no: str
    periods: tuple[Period, ...]
    died_on: int = 0
    commitment: bytes = b""


class Premium(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A month's premium (YYYYMM) to record."""

    at_us: int
    psn_no: str
    month: int
    insutype: str
    pool_fen: int
    account_fen: int


RESERVED_EVERY = 16  # every so many-th number of a member with a load is its outbox's


def load_number(ordinal: int) -> int:
    """The number of the load's transaction of this ordinal, both from 1 on: those left by its outbox."""
    return ordinal + (ordinal - 1) // (RESERVED_EVERY - 1)


def load_ordinal(number: int) -> int | None:
    """The other way; None for a number that is the outbox's."""
    return None if number % RESERVED_EVERY == 0 else number - number // RESERVED_EVERY


class Load(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Bundles for the loader to submit as they are: `calls` are signed once, before the run begins, into `signed`.

    `outstanding_max`: transactions submitted and not executed, at most. `interval_us`: between two bundles, 0 = as
    fast as they are executed."""

    calls: tuple[tuple[tuple[str, str, Any], ...], ...]
    outstanding_max: int
    interval_us: int = 0
    signed: tuple[bytes, ...] = ()


class MembershipAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a steward does about the members. `proposal` is made; or, with `is_recovery`, a new voting key is registered
    with the recovery key. `renews`: purposes whose keys of this generation are filled in where the secrets are, when
    the member's host is built."""

    at_us: int
    proposal: governance.Propose | None = None
    is_recovery: bool = False
    renews: tuple[Purpose, ...] = ()
    generation: int = 1
    recovery: governance.RecoverKey | None = None


class Work(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All there is for one member. `patients`: the persons whose agents this node hosts. `disburse_fen`: what the
    bureau lets an institution's claims add up to before it pays them out, 0 = it does not."""

    member: str
    visits: tuple[Visit, ...] = ()
    second_claims: tuple[SecondClaim, ...] = ()
    orders: tuple[Order, ...] = ()
    dispensings: tuple[Dispensing, ...] = ()
    awards: tuple[TenderAward, ...] = ()
    changes: tuple[EnrolmentChange, ...] = ()
    premiums: tuple[Premium, ...] = ()
    patients: tuple[str, ...] = ()
    disburse_fen: int = 0
    load: Load | None = None
    deeds: tuple[MembershipAction, ...] = ()
    approves: bool = True  # whether its steward votes for what others propose; else against it
