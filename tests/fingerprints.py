"""`make fingerprints`: does each scenario leave in the simulator the trace that it left before?

python -m tests.fingerprints                  # all scenarios, two at a time
python -m tests.fingerprints attacks wan      # those whose path holds one of these words
python -m tests.fingerprints wan --write      # take what they leave now as what they shall leave

tests/golden/fingerprints.json keeps, for each file, the SHA-256 of its trace in canonical form, the number of records
and the virtual time of the end. Exit status 0: all are the same. 1: one differs. 2: no path holds the word.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import msgspec

from consortium.runs.trace import fingerprint
from consortium.scenario.load import load_scenario
from consortium.simulation.run import simulate

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden" / "fingerprints.json"
# One measures the simulator, one real brokers, and one is a year of a region, of which tests run a small form.
TOO_LONG = ("bench_simulator", "bench_broker_of_three", "region_year")


class Left(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one run in the simulator left: virtual end in microseconds, SHA-256 in hex, records of the trace."""

    ended_us: int
    fingerprint: str
    is_done: bool
    records: int


def read_golden() -> dict[str, Left]:
    """What each scenario shall leave, by its path from the top of the repository."""
    return msgspec.json.decode(GOLDEN.read_bytes(), type=dict[str, Left])


def scenario_paths() -> list[str]:
    """Every scenario of the repository but those that are TOO_LONG."""
    found = [path for path in sorted((ROOT / "scenarios").rglob("*.py")) if not path.name.startswith(TOO_LONG)]
    return [path.relative_to(ROOT).as_posix() for path in found if "SCENARIO" in path.read_text(encoding="utf-8")]


def run(path: str, overrides: Sequence[str] = ()) -> Left:
    """Runs one in the simulator; `overrides` are those of `--set`."""
    result = simulate(load_scenario(ROOT / path, list(overrides)))
    return Left(result.ended_us, fingerprint(result.trace), result.is_done, len(result.trace))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fingerprints")
    parser.add_argument("words", nargs="*", help="parts of paths; all scenarios without")
    parser.add_argument("--write", action="store_true", help="keep what they leave now")
    parser.add_argument("--jobs", type=int, default=2, help="scenarios at a time")
    options = parser.parse_args(arguments)
    paths = [path for path in scenario_paths() if not options.words or any(word in path for word in options.words)]
    if not paths:
        print(f"no scenario's path holds {' or '.join(options.words)}", file=sys.stderr)
        return 2
    golden = read_golden() if GOLDEN.exists() else {}
    differing = _compare(paths, golden, options.jobs)
    if options.write:
        _write({**golden, **differing})
        return 0
    return 1 if differing else 0


def _compare(paths: Sequence[str], golden: Mapping[str, Left], jobs: int) -> dict[str, Left]:
    """Those that left something else, with what they left; a line each as they end."""
    differing: dict[str, Left] = {}
    began = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        trials = {pool.submit(run, path): path for path in paths}
        for count, done in enumerate(as_completed(trials), 1):
            path, left = trials[done], done.result()
            if left != golden.get(path):
                differing[path] = left
            state = "DIFFERS" if path in differing else "same"
            print(f"{count:3}/{len(paths)} {state:7} {path}  {left.records} records", flush=True)
    print(f"{len(paths) - len(differing)} the same, {len(differing)} differ; {time.monotonic() - began:.0f} s")
    return differing


def _write(found: Mapping[str, Left]) -> None:
    left = {path: msgspec.to_builtins(found[path]) for path in sorted(found) if (ROOT / path).exists()}
    GOLDEN.write_text(json.dumps(left, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
