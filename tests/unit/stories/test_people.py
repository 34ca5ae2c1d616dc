"""What people are told: a patient's statement, who read, an organisation's day, a donor's gifts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consortium.commands import app as cli
from consortium.commands.folders import save_ledger, save_vault
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.runs.folder import write_simulated
from consortium.scenario.load import load_scenario
from nodes.past import open_past
from tests.simulated_runs import simulated

SYSTEMS = Path(__file__).parents[3] / "scenarios" / "systems"
LAST = "\U0010ffff"


def run_of(folder: Path, name: str) -> Path:
    done = simulated(load_scenario(SYSTEMS / f"{name}.py", ["suite=keyed-hash"]))
    write_simulated(folder, done, save_ledger, save_vault)
    return folder


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_of(tmp_path_factory.mktemp("worked") / "run", "worked_cases")


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("COLUMNS", "200")

    def saying(run: Path, *words: str, language: str = "en") -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(["--lang", language, "show", str(run), *words])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return saying


def document(say: Any, run: Path, *words: str) -> dict[str, Any]:
    status, out, error = say(run, *words, "--json")
    assert status == 0, error
    found: dict[str, Any] = json.loads(out)
    return found


def persons(run: Path) -> dict[int, str]:
    """Pseudonyms by what the funds paid of their newest claim."""
    past = open_past(run, "bureau")
    found = {each.amounts.fund_pay_sumamt: key for key, each in past.ledger.reader.range(SETTLEMENTS, "", LAST)}
    past.rows.close()
    return {fen: key.partition("/")[0] for fen, key in found.items()}


def test_a_statement_says_who_pays_what_and_why(say: Any, worked: Path) -> None:
    who = persons(worked)
    status, out, _ = say(worked, "statement", who[3_189_200])
    assert status == 0
    for told in (
        "class 丙, or in no catalogue: you pay all of it",
        "the first 800.00 of a stay at level 3",
        "59.5 % of the 53,600.00 behind the deductible; treated elsewhere, without a filing",
        "5,000.00  as much as it holds",
    ):
        assert told in out
    _, out, _ = say(worked, "statement", who[5_403_978])
    assert "less from the second of the year on" in out and "up to the limit of the year" in out
    assert "90 % of what lies above the pool's limit" in out and "with the points of the retired" in out
    _, out, _ = say(worked, "statement", who[14_840_360])
    assert "70 % of what is left, at most 30,000.00 a year" in out and "on what you bore in this year" in out


def test_every_reason_is_found_and_a_person_reads_it_in_chinese(say: Any, worked: Path) -> None:
    for psn_no in persons(worked).values():
        claims = document(say, worked, "statement", psn_no)["claims"]
        assert all(claim["why"] is not None and claim["stands"] for claim in claims)
        _, out, _ = say(worked, "statement", psn_no, language="zh")
        assert "统筹" in out and "pooled fund" not in out and "deductible" not in out


def test_no_reason_is_told_where_the_law_of_that_day_does_not_give_the_amounts(worked: Path) -> None:
    """The control: a settlement that pays a fen more has no reason."""
    from msgspec.structs import replace

    from consortium.contracts.insurance.accumulators import Accumulator
    from consortium.stories.reasons import _judge

    past = open_past(worked, "bureau")
    state = past.ledger.reader
    key, entry = next(iter(state.range(SETTLEMENTS, "", LAST)))
    psn_no = key.partition("/")[0]
    assert _judge(state, psn_no, entry, Accumulator()) is not None
    wrong = replace(entry, amounts=replace(entry.amounts, hifp_pay=entry.amounts.hifp_pay + 1))
    assert _judge(state, psn_no, wrong, Accumulator()) is None
    past.rows.close()


def test_lines_are_told_to_who_holds_them_and_the_read_is_in_the_audit(say: Any, worked: Path) -> None:
    past = open_past(worked, "bureau")
    key = next(key for key, each in past.ledger.reader.range(SETTLEMENTS, "", LAST) if each.amounts.overlmt_selfpay)
    past.rows.close()
    psn_no = key.partition("/")[0]
    assert document(say, worked, "reads", psn_no)["reads"] == []
    told = {name: say(worked, "claim", key, "--member", name) for name in ("hospital-1", "hospital-2")}
    (holder,) = [name for name, (status, _, _) in told.items() if status == 0]
    assert "line by line" in told[holder][1] and "mat-second" in told[holder][1]
    assert "line by line" not in say(worked, "claim", key, "--member", "bureau")[1], "it holds none of them here"
    (read,) = document(say, worked, "reads", psn_no)["reads"]
    assert (read["member"], read["reader"], read["purpose"]) == (holder, holder, "show")


def test_who_may_not_ask_is_refused_alike(say: Any, worked: Path) -> None:
    psn_no = next(iter(persons(worked).values()))
    assert say(worked, "statement", psn_no, "--member", "hospital-1")[0] == 1
    assert say(worked, "reads", psn_no, "--member", "hospital-1")[0] == 1
    assert say(worked, "day", "bureau", "--member", "hospital-1")[0] == 1
    assert say(worked, "reads", "s-nobody")[0] == 2


def test_a_day_is_of_its_member_and_its_role(say: Any, worked: Path) -> None:
    bureau = document(say, worked, "day", "bureau")["parts"]
    assert sum(int(row[1]) for row in bureau["claims"]) == 5
    assert {row[0] for row in bureau["funds"]} >= {"fund/employee-pool", "fund/medical-aid"}
    hospital = document(say, worked, "day", "hospital-1", "--member", "hospital-1")["parts"]
    assert "funds" not in hospital
    assert 0 < sum(int(row[1]) for row in hospital["claims"]) < 5
    assert ["settlement.claim", hospital["done"][0][1], ""] in hospital["done"]
    before = document(say, worked, "day", "bureau/2026-03-31")["parts"]
    assert "claims" not in before and "done" not in before
    assert say(worked, "day", "bureau/tomorrow")[0] == 2 and say(worked, "day", "nobody")[0] == 2
    assert "本日结算" in say(worked, "day", "bureau", language="zh")[1]


def test_a_donor_follows_a_gift_to_its_use_and_is_told_of_no_person(say: Any, tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", "aid_and_gifts")
    status, out, _ = say(run, "donor", "donor-1")
    assert status == 0 and "where they went" in out and "acknowledged" in out
    told = document(say, run, "donor", "donor-1")
    assert told["gifts"][0]["pledged"] >= sum(each["quantity"] for each in told["uses"]) > 0
    past = open_past(run, "bureau")
    pseudonyms = {key.partition("/")[0] for key, _ in past.ledger.reader.range(SETTLEMENTS, "", LAST)}
    past.rows.close()
    assert pseudonyms and not any(each in out or each in json.dumps(told) for each in pseudonyms)
    assert say(run, "donor", "nobody")[0] == 2


def test_consents_deliveries_and_reads_of_a_persons_records_are_told(say: Any, tmp_path: Path) -> None:
    from consortium.contracts.records.consents import CONSENTS

    run = run_of(tmp_path / "run", "exchange")
    past = open_past(run, "bureau")
    pseudonym = next(key for key, _ in past.ledger.reader.range(CONSENTS, "", LAST)).partition("/")[0]
    past.rows.close()
    status, out, _ = say(run, "reads", pseudonym)
    assert status == 0 and "who may read" in out and "who read, by the audits" in out
    assert {each["reader"] for each in document(say, run, "reads", pseudonym)["reads"]} == {"hospital-2"}
