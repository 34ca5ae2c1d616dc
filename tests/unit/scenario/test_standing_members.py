"""The members of a consortium that stands, counted by a person; and the scenario that is made of them."""

from __future__ import annotations

import msgspec
import pytest

from consortium.contracts import load_contracts
from consortium.contracts.medicines.packs import PACKS
from consortium.core.contract import StateReader
from consortium.core.crypto import SUITES
from consortium.core.membership import Epochs
from consortium.core.transaction import Bundles
from consortium.ledger.chain import Ledger
from consortium.scenario.load import ScenarioError
from consortium.scenario.scenario import Scenario, Stop, Workload
from consortium.scenario.standing_members import DEFAULT, parse_members, standing_scenario
from consortium.scenario.workloads.standing import Samples, prepare_standing
from consortium.simulation.run import Simulation

KEY = b"k" * 32


def _standing(members: str = DEFAULT) -> Scenario:
    return standing_scenario(parse_members(members), 20261130)


def test_a_chain_that_stands_begins_with_everything_in_its_newest_version() -> None:
    newest = {name: contract.version for name, contract in load_contracts().items()}
    assert Simulation(_standing()).genesis.versions == newest
    assert any(contract.founding != contract.version for contract in load_contracts().values()), "it says something"


def test_members_are_named_as_those_of_claim_day() -> None:
    names = [member.name for member in parse_members(DEFAULT)]
    assert names == ["bureau", "hospital-1", "hospital-2", "pharmacy-1", "pharmacy-2", "regulator", "supplier"]
    assert [each.name for each in parse_members("bureau=1, hospital=1,regulator=1,supplier=1")] == [
        "bureau",
        "hospital-1",
        "regulator",
        "supplier",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bureau=1,hospital=1,regulator=1", "tolerate no failure"),
        ("bureau=1,hospital=2", "needs a regulator"),
        ("bureau=2,hospital=2,regulator=1", "one bureau at most"),
        ("bureau=1,hospital=2,regulator=1,pharmacy=1", "add supplier=1"),
        ("bureau=1,clinic=2,regulator=1", "there is no role 'clinic'"),
        ("bureau", "is no ROLE=NUMBER"),
        ("bureau=one", "is no ROLE=NUMBER"),
        ("bureau=1,bureau=1", "stands there twice"),
        ("bureau=1,hospital=99,regulator=1", "too many"),
        ("", "needs a bureau"),
    ],
)
def test_what_cannot_stand_is_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        parse_members(text)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"day": 20261301}, "workload.options.day"),
        ({"years": 0}, "expected 1 to 10"),
        ({"lines_days": -1}, "expected 0 or more"),
        ({"disburse_fen": -1}, "expected 0 or more"),
        ({"claims": -1}, "expected 0 or more"),
        ({"outstanding": 0}, "expected 1 or more"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, int], words: str) -> None:
    scenario = msgspec.structs.replace(_standing(), workload=Workload("standing", options))
    with pytest.raises(ScenarioError, match=words):
        prepare_standing(scenario, KEY)


def test_each_member_is_given_samples_of_its_own() -> None:
    prepared = prepare_standing(_standing(), KEY)
    samples = {name: msgspec.json.decode(data, type=Samples) for name, data in prepared.samples.items()}
    assert set(samples) == {member.name for member in parse_members(DEFAULT)}
    assert samples["hospital-1"].institution == "i-hospital-1"
    assert len({person.psn_no for person in samples["hospital-1"].persons}) > 20
    assert all(item.price_fen > 0 for item in samples["hospital-1"].items)
    assert len(samples["hospital-1"].items) > 5
    assert samples["supplier"].persons == ()  # it has nothing to do with persons
    other = prepare_standing(_standing(), b"x" * 32)
    assert not {person.psn_no for person in msgspec.json.decode(other.samples["hospital-1"], type=Samples).persons} & {
        person.psn_no for person in samples["hospital-1"].persons
    }


def test_left_alone_it_stands_and_nobody_asks_for_another_leader() -> None:
    scenario = msgspec.structs.replace(_standing(), stop=Stop(when_done=False, limit_us=60_000_000))
    simulation = Simulation(scenario)
    simulation.run()
    assert all(node.disk.rows.get("meta", b"head") is not None for node in simulation.nodes.values())
    assert not [record for record in simulation.trace if record["kind"] in ("suspect", "view_change")]
    stock = [pack.holder for _, pack in reader_of(simulation, "pharmacy-1").range(PACKS, "", "~")]
    assert {holder: stock.count(holder) for holder in set(stock)} == {
        "institution/i-pharmacy-1": 40,
        "institution/i-pharmacy-2": 40,
    }


def test_hospitals_that_host_a_loader_submit_claims_that_are_settled() -> None:
    """What comes through gateways is held against this load, on the same members, roles and contracts."""
    members = tuple(
        msgspec.structs.replace(member, settings={"hosts": ["loader"]}) if member.role == "hospital" else member
        for member in parse_members("bureau=1,hospital=2,regulator=1")
    )
    options = {"claims": 20, "outstanding": 5, "disburse_fen": 0}
    scenario = msgspec.structs.replace(standing_scenario(members, 20260101, options=options), stop=Stop(limit_us=10**8))
    simulation = Simulation(scenario)
    simulation.run()
    blocks = [record for record in simulation.trace if record["kind"] == "executed" and record["node"] == "bureau"]
    assert sum(block["ok"] for block in blocks if block["height"]) == 40
    assert not sum(block["refused"] for block in blocks)
    order = [record for record in simulation.trace if record["kind"] in ("proposed", "committed")]
    leader = next(record["node"] for record in order if record["kind"] == "proposed")
    kinds = [record["kind"] for record in order if record["node"] == leader]
    assert kinds == ["proposed", "committed"] * len(blocks[1:]), "while one batch is under way the next one gathers"


def reader_of(simulation: Simulation, name: str) -> StateReader:
    """The state of a simulated node."""
    bundles = Bundles(simulation.genesis.chain, SUITES[simulation.genesis.suite]())
    epochs = Epochs((simulation.genesis.first_epoch,))
    ledger = Ledger(simulation.genesis, simulation.nodes[name].disk.rows, load_contracts(), bundles, epochs)
    ledger.boot()
    return ledger.reader
