"""A claim form and a pack scanner: what a person fills in, and the arguments that become of it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from consortium.contracts.access import HOSPITAL, PHARMACY
from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.policy import item_on
from consortium.core.contract import StateReader
from consortium.core.words import Words
from consortium.scenario.workloads.standing import Samples
from consortium.stories.plain import yuan
from consortium.stories.story import Seen
from nodes.deploy.samples import Keep, Sample, Trial, keeping, read_samples
from nodes.errors import UserError
from nodes.page.facts import Facts
from nodes.process.settings import NodeFolder

ROLES = {"claim": HOSPITAL, "dispense": PHARMACY}
COUNT_MAX = 99
_AMOUNT = re.compile(r"\d{1,9}(?:\.\d{1,2})?")
_KINDS = {"price": "amount"}


def submitters(facts: Facts) -> list[str]:
    """The members that can hand something in by a form."""
    return [each.name for each in facts.scenario.members if each.role in ROLES.values()]


def submitter(facts: Facts, kind: str, member: str) -> str:
    """Who hands in: the member named, or the first that may. Raises UserError."""
    if kind not in ROLES:
        raise UserError(f"there is no form {kind!r}; there are {', '.join(ROLES)}")
    able = [each.name for each in facts.scenario.members if each.role == ROLES[kind]]
    if member and member not in able:
        raise UserError(f"{member} hands in no {kind}: a {ROLES[kind]} does ({', '.join(able) or 'there is none'})")
    if not able:
        raise UserError(f"nobody here hands in a {kind}: there is no {ROLES[kind]}")
    return member or able[0]


def trial_of(seen: Seen, facts: Facts, member: str, keep: Keep | None = None) -> Trial:
    """Raises UserError."""
    node = NodeFolder(facts.folder, member)
    own = read_samples(node)
    if not any(each.year == seen.reader.day // 10_000 for each in own.persons):
        raise UserError(
            f"nobody is enrolled for {seen.reader.day // 10_000}: samples are of the years in which it began"
        )
    return Trial(own, seen.reader.day, seen.ledger.reader, keep or keeping(node))


def form_of(trial: Trial, kind: str, words: Words) -> list[dict[str, str]]:
    """Its fields, filled in with something that is valid today."""
    values = _claim_values(trial) if kind == "claim" else _dispense_values(trial)
    labels = {
        "person": words("insured person (pseudonym)"),
        "item": words("item"),
        "count": words("how many"),
        "price": words("price of one"),
        "code": words("trace code"),
    }
    return [
        {"name": name, "label": labels[name], "value": value, "kind": _KINDS.get(name, "text")}
        for name, value in values.items()
    ]


def _claim_values(trial: Trial) -> dict[str, str]:
    """Of the dearest service that the funds pay wholly (class A), so that whoever tries it sees money move."""
    day = trial.day
    items = [each for each in trial.own.items if is_of_class_a(trial.state, each.code, day)] or list(trial.own.items)
    item = max(items, key=lambda each: each.price_fen)
    return {"person": trial.person().psn_no, "item": item.code, "count": "1", "price": yuan(item.price_fen)}


def is_of_class_a(state: StateReader, code: str, day: int) -> bool:
    item = item_on(state, code, day)
    return item is not None and item.chrgitm_lv == "A" and not item.ceiling_fen


def _dispense_values(trial: Trial) -> dict[str, str]:
    codes = trial.packs()
    return {"code": secrets.choice(codes) if codes else ""}


def filled(trial: Trial, kind: str, given: Mapping[str, Any]) -> Sample:
    """The transaction of a form. Raises UserError for what cannot be handed in at all; the ledger judges the rest."""
    wanted = ("person", "item", "count", "price") if kind == "claim" else ("code",)
    fields = {name: _text(name, given.get(name, "")) for name in wanted}
    unknown = given.keys() - set(wanted)
    if unknown:
        raise UserError(f"the form has no field {min(unknown)!r}; it has {', '.join(wanted)}")
    if kind == "dispense":
        return trial.sale(fields["code"])
    return trial.claim(fields["person"], (Line(_item(trial.own, fields["item"]), _count(fields), _price(fields)),))


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 100 or not value.isprintable():
        raise UserError(f"{name}: expected text of 1 to 100 printable characters")
    return value.strip()


def _item(own: Samples, code: str) -> str:
    codes = [each.code for each in own.items]
    if code not in codes:
        raise UserError(f"item {code!r} is none that {own.member} charges; it charges {', '.join(codes)}")
    return code


def _count(fields: Mapping[str, str]) -> int:
    text = fields["count"]
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= COUNT_MAX):
        raise UserError(f"count: expected a whole number from 1 to {COUNT_MAX}")
    return int(text)


def _price(fields: Mapping[str, str]) -> int:
    text = fields["price"].replace(",", "")
    if not _AMOUNT.fullmatch(text):
        raise UserError("price: expected yuan, as 45,560.00")
    whole, _, cents = text.partition(".")
    return int(whole) * 100 + int(cents.ljust(2, "0"))
