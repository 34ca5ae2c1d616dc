"""A sweep gives the same bytes on one core, on two, on a cluster, and after it was killed in the middle."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from consortium.commands.sweep import Wanted, run_sweep
from consortium.lab import load
from tests.optional import needs

ROOT = Path(__file__).resolve().parents[2]
STUDY = '''"""A small sweep: does it come out the same everywhere?"""

from consortium.lab.sweeps.plan import Sweep
from consortium.scenario.scenario import Fault, Link, MemberSpec, Network, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="small",
    suite="keyed-hash",
    members=tuple(MemberSpec(f"node-{i}", "hospital", settings={"hosts": ["loader"]}) for i in range(1, 5)),
    network=Network(default=Link("normal", 5_000, 1_000)),
    workload=Workload("settlement_load", {"transactions": 60, "interval_us": 50_000, "persons": 2}),
    faults=(Fault("kill", "node-3", at_us=300_000), Fault("kill", "node-4", at_us=300_000)),
    stop=Stop(limit_us=20_000_000, stall_us=5_000_000),
)
SWEEP = Sweep(SCENARIO, vary={"members": (4, 7), "network.jitter": (0, 2_000)}, repeat=2)
'''
TABLES = [f"{name}.{kind}" for name in ("runs", "points", "quantiles", "traffic") for kind in ("csv", "parquet")]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("studies") / "small.py"
    path.write_text(STUDY)
    return path


def wanted(study: Path, out: Path, **changes: object) -> Wanted:
    return Wanted(str(study), (), (), None, None, None, "", out)._replace(**changes)  # type: ignore[arg-type]


def quiet() -> Console:
    return Console(file=io.StringIO(), force_terminal=False)


def tables_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (*TABLES, "schema.json")}


@pytest.fixture(scope="module")
def on_one_core(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("one") / "out"
    assert run_sweep(wanted(study, out, jobs=1), quiet()) == 3, "four members of whom two are killed make no progress"
    return out


@pytest.mark.nightly  # the sweep that was killed ends on two cores, too
def test_two_cores_give_the_bytes_of_one(study: Path, on_one_core: Path, tmp_path: Path) -> None:
    run_sweep(wanted(study, tmp_path / "two", jobs=2), quiet())
    assert tables_of(tmp_path / "two") == tables_of(on_one_core)


@pytest.fixture
def cluster() -> Iterator[str]:
    import distributed

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=40
    ) as started:
        yield started.scheduler_address


@pytest.mark.nightly
@needs("distributed")
def test_a_cluster_of_two_workers_gives_the_bytes_of_one_core(
    study: Path, on_one_core: Path, tmp_path: Path, cluster: str
) -> None:
    run_sweep(wanted(study, tmp_path / "cluster", cluster=cluster), quiet())
    assert tables_of(tmp_path / "cluster") == tables_of(on_one_core)


def test_a_sweep_killed_in_the_middle_goes_on_and_gives_the_same_bytes(
    study: Path, on_one_core: Path, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    words = ["sweep", str(study), "--jobs", "1", "--out", str(out)]
    program = f"from consortium.commands.app import main; main({words!r})"
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.DEVNULL)
    deadline_s = time.monotonic() + 60
    while not list(out.glob("done/*.json")) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = sorted(out.glob("done/*.json"))
    assert done
    kept = {path.name: path.stat().st_mtime_ns for path in done[1:]}
    done[0].write_bytes(done[0].read_bytes()[:100])  # half-written
    assert run_sweep(wanted(study, out, jobs=2), quiet()) == 3
    assert tables_of(out) == tables_of(on_one_core)
    assert {name: (out / "done" / name).stat().st_mtime_ns for name in kept} == kept, "what was whole was not redone"


def test_a_point_without_progress_is_a_row_that_says_so_and_in_no_mean(on_one_core: Path) -> None:
    runs = load(on_one_core)
    assert list(runs.groupby("members").outcome.first()) == ["no-progress", "holds"]
    assert runs[runs.members == 4].why.str.contains("progress").all()
    points = load(on_one_core, "points")
    latency = points[points.figure == "latency_p50"].set_index(["members", "network.jitter"])
    assert list(latency.failed) == [2, 2, 0, 0]
    assert list(latency["values"]) == [0, 0, 2, 2]
    assert latency["mean"].isna().tolist() == [True, True, False, False]
    one = latency.loc[7, 2_000]
    assert one.low < one["mean"] < one.high
    assert runs.attrs["units"]["latency_p50"] == "ms"
    traffic = load(on_one_core, "traffic")
    assert {"PrePrepare", "Prepare", "Commit"} <= set(traffic.type)
    quantiles = load(on_one_core, "quantiles")
    assert quantiles.groupby(["point", "repeat", "distribution", "is_steady"]).value_ms.is_monotonic_increasing.all()


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_keeps_what_is_done_and_leaves_nobody_behind(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "stopped"
    words = ["sweep", str(study), "--jobs", "2", "--repeat", "40", "--out", str(out)]
    program = f"from consortium.commands.app import main; main({words!r})"
    command = [sys.executable, "-c", program]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    deadline_s = time.monotonic() + 60
    while not list(out.glob("done/*.json")) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on" in told
    while _session(process.pid) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert _session(process.pid) == []


def _session(leader: int) -> list[str]:
    """Processes (not zombies) of that session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(path.parent.name)
    return found
