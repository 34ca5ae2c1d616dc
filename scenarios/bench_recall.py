"""A lot of 100,000 packs lies at forty institutions: how long does a recall take, and how long until every holder is
known?

The recall itself is one transaction that writes one row. Who holds the packs, and on which bills they were sold, is
then asked by the command that a regulator uses. The times printed are those of whole commands, with the program's
start.

    python scenarios/bench_recall.py                       # runs in the simulator, then asks
    python scenarios/bench_recall.py runs/recall           # asks a run that is there
    consortium run scenarios/bench_recall.py --on simulator --out runs/recall
    consortium show runs/recall lot lot-r-1
    consortium view runs/recall stock --where lot_no=lot-r-1
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

ERRANDS = {"hosts": ["errands"]}

SCENARIO = Scenario(
    name="bench_recall",
    members=(
        MemberSpec("bureau", "bureau"),
        *(MemberSpec(f"pharmacy-{number}", "pharmacy", settings=ERRANDS) for number in (1, 2)),
        MemberSpec("regulator", "regulator"),
        MemberSpec("supplier", "supplier", settings=ERRANDS),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    workload=Workload(
        "recall",
        {"pages": 200, "institutions": 40, "kept": 20, "sold_at_us": 200_000_000, "recalled_at_us": 220_000_000},
    ),
    stop=Stop(when_done=True, limit_us=300_000_000),
)


def timed(what: str, *command: str) -> str:
    """What the command prints; its times are told."""
    began_s, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "consortium", *command], check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{what:<44} {time.monotonic() - began_s:7.2f} s, {cpu_s:6.2f} s of CPU", flush=True)
    return done.stdout


def ask(run: str) -> None:
    told = json.loads(timed("every holder and sale of the lot (show)", "show", run, "lot", "lot-r-1", "--json"))
    timed("the view stock, made for the first time", "view", run, "stock", "--where", "lot_no=lot-r-1", "--json")
    timed("the view stock, again", "view", run, "stock", "--where", "lot_no=lot-r-1", "--json")
    holders = told["holders"]
    packs, sales = sum(len(one["codes"]) for one in holders), sum(len(one["sales"]) for one in holders)
    print(f"{len(holders)} holders of {packs:,} packs, {sales} sales")


def main() -> None:
    if len(sys.argv) > 1:
        ask(sys.argv[1])
        return
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder) / "run")
        timed("the run in the simulator", "run", __file__, "--on", "simulator", "--out", run)
        ask(run)


if __name__ == "__main__":
    main()
