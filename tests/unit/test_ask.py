"""`consortium ask`: what a member may read of a finished run, and how another's is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consortium.commands import app as cli
from consortium.contracts import load_contracts
from consortium.core.contract import Contract
from nodes import past
from tests.finished_run import INSTITUTIONS, bill_of, finished_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("asked") / "run")


@pytest.fixture
def ask(run: Path, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def asking(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(["ask", str(run), *words])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return asking


def answer(ask: Any, member: str, query: str, **arguments: Any) -> dict[str, Any]:
    """The document without what names the member."""
    document: dict[str, Any] = json.loads(ask(member, query, json.dumps(arguments), "--json")[1])
    return document


def test_an_issuer_and_the_supervisors_read_a_bill(ask: Any) -> None:
    for member in ("hospital-1", "bureau", "regulator"):
        document = answer(ask, member, "bill.get", bill_no=bill_of("hospital-1", 1))
        assert document["answer"]["fixmedins_code"] == INSTITUTIONS["hospital-1"], member
        assert document["height"] > 0 and document["day"] > 20250101


def test_a_bill_of_another_is_refused_like_one_that_nobody_has(ask: Any) -> None:
    others = answer(ask, "hospital-2", "bill.get", bill_no=bill_of("hospital-1", 1))
    nobodys = answer(ask, "hospital-2", "bill.get", bill_no=bill_of("hospital-1", 9_999))
    assert others == nobodys
    assert others["refused"] == "not-yours"
    assert answer(ask, "bureau", "bill.get", bill_no=bill_of("hospital-1", 9_999))["refused"] == "unknown-bill"


def test_a_person_is_shown_fields_or_the_refusal(ask: Any) -> None:
    status, out, _ = ask("hospital-1", "bill.get", json.dumps({"bill_no": bill_of("hospital-1", 1)}))
    assert status == 0 and "sums.medfee_sumamt" in out
    status, out, _ = ask("hospital-2", "bill.get", json.dumps({"bill_no": bill_of("hospital-1", 1)}))
    assert status == 1 and out == "refused: not-yours: hospital-2 has no such record\n"


def test_without_a_query_a_member_is_told_what_its_role_may_ask(ask: Any) -> None:
    status, out, _ = ask("hospital-1")
    assert status == 0 and '{"bill_no": str}' in out and "its own" in out
    assert "everybody's" in ask("bureau")[1]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["nobody", "bill.get"], "no member after height"),
        (["bureau", "bil.get"], "there is no contract 'bil'"),
        (["bureau", "bill.lend"], "bill has no query 'lend'"),
        (["bureau", "bill.get", "{"], 'bill.get asks for {"bill_no": str}, as JSON'),
        (["bureau", "bill.get", '{"number": 1}'], "unknown field"),
    ],
)
def test_a_mistake_is_one_sentence(ask: Any, words: list[str], why: str) -> None:
    status, out, error = ask(*words)
    assert (status, out) == (2, "") and why in error and error.count("\n") == 1


def test_a_contract_that_the_chain_has_not_voted_in_answers_nothing(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: the newest version that the program has answered, whatever executed the chain."""
    bill = load_contracts()["bill"]
    late = Contract("late", 1, (), tuple(bill.queries.values()))
    newer = Contract("bill", 2, tuple(bill.operations.values()), older=(bill,))  # it answers no more
    monkeypatch.setattr(past, "load_contracts", lambda: {**load_contracts(), "bill": newer, "late": late})
    assert "there is no contract 'late'" in ask("bureau", "late.get", "{}")[2] and "late.get" not in ask("bureau")[1]
    assert answer(ask, "bureau", "bill.get", bill_no=bill_of("hospital-1", 1))["answer"]


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["ask", str(tmp_path), "bureau", "bill.get"])
    assert left.value.code == 2 and "is not the folder of a run" in capsys.readouterr().err
