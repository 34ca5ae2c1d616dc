"""Applications before a consortium in real processes: a program in TypeScript, and many while a leader dies."""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from consortium.client import BlockingClient, desk_of
from consortium.commands.app import app
from consortium.core.crypto import SUITES
from nodes.deploy.deployment import read_deployment
from nodes.deploy.standing import bring_down, bring_up
from nodes.load.gates import Gate, bodies, claims_of, gates_of_all, read_samples
from nodes.load.ledgers import await_equal_heads, leader_of, look_in_all
from scenarios.bench_gateway_beside_loader import main as bench_beside
from scenarios.load_gateways import main as load_gateways
from tests.node_tools import run_tool
from tests.optional import node_tools
from tests.typescript import generated, program_of_the_page

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Four members and their gateways, up."""
    folder = tmp_path_factory.mktemp("applied") / "consortium-data"
    bring_up(folder, "bureau=1,hospital=2,regulator=1")
    try:
        yield folder
    finally:
        bring_down(folder, is_wiped=True)


def _sampled(folder: Path) -> str:
    result = CliRunner().invoke(app, ["sample", "claim", "--dir", str(folder)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_program_in_typescript_claims_and_reads_the_bill_back(folder: Path, tmp_path: Path) -> None:
    node_tools()
    claim = _sampled(folder)
    workshop = generated(tmp_path / "w", claim=program_of_the_page())
    compiled = run_tool(workshop, "tsc", "--strict", seconds=250)
    assert compiled.returncode == 0, compiled.stdout
    (workshop / "claim.json").write_text(claim, encoding="utf-8")
    (workshop / "consortium-data").symlink_to(folder)
    told = [run_tool(workshop, "node", "dist/claim.js", NODE_EXTRA_CA_CERTS=str(folder / "ca.crt")) for _ in range(2)]
    for ran in told:
        assert ran.returncode == 0 and "acknowledged by" in ran.stdout, ran.stderr
        assert json.loads(claim)["psn_no"] in ran.stdout or json.loads(claim)["fixmedins_code"] in ran.stdout
    assert told[0].stdout.split(",")[0] == told[1].stdout.split(",")[0], "the same key is the same block"


def _posted(gate: Gate, path: str, body: bytes, key: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {gate.token}", "Idempotency-Key": key, "Content-Type": "application/json"}
    assert gate.context is not None
    with httpx.Client(verify=gate.context, trust_env=False) as http:
        return http.post(gate.url + path, content=body, headers=headers, timeout=60)


def test_a_dead_leaders_gateway_says_when_to_come_again_and_the_same_key_elsewhere_is_one_transaction(
    folder: Path,
) -> None:
    gates = {gate.name: gate for gate in gates_of_all(folder)[0]}
    samples = next(iter(gates.values())).samples
    path, body = next(bodies(samples, 1))
    dead = leader_of(folder)
    other = next(name for name in gates if name != dead)
    assert CliRunner().invoke(app, ["kill", dead, "--dir", str(folder)]).exit_code == 0
    try:
        refused = _posted(gates[dead], path, body, "once")
        assert refused.status_code == 503 and int(refused.headers["Retry-After"]) >= 1
        told = _posted(gates[other], path, body, "once").json()
        assert told["code"] == "ok"
        with BlockingClient(
            [gates[dead].url, gates[other].url],
            token=gates[dead].token,
            genesis=folder / "genesis.json",
            ca=folder / "ca.crt",
            application=gates[dead].application,
        ) as client:
            (claim,) = next(claims_of(samples))
            outcome = client.submit("settlement", "issue_and_claim", claim)
            assert outcome.is_ok and not client.lies
    finally:
        assert CliRunner().invoke(app, ["restart", dead, "--dir", str(folder)]).exit_code == 0
    await_equal_heads(folder)
    again = _posted(gates[dead], path, body, "once")
    assert again.status_code == 200 and again.json()["transaction"] == told["transaction"]
    ids = [bytes.fromhex(str(each))[:16] for each in (told["transaction"], outcome.transaction)]
    assert {(each.missing, each.twice) for each in look_in_all(folder, ids).values()} == {(0, 0)}
    unknown = look_in_all(folder, [*ids, bytes(16)])
    assert {each.missing for each in unknown.values()} == {1}, "what no ledger has is missed"


def test_under_load_a_leader_that_dies_loses_nothing_and_the_library_raises_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--clients", "16", "--library", "4", "--seconds", "6", "--kill", "leader"]
    status = load_gateways([str(folder), *words])
    told = capsys.readouterr().out
    assert status == 0 and "nothing lost, nothing doubled" in told, told


def test_a_client_that_follows_verifies_over_a_change_of_members(folder: Path) -> None:
    names = list(read_deployment(folder).members)
    clients = {name: BlockingClient(**desk_of(folder, name)) for name in names}
    hospital, suite = clients["hospital-1"], SUITES["ed25519"]()
    try:
        claims = claims_of(read_samples(folder, "hospital-1"))
        before = hospital.submit("settlement", "issue_and_claim", next(claims)[0])
        told = hospital.events(before.height, kind="settled")
        keys = {
            purpose: suite.public_key(secrets.token_bytes(32)).hex() for purpose in ("submit", "encrypt", "recover")
        }
        propose = {"proposal_id": "p1", "action": "admit", "name": "clinic", "role": "hospital", "kind": "client"}
        proposed = clients["bureau"].submit("governance", "propose", {**propose, "keys": keys})
        assert proposed.is_ok, proposed.sentence
        for name in names[1:]:
            voted = clients[name].submit("governance", "vote", {"proposal_id": "p1", "approve": True})
            assert voted.code in ("ok", "proposal-closed"), voted.sentence
        trust = hospital._client._trust
        for _ in range(80):
            after = hospital.submit("settlement", "issue_and_claim", next(claims)[0])
            if trust._epochs.newest.number == 1:
                break
        assert trust._epochs.newest.number == 1, "the client followed to the new members"
        assert "clinic" in trust._epochs.newest.by_name and after.is_ok
        proven = hospital.submit("settlement", "issue_and_claim", next(claims)[0], wait="sealed")
        bill = hospital.get("bills", str(proven.event("settled")["bill_no"]))
        assert proven.is_ok and bill.is_proven and not hospital.lies
        with contextlib.closing(told) as happenings:
            seen = list(itertools.takewhile(lambda each: each.transaction != proven.transaction, happenings))
        first = trust._epochs.newest.first_height
        assert before.height < first <= proven.height, "on both sides of the change"
        assert seen[0].transaction == before.transaction and after.transaction in {each.transaction for each in seen}
        newcomer = BlockingClient(**desk_of(folder, "hospital-1"))  # it met no members but those of the genesis
        assert newcomer.submit("settlement", "issue_and_claim", next(claims)[0]).is_ok and not newcomer.lies
        newcomer.close()
    finally:
        for client in clients.values():
            client.close()


@pytest.mark.drill
def test_five_hundred_clients_lose_nothing_by_the_death_of_a_leader(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--clients", "400", "--library", "100", "--seconds", "60", "--kill", "leader"]
    assert load_gateways([str(folder), *words]) == 0, capsys.readouterr().out


@pytest.mark.drill
def test_two_thousand_clients_are_told_nothing_but_what_may_be(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load_gateways([str(folder), "--clients", "2000", "--seconds", "60"]) == 0, capsys.readouterr().out


@pytest.mark.drill
def test_nodes_take_little_more_for_what_comes_through_gateways(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_beside(["--clients", "500", "--seconds", "10", "--rounds", "3"]) == 0, capsys.readouterr().out
