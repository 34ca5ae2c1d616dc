"""Every example of `--help` can be typed, and those that look into a run find there what they name."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from consortium.commands import app as cli
from consortium.commands.app import all_commands
from consortium.commands.folders import save_ledger, save_vault
from consortium.runs.folder import write_simulated
from consortium.runs.run import Run
from consortium.scenario.find import find_scenario
from consortium.scenario.load import load_scenario
from consortium.simulation.run import simulate
from tests.unit.test_documents import faults_of_command

SHORT = ("workload.options.claims_max=20", "workload.options.duration_us=1_000_000", "faults=[]")
FROM_REAL_RUNS = ("backup", "restore")  # a run in the simulator keeps no votes; test_backup.py has a node to copy
SERVED = ("play",)  # until Ctrl-C: tests/unit/page asks it


def examples() -> list[str]:
    """Of all commands, by name: `prove` writes what `verify-proof` reads, and stands before it."""
    found = []
    for _, command in sorted(all_commands().items()):
        block = re.search(r"\x08\nExamples?\b.*?:\n(.*?)(\n\n|$)", command.help, re.S)
        assert block is not None, f"{command.name} has no example"
        found += [line.strip() for line in block[1].splitlines()]
    return found


@pytest.mark.parametrize("line", examples())
def test_every_example_of_help_can_be_typed(line: str) -> None:
    assert not (fault := faults_of_command(line)), fault


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short claim_day in `runs/RUN`, and what the examples have beside it."""
    place = tmp_path_factory.mktemp("day")
    scenario = load_scenario(find_scenario("claim_day"), SHORT)
    done = simulate(scenario)
    run = Run(scenario, done.genesis, done.trace, done.ledgers, vaults=done.vaults)
    write_simulated(place / "runs" / "RUN", run, save_ledger, save_vault)
    shutil.copy(place / "runs" / "RUN" / "genesis.json", place)
    shutil.copy(place / "runs" / "RUN" / "nodes" / "bureau" / "ledger.sqlite", place / "bureau.sqlite")
    return place


def test_the_examples_of_help_find_what_they_name_in_a_run_of_claim_day(
    day: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: `prove` and `view` had ids in their examples that no run holds."""

    def say(words: list[str]) -> str:
        with pytest.raises(SystemExit) as left:
            cli.main(words)
        out, err = capsys.readouterr()
        assert left.value.code == 0, (words, err or out)
        return out

    monkeypatch.chdir(day)
    lines = [line for line in examples() if re.search(r"runs/RUN\b|\.proof |\.sqlite ", line)]
    chosen = [words for line in lines if (words := shlex.split(line)[1:])[0] not in (*FROM_REAL_RUNS, *SERVED)]
    chosen = [
        words for words in chosen if not {"--figures", "--page"} & set(words)
    ]  # drawn in test_tutorial.py, and served
    assert {"ask", "audit", "check", "prove", "report", "rules", "show", "trace", "verify", "verify-proof", "view"} <= {
        words[0] for words in chosen
    }
    for words in chosen:
        out = say(words)
        if words[0] == "view" and "--json" in words:
            assert any(json.loads(out)["tables"].values()), words
    proofs = sorted(day.glob("*.proof"))
    assert len(proofs) == sum(words[0] == "prove" for words in chosen)
    for proof in proofs:
        proven: dict[str, Any] = json.loads(say(["verify-proof", proof.name, "genesis.json", "--json"]))
        assert not proven.get("is_absent"), f"{proof}: there is no such record in a run of claim_day"
