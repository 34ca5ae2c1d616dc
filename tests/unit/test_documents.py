"""Every command and example of README and docs/ is one that a reader can type: it is parsed or loaded here."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from consortium.commands.app import app
from consortium.scenario.find import find_scenario
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.simulation.run import simulate

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))

# What an example of a page leaves out because the text around it says it.
BEFORE = """
from consortium.scenario.scenario import (
    BehaviourSpec, Disk, Fault, Hub, Line, Link, LinkChange, MemberSpec, Network, Parameters, Scenario, Stop, Workload)
names = ["bureau", *(f"node-{number}" for number in range(1, 8))]
members = tuple(MemberSpec(name, "hospital", settings={"hosts": ["loader"]}) for name in names)
network, faults, behaviours = Network(), (), ()
SCENARIO = Scenario("before", members, workload=Workload("settlement_load", {"transactions": 16}))
"""
AFTER = """
SCENARIO = Scenario("example", members, network=network, faults=faults, behaviours=behaviours,
                    workload=Workload("settlement_load", {"transactions": 16}))
"""


def blocks(language: str) -> list[Any]:
    """A parameter for each block of this language, named by its page and place."""
    found = []
    for page in PAGES:
        texts = re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)
        found += [pytest.param(text, id=f"{page.stem}-{count}") for count, text in enumerate(texts, 1)]
    return found


def faults_of_command(line: str) -> str:
    """Why this line cannot be typed; empty if it can. Nothing is run."""
    typed = re.sub(r"--plugins \S+| > \S+$", "", line)  # a folder of the reader's own, a file to write into
    words = shlex.split(typed, comments=True)
    if words[0] == "make":
        return ", ".join(f"no target {word}" for word in words[1:] if "=" not in word and word not in TARGETS)
    if words[0] != "consortium":
        return "" if (ROOT / words[0]).is_file() else f"no program {words[0]}"
    group: Any = typer.main.get_command(app)
    try:
        with group.make_context("consortium", words[1:]) as context:
            name, command, rest = group.resolve_command(context, words[1:])
            parsed = command.make_context(name, rest, parent=context)
    except Exception as error:  # whatever the command line says of words that it does not take
        return f"{type(error).__name__}: {error}"
    scenario = parsed.params.get("scenario")
    if name in ("run", "sweep") and scenario and not str(scenario).endswith(".py") and "--plugins" not in line:
        try:
            find_scenario(str(scenario))
        except ScenarioError as error:
            return str(error)
    return ""


@pytest.mark.parametrize("block", blocks("console"))
def test_every_command_can_be_typed(block: str) -> None:
    lines = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
    assert lines, "a console block holds what is typed, after `$ `"
    assert {line: fault for line in lines if (fault := faults_of_command(line))} == {}


@pytest.mark.parametrize(
    "line",
    ["consortium fly", "consortium run claim_dai", "consortium run claim_day --sed 7", "make tset", "./ci/run"],
)
def test_a_command_that_nobody_can_type_is_found(line: str) -> None:
    assert faults_of_command(line)


def load_example(text: str, folder: Path, *overrides: str) -> Any:
    """The scenario that an example is, or is a part of, run in the simulator. Raises what is wrong with it."""
    path = folder / "example.py"
    if "SCENARIO = " in text:
        path.write_text(text, encoding="utf-8")
        overrides = ("workload.options.transactions=16", *overrides)
    else:
        part = f"network = {text}" if text.startswith("Network(") else text
        path.write_text(BEFORE + part + ("" if "SWEEP" in text else AFTER), encoding="utf-8")
    return simulate(load_scenario(path, list(overrides)))


@pytest.mark.parametrize("block", blocks("python"))
def test_every_example_runs(block: str, tmp_path: Path) -> None:
    if "import load" in block:  # reads runs that a reader made: test_tutorial.py makes them
        exec("\n".join(line for line in block.splitlines() if line.startswith("from ")), {})
        compile(block, "example", "exec")
    else:
        assert load_example(block, tmp_path).trace


def test_an_example_that_cannot_be_meant_is_found(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError):
        load_example('faults = ((Fault("kill", "leader", at_us=1),),)\n', tmp_path)
    with pytest.raises(ScenarioError):
        load_example('behaviours = (BehaviourSpec("equivocating_leadr", "leader"),)\n', tmp_path)
