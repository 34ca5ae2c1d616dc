"""`consortium show`: lives, blocks and transactions of a finished run, for a person and for a program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consortium.commands import app as cli
from consortium.contracts import load_told_tables
from consortium.stories import account
from consortium.stories.finder import receipts
from consortium.stories.telling import load_tellers
from tests.finished_run import INSTITUTIONS, bill_of, finished_run

CODE = INSTITUTIONS["hospital-1"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("shown") / "run")


@pytest.fixture
def say(run: Path, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def saying(*words: str, language: str = "en") -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(["--lang", language, "show", str(run), *words])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return saying


def document(say: Any, *words: str) -> dict[str, Any]:
    status, out, error = say(*words, "--json")
    assert (status, error) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


def settled(say: Any) -> tuple[str, str]:
    """A bill, and the claim that reimbursed it."""
    number = bill_of("hospital-1", 1)
    return number, document(say, "bill", number)["record"]["settlement"]


def test_without_a_kind_it_tells_what_there_is(say: Any) -> None:
    status, out, _ = say()
    assert status == 0 and "the last blocks" in out and "hospital-2" in out and "UTC+08:00" in out
    found = document(say)
    assert len(found["blocks"]) <= 10 and found["blocks"][-1]["height"] == found["height"]
    assert set(found["funds"]) > {"fund/employee-pool"}


def test_a_claims_life_goes_from_its_bill_to_its_payment(say: Any) -> None:
    number, key = settled(say)
    claim = document(say, "claim", key)
    kinds = [event["kind"] for step in claim["steps"] for event in step["events"]]
    assert kinds[0] == "bill-issued" and "settled" in kinds
    assert [step["height"] for step in claim["steps"]] == sorted(step["height"] for step in claim["steps"])
    money = claim["money"]
    amounts = claim["record"]["amounts"]
    assert money["owed_fen"] == amounts["fund_pay_sumamt"] + amounts["acct_pay"]
    assert money["account"] == f"unconfirmed/{CODE}/{money['payable_on']}" and money["paid"] is None
    due = [each for each in claim["next"] if each["operation"] == "settlement.release"]
    assert [(each["after"], each["day"]) for each in due] == [(f"payable/{CODE}", money["payable_on"])]
    assert {each["operation"] for each in claim["next"]} > {"settlement.confirm_lines"}
    assert document(say, "bill", number)["money"] == money


def test_a_claims_sequence_may_be_written_short(say: Any) -> None:
    _, key = settled(say)
    psn_no, year, sequence = key.split("/")
    assert document(say, "claim", f"{psn_no}/{year}/{int(sequence)}")["id"] == key


def test_a_bill_is_found_in_any_spelling(say: Any) -> None:
    number, _ = settled(say)
    spelt = number.upper().replace("-", "－")
    assert document(say, "bill", spelt)["steps"] == document(say, "bill", number)["steps"] != []


def test_the_movements_of_every_account_add_up_to_its_balance(say: Any) -> None:
    names = [*document(say)["funds"], f"payable/{CODE}", "external"]
    for name in names:
        account = document(say, "account", name)
        assert account["adds_up"] is True
        assert account["in_fen"] - account["out_fen"] == account["balance_fen"]
    assert sum(document(say, "account", name)["movements"] for name in names) > 0


def test_a_movement_that_is_missing_is_noticed(say: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_but_the_last(*given: Any) -> Any:
        yield from list(receipts(*given))[:-1]

    monkeypatch.setattr(account, "receipts", all_but_the_last)
    assert document(say, "account", "fund/employee-pool")["adds_up"] is False
    assert "NO: check this ledger" in say("account", "fund/employee-pool")[1]


def test_a_person_is_told_with_claims_and_what_the_year_used(say: Any) -> None:
    _, key = settled(say)
    psn_no, year, _ = key.split("/")
    person = document(say, "person", psn_no)
    assert key in [claim["id"] for claim in person["claims"]]
    assert person["used"][year]["sequence"] == len(person["claims"])


def test_a_block_and_each_of_its_transactions_are_the_same(say: Any) -> None:
    number, _ = settled(say)
    step = document(say, "bill", number)["steps"][0]
    block = document(say, "block", str(step["height"]))
    assert block["steps"][step["index"]] == step
    place = f"{step['height']}/{step['index']}"
    by_place = document(say, "transaction", place)
    assert by_place == document(say, "transaction", step["transaction"][:13])
    assert by_place["code"] == step["code"] and by_place["operation"] == step["operation"]
    assert f"consortium prove RUN receipt {place}" in say("transaction", place)[1]


def test_the_head_is_a_block(say: Any) -> None:
    head = document(say, "block", "head")
    assert head["id"] == head["height"] == head["seal"]["height"]
    assert len(head["decided_by"]) >= 3 <= len(head["seal"]["by"])


def test_a_member_is_told_with_its_keys_and_its_votes(say: Any) -> None:
    member = document(say, "member", "hospital-1")
    assert [term["role"] for term in member["terms"]] == ["hospital"]
    assert set(member["terms"][0]["keys"]) >= {"vote", "submit"}
    assert member["votes"]["signed"] + member["seals"]["signed"] > 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("bill", "H65010200000-0000000"), "the nearest are h65010200000-0000000"),
        (("bill", "fund/employee-pool"), "ask for `account fund/employee-pool`"),
        (("block", "99999"), "a block is a height from 0 to"),
        (("block", "x"), "a block is a height from 0 to"),
        (("transaction", "1/99"), "block 1 has no transaction 99"),
        (("transaction", "abcdef0123456789"), "there is no transaction abcdef0123456789"),
        (("transaction", "no"), "expected HEIGHT/INDEX"),
        (("member", "nobody"), "members are bureau, hospital-1, hospital-2, regulator"),
        (("claim",), "which claim? Give psn_no/year/sequence"),
        (("wish", "1"), "nothing is told as 'wish'; known are account, "),
        (("a", "b", "c"), "too many words"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_is_not_there_is_told_in_one_sentence(say: Any, words: tuple[str, ...], told: str) -> None:
    status, out, error = say(*words)
    assert (status, out) == (2, "") and told in error and error.count("\n") == 1


@pytest.mark.parametrize("word", sorted(load_told_tables()))
@pytest.mark.parametrize("identity", ["x", "x/y", "x/y/z"])
def test_an_id_that_no_record_can_have_is_told_in_one_sentence(say: Any, word: str, identity: str) -> None:
    """`agreement x` was a traceback: its key holds a year."""
    status, out, error = say(word, identity)
    assert (status == 2 and "there is no" in error) or (status == 1 and "refused" in out)


def test_it_is_told_as_the_member_that_looks_may_read_it(say: Any) -> None:
    number, key = settled(say)
    assert document(say, "bill", number, "--member", "hospital-1")["member"] == "hospital-1"
    for words in (("bill", number), ("claim", key), ("bill", "nobodys-1")):
        status, out, _ = say(*words, "--member", "hospital-2")
        assert (status, out) == (1, "refused: not-yours: hospital-2 has no such record\n")
    status, out, _ = say("person", key.partition("/")[0], "--member", "hospital-1", "--json")
    assert status == 1 and json.loads(out)["refused"] == "not-permitted"


def test_every_kind_that_the_ledger_tells_has_a_teller() -> None:
    tellers = load_tellers()
    assert set(tellers) >= {"block", "transaction", "claim", "bill", "account", "person", "code", "member", "order"}


def test_the_standing_folder_is_the_default(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "consortium-data").symlink_to(run)
    monkeypatch.chdir(tmp_path)
    for words in ([], ["block", "head"]):
        with pytest.raises(SystemExit) as left:
            cli.main(["show", *words])
        assert left.value.code in (0, None)
    assert "block" in capsys.readouterr().out


def test_it_speaks_chinese(say: Any) -> None:
    number, _ = settled(say)
    status, out, _ = say("bill", number, language="zh")
    assert status == 0 and "经过" in out and "开具票据" in out
    say("block", "head")  # leaves English behind
