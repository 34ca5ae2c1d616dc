"""`make seeded-bugs`: does our own suite catch each bug of the catalogue, and how fast?

Exit status 0: all are caught. 1: one survived, or the unpatched tree fails the same tests. 2: a wrong name or number.
"""

from __future__ import annotations

import argparse
import difflib
import os
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from .bug import SeededBug
from .catalogue import BUGS
from .trial import CONSENSUS_TESTS, ROOT, Said, Verdict, end_all, try_bug, try_nothing


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    known = {bug.name: bug for bug in BUGS}
    for name in options.only:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else "`--list` names them all."
            print(f"there is no seeded bug {name!r}; {hint}", file=sys.stderr)
            return 2
    if options.jobs < 1:
        print(f"--jobs {options.jobs}: at least 1 trial must run at a time", file=sys.stderr)
        return 2
    bugs = [known[name] for name in dict.fromkeys(options.only)] or list(BUGS)
    if options.list:
        for bug in bugs:
            print(f"{bug.name:44} {bug.file}\n    {bug.rule}")
        print(f"{len(bugs)} seeded bugs")
        return 0
    try:
        return _run(bugs, options.jobs)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    finally:
        end_all()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.seeded_bugs", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this bug; may be given repeatedly")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="trials at a time (all cores)")
    parser.add_argument("--list", action="store_true", help="name the bugs and the rules that they break")
    return parser


def _run(bugs: Sequence[SeededBug], jobs: int) -> int:
    """Try them all; a bug that does not fit today's source raises ValueError before anything is run."""
    for bug in bugs:
        bug.seed((ROOT / bug.file).read_text(encoding="utf-8"))
    tests = sorted({test for bug in bugs for test in bug.tests})
    if not _is_sound(tests, "the tests expected to catch them"):
        return 1
    verdicts: list[Verdict] = []
    with ThreadPoolExecutor(jobs) as pool:
        trials = [pool.submit(try_bug, bug) for bug in bugs]
        try:
            for done in as_completed(trials):
                verdicts.append(done.result())
                print(_line(len(verdicts), len(bugs), verdicts[-1]), flush=True)
        except BaseException:
            for trial in trials:
                trial.cancel()
            end_all()
            raise
    is_sound = not any(verdict.is_wide for verdict in verdicts) or _is_sound(CONSENSUS_TESTS, "the consensus suite")
    return _summary(verdicts, jobs) if is_sound else 1


def _is_sound(tests: Sequence[str], what: str) -> bool:
    """The positive control, printed."""
    began = time.monotonic()
    said: Said = try_nothing(tests)
    seconds = time.monotonic() - began
    if said.test or said.fault:
        print(f"control: the unpatched tree fails {what}: {said.test} {said.words} {said.fault}".rstrip())
        return False
    print(f"control: the unpatched tree passes {what} ({said.passed} tests, {seconds:.1f} s)", flush=True)
    return True


def _line(count: int, of: int, verdict: Verdict) -> str:
    if verdict.is_caught:
        state, end = "caught", verdict.test + (" (not among those expected to)" if verdict.is_wide else "")
    else:
        state, end = "SURVIVED", verdict.fault or "every test passed"
    return f"{count:3}/{of} {state} {verdict.seconds:5.1f} s  {verdict.bug.name:40} {end}"


def _summary(verdicts: Sequence[Verdict], jobs: int) -> int:
    caught = [verdict for verdict in verdicts if verdict.is_caught]
    slowest = max(verdicts, key=lambda verdict: verdict.seconds)
    median = statistics.median(verdict.seconds for verdict in verdicts)
    print(
        f"caught {len(caught)} of {len(verdicts)}; median {median:.1f} s, slowest {slowest.seconds:.1f} s "
        f"({slowest.bug.name}); {jobs} at a time"
    )
    for verdict in verdicts:
        if not verdict.is_caught:
            print(f"survived: {verdict.bug.name} ({verdict.bug.file}): {verdict.bug.rule}")
    return 0 if len(caught) == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
