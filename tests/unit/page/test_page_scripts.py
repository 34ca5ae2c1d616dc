"""The page's scripts hold their types, pass the lint and their own tests; what is vendored is what was vetted."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from consortium.runs.folder import write_simulated
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Fault, Scenario, Workload
from tests.node_tools import in_workshop, run_tool
from tests.optional import node_tools
from tests.page_kit import client_of
from tests.simulated_runs import simulated

ROOT = Path(__file__).resolve().parents[3]
STATIC = ROOT / "nodes" / "page" / "static"
TESTS = ROOT / "tests" / "page"
BYTES_MAX = 400_000
KILLS = replace(
    load_scenario(ROOT / "scenarios" / "faults" / "crash_and_restart.py"),
    suite="keyed-hash",
    workload=Workload("settlement_load", {"transactions": 400, "bundle": 2, "outstanding": 40, "interval_us": 80000}),
    faults=(
        Fault("kill", "node-4", at_us=300_000),
        Fault("restart", "last", after_us=300_000),
        Fault("kill", "leader", after_us=300_000),
        Fault("restart", "last", after_us=1_500_000),
    ),
)
JOINS = replace(load_scenario(ROOT / "scenarios" / "membership_join.py"), suite="keyed-hash")
RUNS = {"pbft": KILLS, "hotstuff": replace(KILLS, protocol="hotstuff"), "joins": JOINS}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tools, the page and its tests, where they lie in the project."""
    folder = in_workshop(node_tools(), tmp_path_factory.mktemp("page") / "workshop", {})
    shutil.copytree(STATIC, folder / "nodes" / "page" / "static")
    shutil.copytree(TESTS, folder / "tests" / "page")
    (folder / "eslint.config.js").write_text('export { default } from "./tests/page/eslint.config.js";\n')
    return folder


def put_run(folder: Path, scenario: Scenario) -> None:
    """A run in the simulator: its trace, and what the page's server makes of its folder."""
    run = simulated(scenario)
    write_simulated(folder, run, lambda path, rows: None)
    with client_of(folder) as client:
        (folder / "about.json").write_bytes(client.get("/page/about.json").content)
        (folder / "records.bin").write_bytes(client.get("/page/records").content)


def test_types_hold(workshop: Path) -> None:
    done = run_tool(workshop, "tsc", "-p", "tests/page/tsconfig.json")
    assert done.returncode == 0, done.stdout
    broken = workshop / "nodes" / "page" / "static" / "broken.js"
    broken.write_text("// @ts-check\nexport const length = (/** @type {number} */ value) => value.length;\n")
    assert run_tool(workshop, "tsc", "-p", "tests/page/tsconfig.json").returncode != 0, "the check can fail"
    broken.unlink()


def test_lint_is_clean(workshop: Path) -> None:
    done = run_tool(workshop, "eslint", ".")
    assert done.returncode == 0, done.stdout + done.stderr
    broken = workshop / "nodes" / "page" / "static" / "broken.js"
    broken.write_text("export const put = (place, text) => { place.innerHTML = text; };\n")
    assert "innerHTML" in run_tool(workshop, "eslint", ".").stdout, "the check can fail"
    broken.unlink()


def test_unit_tests_pass(workshop: Path) -> None:
    for name, scenario in RUNS.items():
        put_run(workshop / "tests" / "page" / "runs" / name, scenario)
    names = sorted(path.relative_to(workshop).as_posix() for path in (workshop / "tests" / "page").glob("*.test.js"))
    done = run_tool(workshop, "node", "--test", *names)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_what_is_vendored_is_what_was_vetted() -> None:
    lines = (TESTS / "vendored.sha256").read_text(encoding="utf-8").splitlines()
    told = {name: digest for digest, name in (line.split() for line in lines)}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (STATIC / "vendor").iterdir()
        if path.suffix in (".js", ".css")
    }
    assert found == told
    licences = (STATIC / "vendor" / "LICENCES.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in licences for name in found)


def test_the_page_is_small_and_asks_nobody_else() -> None:
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < BYTES_MAX
    for path in files:
        if path.suffix in (".js", ".css", ".html") and path.parent.name != "vendor":
            text = path.read_text(encoding="utf-8")
            assert "https:" not in text and "//cdn" not in text, f"{path.name} names another address"
