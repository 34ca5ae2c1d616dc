"""Bundles that a member's applications sign: their part of its share of a pool, and none of its outbox's business."""

from __future__ import annotations

from consortium.core.contract import OK, Receipt
from consortium.core.genesis import Parameters
from consortium.core.machine import Note, Outcome, Receipted, Sign, Submit, Submitted
from consortium.core.membership import Epoch, Epochs, Member
from consortium.core.requests import request_number
from consortium.core.transaction import Bundles, encode_transaction, sign_bundle
from consortium.node.outbox import Outbox
from consortium.node.pool import BundlePool
from tests.unit.node.test_pool import CHAIN, SUITE, at, bundle, execute, received, secret

NOW = at(0)


def pool(transactions_max: int) -> BundlePool:
    names = ("a", "b", "c", "d")
    members = tuple(Member(name, "hospital", "validator", {"submit": SUITE.public_key(secret(name))}) for name in names)
    return BundlePool(
        "a",
        Epochs((Epoch(0, 1, members),)),
        Parameters(pool_transactions_max=transactions_max),
        Bundles(CHAIN, SUITE),
        is_application=lambda member, key: (member, key) == ("b", SUITE.public_key(secret("billing"))),
    )


def asked(token: int, member: str = "b", count: int = 1) -> bytes:
    numbers = [request_number(20260730, token + offset) for offset in range(count)]
    transactions = [encode_transaction(number, "bill", "issue", {}) for number in numbers]
    return sign_bundle(CHAIN, SUITE, secret("billing"), member, transactions)


def test_applications_fill_three_quarters_of_their_members_share_and_it_the_rest() -> None:
    it = pool(32)  # a share of eight each
    raws = [asked(token) for token in range(10)]
    assert it.look(asked(0, "c")) == "unfit", "it is b's"
    assert it.look(raws[0], more=6) == "busy" and it.look(raws[0], more=5) == "admitted" and it.waiting == 0
    it.step(NOW, received(raws))
    assert it.waiting == 6 and it.look(raws[9]) == "busy" and it.look(raws[0]) == "known"
    it.step(NOW, received([bundle("b", 1), bundle("b", 2), bundle("b", 3)]))
    assert it.waiting == 8, "two are the member's own"
    execute(it, at(1), 1, [raws[0], bundle("b", 1)])
    assert it.look(raws[9]) == "admitted"
    it.step(NOW, received([raws[9], bundle("b", 3), bundle("b", 4)]))
    assert it.waiting == 8


def test_one_bundle_that_is_larger_than_their_part_finds_room_alone() -> None:
    it = pool(8)  # a share of two each, one of them for applications
    it.step(NOW, received([asked(0, count=5)]))
    assert it.waiting == 5 and it.look(asked(9)) == "busy"


def test_the_outbox_leaves_alone_what_an_application_signed_and_its_numbers() -> None:
    own, key = SUITE.public_key(secret("b")), SUITE.public_key(secret("billing"))
    outbox = Outbox("b", Bundles(CHAIN, SUITE), registered=lambda: own, is_application=lambda each: each == key)
    raw = asked(7)
    assert outbox.step(NOW, Submitted((raw,))) == [] and outbox.pending == 0
    (identity,) = Bundles(CHAIN, SUITE).open(raw).ids
    outcome = Outcome("b", request_number(20260730, 7), "bill", "issue", b"", Receipt(identity, OK, "", ()))
    assert outbox.step(NOW, Receipted(1, 1, (outcome,), False)) == []
    (sign,) = outbox.step(NOW, Submit("w", (("bill", "issue", {}),)))
    assert isinstance(sign, Sign) and sign.transactions == (encode_transaction(1, "bill", "issue", {}),)
    assert any(isinstance(each, Note) for each in outbox.step(NOW, Submitted((bundle("b", 1),))))
