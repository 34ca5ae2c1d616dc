"""With a whole ledger and the whole disk of one member other than the bureau: whom can somebody link, or find?"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from consortium.core.codec import encode, tagged_hash
from consortium.core.crypto import SUITES
from consortium.core.genesis import Genesis
from consortium.core.machine import Rows
from consortium.roles.hospital import HospitalTasks
from consortium.roles.pharmacy import PharmacyTasks
from consortium.roles.work import Work
from consortium.scenario.assemble import prepare
from consortium.scenario.fhir.importer import import_fhir
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Workload
from consortium.scenario.workloads.person_years import BILL, SETTLEMENT
from consortium.simulation.run import Simulation, secrets_of
from consortium.vault.locksmith import Locksmith
from tests.canaries import EACH, identity_number, lay_input, make_canaries
from tests.links import Groups, digests_in, genesis_records, opened_records, state_records, work_records
from tests.simulated_runs import outcomes_of

SCENARIOS = Path(__file__).parents[2] / "scenarios"
YEARS = range(2019, 2028)


class Told(NamedTuple):
    """All that stands on the ledger, record by record; and whose the pseudonyms are, which only the bureau can tell."""

    records: list[bytes]
    work: dict[str, Work]
    private: dict[str, list[bytes]]  # of each member: what it can open of its private store
    owner: dict[str, tuple[str, int]]  # person and year, by pseudonym
    key: bytes
    secrets: list[bytes]  # of hospital-1


def key_of(seed: int) -> bytes:
    return tagged_hash(b"simulated pseudonyms", str(seed).encode())


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("links") / "data"
    lay_input(SCENARIOS / "data" / "synthea_40", folder, make_canaries())
    options = {"data": str(folder), "claims_max": 100, "duration_us": 3_000_000, "lines_days": 15}
    scenario = msgspec.structs.replace(
        load_scenario(SCENARIOS / "claim_day.py"), workload=Workload("claim_day", options), faults=(), suite="plain"
    )
    simulation = Simulation(scenario)
    assert simulation.run().is_done
    rows: Rows = simulation.nodes["regulator"].disk.rows
    genesis: Genesis = simulation.genesis
    said = [encode((one.operation, one.arguments, one.receipt)) for one in outcomes_of(rows, genesis)]
    key = key_of(scenario.seed)
    persons = [person.person for person in import_fhir(folder, key).persons]
    pseudonyms = Pseudonyms(key)
    owner = {
        pseudonyms.of(purpose, f"{year}/{person}"): (person, year)
        for purpose in (SETTLEMENT, BILL)
        for year in YEARS
        for person in persons
    }
    records = [*said, *genesis_records(genesis), *state_records(rows)]
    secrets = list(secrets_of(scenario, "hospital-1").values())
    private = {}
    for name, node in simulation.nodes.items():
        smith = Locksmith(SUITES[scenario.suite](), secrets_of(scenario, name), name)
        private[name] = list(opened_records(node.disk.boxes, smith))
    return Told(records, dict(prepare(scenario, key).work), private, owner, key, secrets)


def linked(told: Told, records: Iterable[bytes], served: set[str]) -> list[set[tuple[str, int]]]:
    """Groups in which somebody who did not serve these persons finds more than one person-year."""
    found = []
    for group in Groups(records).all():
        years = {told.owner[token] for token in group if token in told.owner}
        strangers = {(person, year) for person, year in years if person not in served}
        if strangers and len(years) > 1:
            found.append(years)
    return found


def served_by(told: Told, work: Work) -> set[str]:
    visits, dispensings = work.of(HospitalTasks).visits, work.of(PharmacyTasks).dispensings
    named = [*((one.patient, one.psn_no) for one in visits), *((one.patient, one.psn_no) for one in dispensings)]
    return {told.owner[token][0] for tokens in named for token in tokens}


HOLD_LINES = ("hospital-1", "hospital-2", "pharmacy-1", "regulator")  # whoever billed them, and who judges them


@pytest.mark.parametrize("name", ["hospital-1", "hospital-2", "pharmacy-1", "regulator", "supplier"])
def test_nobody_links_the_years_of_a_person_whom_it_did_not_serve(told: Told, name: str) -> None:
    """By its whole disk: the ledger, its input, and all that its keys open of its private store."""
    work, private = told.work[name], told.private[name]
    assert any(b"lines/" in record for record in private) == (name in HOLD_LINES)
    assert any(b"inspection/" in record for record in private) == (name == "supplier")
    assert linked(told, [*told.records, *work_records(work), *private], served_by(told, work)) == []


def test_the_ledger_alone_links_a_claim_with_its_bill_within_a_year_and_no_more(told: Told) -> None:
    assert linked(told, told.records, set()) == []
    sizes = [len(group) for group in Groups(told.records).all()]
    assert max(sizes) == 2, "a bill's pseudonym and a settlement's, which the claim names both"
    assert sizes.count(2) > 30


def test_a_record_that_names_two_years_of_a_person_would_be_found(told: Told) -> None:
    person, year = next(iter(told.owner.values()))
    pseudonyms = Pseudonyms(told.key)
    leak = encode([pseudonyms.of(SETTLEMENT, f"{one}/{person}") for one in (year, year + 1)])
    assert linked(told, [*told.records, leak], set()) == [{(person, year), (person, year + 1)}]


# --- trying all of a county ----------------------------------------------------------------------------------------


def county() -> list[str]:
    """Identity numbers of one county: birthdays of seventy years, and one in twenty of the sequence numbers."""
    days = [(1940 + year) * 10_000 + 101 + day for year in range(70) for day in range(28)]
    return [identity_number(day, serial) for day in days for serial in range(100, 100 + EACH, 20)]


def found(records: Iterable[bytes], guesses: Callable[[str], Iterable[bytes]]) -> set[str]:
    raw, spelt = digests_in(records)
    return {
        number for number in county() for digest in guesses(number) if digest[:32] in raw or digest.hex()[:20] in spelt
    }


def bare(number: str) -> Iterable[bytes]:
    plain = number.encode()
    for name in ("md5", "sha256", "blake2b"):
        yield hashlib.new(name, plain).digest()


def keyed(keys: Iterable[bytes]) -> Callable[[str], Iterable[bytes]]:
    """As the bureau makes pseudonyms of a person, with each of these keys."""

    def guesses(number: str) -> Iterable[bytes]:
        for key in keys:
            person = "p-" + hmac.new(key, f"p:{number}".encode(), "sha256").hexdigest()[:20]
            for purpose in (SETTLEMENT, BILL):
                yield hmac.new(key, f"{purpose}:2025/{person}".encode(), "sha256").digest()

    return guesses


def test_trying_all_of_a_county_finds_nobody_without_the_bureaus_key(told: Told) -> None:
    own = [*told.records, *work_records(told.work["supplier"]), *told.private["regulator"]]
    assert found(own, bare) == set()
    assert found(own, keyed([b"", *told.secrets])) == set()


def test_the_same_search_finds_whom_a_bare_hash_or_a_stolen_key_gives_away(told: Told) -> None:
    """The controls: the numbers of our patients are among those that are tried."""
    numbers = {canary.text for canary in make_canaries()["identity"][:40:20]}
    leak = [encode(hashlib.sha256(number.encode()).hexdigest()) for number in numbers]
    assert found([*told.records, *leak], bare) == numbers
    caught = found(told.records, keyed([told.key]))
    assert caught and caught <= numbers
