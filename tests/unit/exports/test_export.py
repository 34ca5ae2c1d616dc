"""`consortium export`: the same bytes each time, R4B that an independent library takes, and only what one may read."""

from __future__ import annotations

import csv
import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consortium.commands import app as cli
from consortium.commands.folders import save_ledger
from consortium.contracts.insurance.amounts import Amounts
from consortium.contracts.insurance.bill import Bill
from consortium.contracts.insurance.enrolment import Period, Person
from consortium.core.contract import Reader
from consortium.exports.fhir.coverage import last_day
from consortium.exports.fhir.explanation_of_benefit import make
from consortium.exports.fhir.invoice import RESOURCE as INVOICE
from consortium.exports.fhir.resource import id_of, key_of, load_kinds
from consortium.exports.nhsa.table import load_tables
from consortium.exports.source import Source
from consortium.runs.folder import write_simulated
from consortium.scenario.find import find_scenario
from consortium.scenario.load import load_scenario
from tests.contracts_state import MemoryState
from tests.finished_run import INSTITUTIONS, finished_run
from tests.optional import needs
from tests.simulated_runs import simulated


def run_of(folder: Path, name: str, **options: Any) -> Path:
    scenario = load_scenario(find_scenario(name))
    given = msgspec.structs.replace(scenario.workload, options={**scenario.workload.options, **options})
    done = simulated(msgspec.structs.replace(scenario, suite="keyed-hash", workload=given))
    write_simulated(folder, done, save_ledger)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Insurers pay of what is left, a hospital corrects itself."""
    return run_of(tmp_path_factory.mktemp("exported") / "run", "systems/second_payer")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drugs are sold by trace code."""
    options = {"claims_max": 6, "second_claims": 0, "stranger_claims": 0, "lapsed": 0, "changed": 0, "reused_packs": 0}
    return run_of(tmp_path_factory.mktemp("day") / "run", "claim_day", **options)


