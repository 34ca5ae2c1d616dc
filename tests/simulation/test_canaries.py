"""What a person told one hospital is found there and nowhere else, in no form; a bare hash would have been found."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from consortium.commands.folders import finish, save_ledger
from consortium.core.crypto import SUITES
from consortium.roles.hospital import HospitalTasks
from consortium.runs.folder import write_simulated
from consortium.runs.run import Run
from consortium.scenario.assemble import prepare
from consortium.scenario.fhir.importer import import_fhir
from consortium.scenario.fhir.records import ImportFault, Pseudonyms
from consortium.scenario.inputs import decode_work, encode_work
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Scenario, Workload
from consortium.simulation.disk import Disk
from consortium.simulation.run import Simulation, secrets_of
from consortium.vault.locksmith import Locksmith
from tests.canaries import WINDOW, Net, forms, lay_input, make_canaries, read_lines
from tests.links import opened_records

SCENARIOS = Path(__file__).parents[2] / "scenarios"
CANARIES = make_canaries()
ALL = [canary for found in CANARIES.values() for canary in found]


class Laid(NamedTuple):
    """A run over an input full of canaries. `inputs`: what each organisation was given, by its name; `opened`: what
    its keys open of its private store."""

    net: Net
    inputs: dict[str, bytes]
    folder: Path
    frames: list[bytes]
    disks: dict[str, bytes]
    opened: dict[str, bytes]


def scenario_over(folder: Path) -> Scenario:
    options = {"data": str(folder), "claims_max": 60, "duration_us": 3_000_000, "lines_days": 15, "padded": 3}
    return msgspec.structs.replace(
        load_scenario(SCENARIOS / "claim_day.py"),
        workload=Workload("claim_day", options),
        faults=(),
        suite="keyed-hash",
    )


KEY = bytes(range(32))


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Laid:
    folder = tmp_path_factory.mktemp("canaries")
    lay_input(SCENARIOS / "data" / "synthea_40", folder / "data", CANARIES)
    scenario = scenario_over(folder / "data")
    frames: list[bytes] = []
    simulation = Simulation(scenario, watch=lambda seen: frames.append(seen.payload))
    assert simulation.run().is_done
    ledgers = {name: node.disk.rows for name, node in simulation.nodes.items()}
    run = Run(scenario, simulation.genesis, simulation.trace, ledgers)
    write_simulated(folder / "run", run, save_ledger)
    verdicts, _ = finish(folder / "run", run)
    assert not [verdict for verdict in verdicts if verdict.failed]
    disks = {name: _disk_of(node.disk) for name, node in simulation.nodes.items()}
    inputs = {name: encode_work(work) for name, work in prepare(scenario, KEY).work.items()}
    opened = {}
    for name, node in simulation.nodes.items():
        smith = Locksmith(SUITES[scenario.suite](), secrets_of(scenario, name), name)
        opened[name] = b"\n".join(opened_records(node.disk.boxes, smith))
    return Laid(Net(ALL), inputs, folder / "run", frames, disks, opened)


def _disk_of(disk: Disk) -> bytes:
    """Vote log and private store of a node."""
    votes = [record for block in disk.votes for record, _ in block]
    boxes = [value for name in disk.boxes.names() if (value := disk.boxes.get(name)) is not None]
    return b"\n".join([*votes, *boxes])


def test_no_canary_is_on_ledger_bus_trace_report_or_any_disk(laid: Laid) -> None:
    files = [path for path in laid.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"ledger.sqlite", "trace.jsonl", "report.html", "genesis.json"}
    for path in files:
        assert laid.net.caught(path.read_bytes()) == set(), path
    assert laid.net.caught(b"\n".join(laid.frames)) == set()
    for name, disk in laid.disks.items():
        assert len(disk) > 1_000 and laid.net.caught(disk) == set(), name


def test_what_a_party_was_given_and_can_open_holds_no_canary(laid: Laid) -> None:
    """A box hides a canary from a search of the disk, and not from the party that it was sealed to."""
    for name in ("bureau", "regulator"):
        assert b"med_list_codg" in laid.opened[name], "the control: lines of bills were given, and are open here"
    for name, opened in laid.opened.items():
        assert laid.net.caught(opened) == set(), name


def test_a_patients_words_are_in_the_input_of_the_institution_that_served_it_alone(laid: Laid) -> None:
    """Which claim is whose is read from the data itself, and the institutions of a member from its bills."""
    pseudonyms = Pseudonyms(KEY)
    words: dict[str, set[str]] = {}
    for claim in read_lines(laid.folder.parent / "data" / "Claim.ndjson.gz"):
        code = pseudonyms.of("i", claim["provider"]["reference"].rpartition(":")[2])
        words.setdefault(code, set()).update((claim["diagnosis"][0]["text"], claim["note"][0]["text"]))
    holders = 0
    for name, data in laid.inputs.items():
        caught = {canary.text for canary, _ in laid.net.caught(data) if canary.kind in ("diagnosis", "text")}
        codes = {visit.fixmedins_code for visit in decode_work(data).of(HospitalTasks).visits}
        assert caught <= set().union(*(words[code] for code in codes)), name
        holders += bool(caught)
    assert holders == 2, "both hospitals know what their patients told them"


def test_no_other_organisation_holds_raw_data_or_the_key(laid: Laid) -> None:
    for name, data in laid.inputs.items():
        assert KEY not in data and KEY.hex().encode() not in data
        if not name.startswith(("hospital", "pharmacy")):
            assert laid.net.caught(data) == set(), name


def test_errors_of_the_import_quote_nothing_of_a_line(tmp_path: Path, laid: Laid) -> None:
    for number, bent in enumerate((b'"gender": 7, ', b'"birthDate": ["19', b"}{")):
        folder = tmp_path / str(number)
        folder.mkdir()
        for path in (laid.folder.parent / "data").iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        line = gzip.decompress((folder / "Patient.ndjson.gz").read_bytes()).splitlines()[0]
        (folder / "Patient.ndjson.gz").write_bytes(gzip.compress(line[:1] + bent + line[1:]))
        with pytest.raises(ImportFault) as fault:
            import_fhir(folder, KEY, ends="refused")
        assert laid.net.caught(str(fault.value).encode()) == set()


def test_a_canary_is_caught_in_every_form(laid: Laid) -> None:
    """The control: a search that finds nothing must be able to find."""
    for found in CANARIES.values():
        for name, pattern in forms(found[7].text):
            caught = laid.net.caught(b"before it: " + pattern + b" and behind")
            assert found[7] in {canary for canary, _ in caught} or len(pattern) < WINDOW, (found[7], name)


def test_a_bare_hash_in_a_trace_would_be_caught(laid: Laid) -> None:
    trace = (laid.folder / "trace.jsonl").read_bytes()
    leak = hashlib.sha256(CANARIES["identity"][3].text.encode()).hexdigest()
    assert laid.net.caught(trace + f'{{"note":"{leak}"}}\n'.encode()) == {(CANARIES["identity"][3], "sha256 hex")}
