"""A member's application signs with a key of its own: what it may, since when, until when, and each request once."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts import load_contracts
from consortium.contracts.governance.application import Register, Revoke
from consortium.core.applications import is_application
from consortium.core.calendar import compute_day, compute_day_after, ordinal_of_day
from consortium.core.machine import Effect, Receipted
from consortium.core.requests import TOKEN_MASK, request_day, request_number, request_token
from consortium.core.transaction import encode_transaction, sign_bundle
from consortium.lab.checks.exactly_once import check_exactly_once
from consortium.lab.checks.validity import check_validity
from consortium.ledger import requests
from consortium.ledger.chain import Ledger
from consortium.ledger.requests import BUCKETS_OF, DAYS, find_request
from consortium.ledger.verify import verify_ledger
from consortium.runs.run import Run
from consortium.scenario.scenario import MemberSpec, Scenario
from tests.unit.ledger.ledger_kit import CONTRACTS, NAMES, PROTOCOL, START_US, SUITE, Add, Chain, codes, make_genesis

KEY = b"billing of ada".ljust(32, b".")
OTHER = b"pharmacy of ada".ljust(32, b".")
EVERY = {**CONTRACTS, **load_contracts()}
DAY_US = 86_400_000_000
BEGAN_US = START_US + 20_000 * DAY_US
TODAY = compute_day(BEGAN_US, 480)


class House(Chain):
    """A chain on which ada has an application that may `tally.add`."""

    def __init__(self) -> None:
        super().__init__(make_genesis(NAMES, EVERY, checkpoint_interval=4, window=8), contracts=EVERY)
        self.day = 0
        self.register("billing", KEY)

    def said(self, member: str, operation: str, arguments: Any) -> bytes:
        self.numbers[member] += 1
        return self.bundle(member, encode_transaction(self.numbers[member], "application", operation, arguments))

    def register(self, name: str, key: bytes, *may: str, member: str = "ada") -> list[str]:
        known = Register(member, name, SUITE.public_key(key), may or ("tally.add",))
        return codes(self.decide_today(self.said(member, "register", known)))

    def decide_today(self, *bundles: bytes) -> list[Effect]:
        return self.decide(*bundles, time_us=BEGAN_US + self.day * DAY_US)

    def request(self, token: int, amount: int = 1, day: int | None = None, operation: str = "add") -> bytes:
        number = request_number(compute_day_after(TODAY, self.day if day is None else day), token)
        return encode_transaction(number, "tally", operation, Add("x", amount))

    def asked(self, *transactions: bytes, key: bytes = KEY) -> bytes:
        return sign_bundle(self.genesis.chain, SUITE, key, "ada", transactions)

    def codes(self, *bundles: bytes) -> list[str]:
        return codes(self.decide_today(*bundles))

    def count(self) -> int:
        tally = self.tally("x")
        return 0 if tally is None else tally.count

    def run(self) -> Run:
        scenario = Scenario(name="kit", members=tuple(MemberSpec(name, "hospital") for name in NAMES))
        return Run(scenario, self.genesis, (), {"ada": self.rows})


@pytest.fixture
def house() -> House:
    return House()


def test_numbers_of_requests_hold_a_day_and_a_token() -> None:
    token = request_token("ada/billing", "claim 7")
    assert token == request_token("ada/billing", "claim 7") != request_token("ada/billing", "claim 8")
    assert 0 <= token <= TOKEN_MASK
    number = request_number(20260730, token)
    assert 4_096 < 1 << 47 <= number < 1 << 63 and request_day(number) == 20260730 and number & TOKEN_MASK == token


def test_an_application_signs_from_the_block_after_its_registration_and_up_to_that_of_its_revocation() -> None:
    house = House()
    early = house.register("second", OTHER)
    assert early == ["ok"]
    assert house.codes(house.asked(house.request(1))) == ["ok"] and house.count() == 1
    last = [house.said("ada", "revoke", Revoke("ada", "billing")), house.asked(house.request(2))]
    assert house.codes(*last) == ["ok", "ok"], "the block of the revocation is the last one"
    assert not is_application(house.ledger.reader, "ada", SUITE.public_key(KEY))
    assert house.codes(house.asked(house.request(3)), house.asked(house.request(3), key=OTHER)) == ["unknown-key", "ok"]
    assert house.register("billing", KEY) == ["key-used"], "a key that was revoked never comes back"


def test_registration_and_first_use_in_one_block_come_too_early(house: House) -> None:
    known = Register("ada", "second", SUITE.public_key(OTHER), ("tally.add",))
    both = (house.said("ada", "register", known), house.asked(house.request(1), key=OTHER))
    assert house.codes(*both) == ["ok", "unknown-key"]
    assert house.codes(house.asked(house.request(1), key=OTHER)) == ["ok"], "it took no number"


def test_it_may_do_what_its_member_allowed_with_its_members_role_and_no_more(house: House) -> None:
    assert house.register("second", OTHER, "governance.vote", "tally.*") == ["ok"]
    drop, forbidden = house.request(1, operation="drop"), house.request(2, operation="forbidden")
    assert house.codes(house.asked(drop)) == ["not-permitted"], "it may add alone"
    assert house.codes(house.asked(drop, key=OTHER)) == ["already-executed"], "a refusal takes the number, too"
    assert house.codes(house.asked(forbidden, key=OTHER)) == ["not-permitted"], "a hospital may not"
    own = Register("ada", "third", SUITE.public_key(b"3" * 32), ("tally.add",))
    number = request_number(TODAY, 9)
    privileged = encode_transaction(number, "application", "register", own)
    assert house.codes(house.asked(privileged, key=OTHER)) == ["not-permitted"]
    other = sign_bundle(house.genesis.chain, SUITE, KEY, "bob", (house.request(1),))
    assert house.codes(other) == ["unknown-key"], "it is ada's"


def test_windows_and_requests_do_not_meet(house: House) -> None:
    plain = encode_transaction(1, "tally", "add", Add("x", 1))
    assert house.codes(house.asked(plain)) == ["number-stale"], "a number of a window is of no day"
    assert house.codes(house.bundle("ada", house.request(1))) == ["number-ahead"]
    assert house.codes(house.add("ada", "x", 1)) == ["ok"], "the window stands where it stood"


def test_a_request_is_executed_once_whoever_says_it_and_under_one_content(house: House) -> None:
    request = house.request(1)
    assert house.codes(house.asked(request), house.asked(house.request(7), request)) == ["ok", "ok", "already-executed"]
    assert house.codes(house.asked(house.request(1, amount=5))) == ["number-used"]
    assert house.count() == 2
    assert house.register("second", OTHER) == ["ok"]
    assert house.codes(house.asked(request, key=OTHER)) == ["already-executed"], "the same transaction of another key"


def test_a_retry_after_midnight_is_the_request_of_the_day_before(house: House) -> None:
    token = 5
    assert house.codes(house.asked(house.request(token))) == ["ok"]
    number, _ = find_request(house.ledger.reader, "ada", token, 0) or (0, b"")
    assert request_day(number) == TODAY
    house.day = 1
    assert house.codes(house.asked(house.request(token))) == ["number-used"]
    assert house.codes(house.asked(house.request(token, day=0))) == ["already-executed"]
    house.day = 2
    assert house.codes(house.asked(house.request(token)), house.asked(house.request(6, day=0))) == ["number-used", "ok"]
    house.day = 3
    assert house.codes(house.asked(house.request(token, day=0))) == ["number-stale"], "for good"
    assert house.codes(house.asked(house.request(8, day=5))) == ["number-ahead"]
    assert house.codes(house.asked(house.request(9, day=4))) == ["ok"], "a gateway's clock runs ahead"
    assert house.codes(house.asked(house.request(token))) == ["ok"], "what is so old is another request"


def test_days_that_are_too_old_leave_the_state_bit_by_bit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "SWEPT_AT_ONCE", 2_000)
    tokens = [bucket << 35 for bucket in range(0, 4_096, 100)]
    house.codes(house.asked(*(house.request(token) for token in tokens)))

    def rows() -> int:
        return len(list(house.ledger.reader.range(BUCKETS_OF, "ada/", "ada0")))

    assert rows() == 41
    house.day = 3
    left = []
    for token in range(1, 5):
        house.codes(house.asked(house.request(token)))
        left.append(rows())
    assert left == [22, 2, 1, 1]
    assert house.ledger.reader.get(DAYS, "ada") == requests.Days((ordinal_of_day(TODAY) + 3,), 0)


def test_no_bucket_grows_beyond_its_bound(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "BUCKET_ENTRIES_MAX", 3)
    assert house.codes(house.asked(*(house.request(token) for token in range(5)))) == ["ok"] * 3 + ["number-full"] * 2
    assert house.codes(house.asked(house.request(1 << 40))) == ["ok"]


def test_a_ledger_with_requests_boots_tells_its_past_and_is_verified(house: House) -> None:
    told = [effect for effect in house.decide_today(house.asked(house.request(1))) if isinstance(effect, Receipted)]
    house.codes(house.said("ada", "revoke", Revoke("ada", "billing")))
    house.codes(house.asked(house.request(1)))
    house.seal()
    again = Ledger(house.genesis, house.rows, EVERY, house.bundles, house.epochs)
    again.boot()
    assert again.head == house.ledger.head
    past = again.receipted(2)
    assert past is not None and past._replace(is_replay=False) == told[0], "under a key that was revoked since"
    assert verify_ledger(house.genesis, house.rows, EVERY, PROTOCOL).height == 4


def test_the_checks_of_a_run_know_applications(house: House) -> None:
    house.codes(house.asked(house.request(1)))
    house.codes(house.said("ada", "revoke", Revoke("ada", "billing")), house.asked(house.request(2)))
    house.codes(house.asked(house.request(3)), house.asked(house.request(1)))
    assert check_validity(house.run()) == [] and check_exactly_once(house.run()) == []


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("is_allowed", "an application of 'ada', which may not use tally.drop"),
        ("revoked_at", "that was revoked at height 3"),
    ],
)
def test_the_check_of_validity_sees_a_ledger_that_let_too_much_through(
    house: House, monkeypatch: pytest.MonkeyPatch, broken: str, words: str
) -> None:
    from consortium.core.applications import Application
    from consortium.ledger import execute

    house.codes(house.asked(house.request(1)))
    if broken == "is_allowed":
        monkeypatch.setattr(Application, "is_allowed", lambda *_: True)
        house.codes(house.asked(house.request(2, operation="drop")))
    else:
        house.codes(house.said("ada", "revoke", Revoke("ada", "billing")))
        found = Application("billing", ("tally.add",), 0)
        monkeypatch.setattr(execute, "find_application", lambda *_: found)
        house.codes(house.asked(house.request(2)))
    (failure,) = check_validity(house.run())
    assert words in failure