def export(run: Path, out: Path, *words: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(["export", str(run), "--out", str(out), *words])
    return int(left.value.code or 0)


def resources(folder: Path, kind: str) -> list[Any]:
    return [json.loads(line) for line in (folder / f"{kind}.ndjson").read_text(encoding="utf-8").splitlines()]


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("form", ["fhir", "nhsa"])
def test_the_same_ledger_gives_the_same_bytes_and_says_their_digests(run: Path, tmp_path: Path, form: str) -> None:
    for name in ("one", "two"):
        assert export(run, tmp_path / name, "--format", form) == 0
    found = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert found == {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    told = json.loads(found["export.json"])
    assert {name: each["sha256"] for name, each in told["files"].items()} == {
        name: sha256(data).hexdigest() for name, data in found.items() if name != "export.json"
    }
    assert len(found) == 1 + len(load_kinds() if form == "fhir" else load_tables())
    assert sum(each["records"] for each in told["files"].values()) > 20


@needs("fhir.resources")
def test_the_models_of_r4b_take_every_resource(run: Path, day: Path, tmp_path: Path) -> None:
    from fhir.resources.R4B import get_fhir_model_class

    taken = Counter[str]()
    exchange = run_of(tmp_path / "exchange-run", "systems/exchange")
    for name, folder in (("run", run), ("day", day), ("exchange", exchange)):
        export(folder, tmp_path / name)
        for kind in load_kinds():
            model: Any = get_fhir_model_class(kind)
            for line in (tmp_path / name / f"{kind}.ndjson").read_bytes().splitlines():
                model.model_validate_json(line)
                taken[kind] += 1
    assert set(taken) == set(load_kinds()), "each kind is there at least once"


def test_an_explanation_adds_up_and_its_reversal_takes_all_of_it_back(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out")
    benefits = resources(tmp_path / "out", "ExplanationOfBenefit")
    reversals = [each for each in benefits if "related" in each]
    assert reversals and len({each["id"] for each in benefits}) == len(benefits)
    by_key = {each["identifier"][0]["value"]: each for each in benefits}
    for each in benefits:
        found = amounts(each)
        assert found["submitted"] == found["eligible"] + found["noncovered"]
        assert found["eligible"] == found["deductible"] + found["coinsurance"] + found["benefit"]
        assert found["memberliability"] == found["paidbypatientother"] + found["paidbypatientcash"]
        assert found["benefit"] == sum(fen for name, fen in parts(each).items() if name in ("hifp_pay", "hifob_pay"))
    for each in reversals:
        before = by_key[each["related"][0]["claim"]["identifier"]["value"]]
        assert amounts(each) == {name: -fen for name, fen in amounts(before).items()}
        assert (before["status"], each["status"]) == ("cancelled", "active")


def amounts(benefit: Any) -> dict[str, int]:
    """Fen by category of `total`."""
    return {each["category"]["coding"][0]["code"]: fen_of(each) for each in benefit["total"]}


def parts(benefit: Any) -> dict[str, int]:
    """Fen by the name in the data standard of `adjudication`."""
    return {each["category"]["coding"][-1]["code"]: fen_of(each) for each in benefit["adjudication"]}


def fen_of(each: Any) -> int:
    fen: int = round(100 * each["amount"]["value"])
    return fen


def test_what_a_second_payer_paid_stands_beside_what_the_public_plans_left(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out")
    paid = [parts(each)["second-payer"] for each in resources(tmp_path / "out", "ExplanationOfBenefit")
            if "second-payer" in parts(each)]  # fmt: skip
    assert paid and min(paid) > 0


def test_tables_say_what_the_resources_say(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "fhir")
    export(run, tmp_path / "nhsa", "--format", "nhsa")
    told = {
        each["identifier"][0]["value"]: amounts(each) for each in resources(tmp_path / "fhir", "ExplanationOfBenefit")
    }
    rows = {row["setl_id"]: row for row in table(tmp_path / "nhsa", "setlinfo")}
    assert rows.keys() == told.keys()
    for key, row in rows.items():
        assert all(row[name].partition(".")[2].isdigit() for name in Amounts.__struct_fields__)
        assert round(100 * float(row["fund_pay_sumamt"])) == told[key]["benefit"]
        assert round(100 * float(row["cash_payamt"])) == told[key]["paidbypatientcash"]
    reversed_ids = {row["init_setl_id"] for row in rows.values() if row["init_setl_id"]}
    assert reversed_ids and reversed_ids < rows.keys()


def test_what_was_sold_by_trace_code_is_a_dispense_and_a_row(day: Path, tmp_path: Path) -> None:
    export(day, tmp_path / "fhir")
    export(day, tmp_path / "nhsa", "--format", "nhsa")
    dispensed = resources(tmp_path / "fhir", "MedicationDispense")
    codes = {each["value"] for one in dispensed for each in one["identifier"] if each["system"].endswith("trac_codg")}
    assert dispensed and codes == {row["drug_trac_codg"] for row in table(tmp_path / "nhsa", "drugtrac")} - {""}


def test_a_member_gets_what_it_may_ask_for_and_nothing_else(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run")
    for member in ("bureau", "hospital-1"):
        export(run, tmp_path / member, "--member", member)
    own = resources(tmp_path / "hospital-1", "ExplanationOfBenefit")
    assert {each["provider"]["identifier"]["value"] for each in own} == {INSTITUTIONS["hospital-1"]}
    assert len(own) == 4 and len(resources(tmp_path / "bureau", "ExplanationOfBenefit")) == 8
    assert resources(tmp_path / "hospital-1", "Coverage") == [] != resources(tmp_path / "bureau", "Coverage")
    assert "reference" not in own[0]["insurance"][0]["coverage"], "no reference to what it may not read"


def test_wrong_words_end_with_a_sentence(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(run, tmp_path / "out", "--format", "hl7") == 2
    assert export(run, tmp_path / "out", "--member", "nobody") == 2
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    assert export(run, tmp_path / "full") == 2
    assert "is not empty" in capsys.readouterr().err and not (tmp_path / "out").exists()


# --- single elements --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["p-1/2026/000001", "a.b:c_d/e", "x..y", "plain"])
def test_an_id_is_fit_for_fhir_and_leads_back_to_its_key(key: str) -> None:
    made = id_of(key)
    assert key_of(made) == key and made.replace("-", "").replace(".", "").isalnum() and len(made) <= 64
    assert len(id_of(key * 40)) == 64


def source(state: MemoryState) -> Source:
    return Source("chain", state, {}, Reader("bureau", "bureau", 20260301), lambda key: None)


def test_an_entry_whose_block_is_not_there_says_that_its_time_is_unknown() -> None:
    from consortium.contracts.insurance.journal import Settlement

    entry = Settlement("b-1", "H1", "employee", "outpatient", 20260301, 20260301, Amounts(medfee_sumamt=1), 0)
    (made,) = make(source(MemoryState()), "p/2026/000001", entry)
    assert "created" not in made and made["_created"]["extension"][0]["valueCode"] == "unknown"
    assert made["id"] == "p..2026..000001" and "date" not in made["payment"]


def test_a_number_alone_is_no_invoice_and_a_death_ends_a_cover() -> None:
    assert list(INVOICE.make(source(MemoryState()), "h1-1", Bill("H1", "numbered"))) == []
    cover = Period(20260101, 20270101, "employee")
    assert last_day(Person((cover,)), cover) == 20261231
    assert last_day(Person((cover,), died_on=20260505), cover) == 20260505
