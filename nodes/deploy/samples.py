"""What a person may try at a member of a standing consortium: arguments of an operation, valid when they are made."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL, PHARMACY
from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import enrolment, settlement
from consortium.contracts.insurance.lines import Line
from consortium.contracts.medicines.packs import PACKS, holder_of_institution
from consortium.contracts.medicines.trace_code import Sell
from consortium.core.contract import StateReader
from consortium.core.vault import Salts
from consortium.roles.claimant import Service, compose_issue
from consortium.scenario.workloads.standing import SamplePerson, Samples
from nodes.errors import UserError
from nodes.process.door_client import ask_door
from nodes.process.door_frames import DoorClosed, door_path
from nodes.process.keys import read_private
from nodes.process.settings import NodeFolder

END = "\U0010ffff"


class Sample(NamedTuple):
    """Arguments of `contract.operation`, as `member` may submit them."""

    member: str
    contract: str
    operation: str
    arguments: msgspec.Struct


class Keep(Protocol):
    """Lets the member's node keep a private record; what it commits to on the ledger."""

    def __call__(self, handle: str, record: bytes) -> bytes: ...


class Trial(NamedTuple):
    """What a sample is made from: the member's samples, today, the state after the head, and its node."""

    own: Samples
    day: int
    state: StateReader
    keep: Keep

    def person(self) -> SamplePerson:
        """One of this year."""
        return secrets.choice([each for each in self.own.persons if each.year == self.day // 10_000])

    def number(self) -> str:
        """Of a bill that nobody has issued."""
        return f"{self.own.institution}-{secrets.token_hex(4)}"

    def lines(self) -> tuple[Line, ...]:
        """One or two services."""
        items = secrets.SystemRandom().sample(self.own.items, 1 + secrets.randbelow(2))
        return tuple(Line(item.code, 1 + secrets.randbelow(3), item.price_fen) for item in items)

    def bill(self, patient: str, lines: tuple[Line, ...]) -> bills.Issue:
        """Of services today, whose lines the node keeps."""
        service = Service(self.own.institution, self.number(), patient, bills.OUTPATIENT, self.day, self.day, lines)
        issue, lines_kept = compose_issue(self.state, service, Salts())
        return msgspec.structs.replace(issue, lines=self.keep(*lines_kept))

    def claim(self, psn_no: str, lines: tuple[Line, ...]) -> Sample:
        """A bill of today and its claim, in one transaction."""
        fields = {**msgspec.structs.asdict(self.bill("", lines)), "psn_no": psn_no}
        return Sample(self.own.member, "settlement", "issue_and_claim", settlement.IssueAndClaim(**fields))

    def packs(self) -> list[str]:
        """The codes of those that lie in the pharmacy, unopened."""
        holder = holder_of_institution(self.own.institution)
        return [
            code
            for code, pack in self.state.range(PACKS, "", END)
            if pack.holder == holder and pack.units_left == pack.units
        ]

    def sale(self, code: str) -> Sample:
        """Of a pack, for cash."""
        return Sample(self.own.member, "trace_code", "sell", Sell(self.own.institution, code, self.number(), 0))


class Kind(Protocol):
    def __call__(self, trial: Trial) -> Sample: ...


def _claim(trial: Trial) -> Sample:
    return trial.claim(trial.person().psn_no, trial.lines())


def _bill(trial: Trial) -> Sample:
    """A bill of today alone."""
    return Sample(trial.own.member, "bill", "issue", trial.bill(trial.person().patient, trial.lines()))


def _sale(trial: Trial) -> Sample:
    """A pack that lies in the pharmacy, sold for cash."""
    codes = trial.packs()
    if not codes:
        raise UserError(f"{trial.own.member} has no pack to sell: wait until its first order has come, or order more")
    return trial.sale(secrets.choice(codes))


def _premium(trial: Trial) -> Sample:
    """A month's premium of an insured employee."""
    taken, month = trial.person(), trial.day // 100
    found = trial.state.get(enrolment.PERSONS, taken.psn_no)
    insutype = enrolment.RESIDENT if found is None else found.periods[-1].insutype
    account_fen = 20_000 if insutype == enrolment.EMPLOYEE else 0
    arguments = enrolment.RecordContribution(taken.psn_no, month, insutype, 60_000, account_fen)
    return Sample(trial.own.member, "enrolment", "record_contribution", arguments)


KINDS: Mapping[str, tuple[Kind, tuple[str, ...]]] = {
    "claim": (_claim, (HOSPITAL,)),
    "bill": (_bill, (HOSPITAL,)),
    "sale": (_sale, (PHARMACY,)),
    "premium": (_premium, (BUREAU,)),
}


def make_sample(kind: str, own: Samples, day: int, state: StateReader, keep: Keep) -> Sample:
    """Raises UserError with a sentence."""
    make, roles = KINDS[kind]
    if own.role not in roles:
        raise UserError(
            f"{own.member} is a {own.role}: a sample {kind} is of a {' or '.join(roles)}; name it by --member"
        )
    if not any(each.year == day // 10_000 for each in own.persons):
        raise UserError(f"nobody is enrolled for {day // 10_000}: samples are of the years in which it began")
    return make(Trial(own, day, state, keep))


def check_kind(kind: str) -> None:
    """Raises UserError."""
    if kind not in KINDS:
        raise UserError(f"there is no sample {kind!r}; there are {', '.join(KINDS)}")


def roles_for(kind: str) -> tuple[str, ...]:
    """Whose samples they are."""
    return KINDS[kind][1]


def read_samples(folder: NodeFolder) -> Samples:
    """Raises UserError."""
    try:
        return msgspec.json.decode(read_private(folder.samples), type=Samples)
    except msgspec.MsgspecError as error:
        raise UserError(f"{folder.samples} cannot be read: {error}; bring back a copy of it") from None


def keeping(folder: NodeFolder) -> Keep:
    """At this node, which must run."""

    def keep(handle: str, record: bytes) -> bytes:
        try:
            answer = ask_door(door_path(folder), "keep", handle=handle, record=record)
        except DoorClosed as error:
            raise UserError(f"a bill's lines are kept by the node, which must be up: {error}") from None
        return bytes(answer["commitment"])

    return keep


def as_json(arguments: msgspec.Struct) -> Any:
    """For programs: bytes as hexadecimal digits."""
    return _shown(msgspec.to_builtins(arguments, builtin_types=(bytes,)))


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: _shown(each) for key, each in value.items()}
    return [_shown(each) for each in value] if isinstance(value, list | tuple) else value
