"""`make acceptance`: runs what docs/requirements.md says of each requirement, and tells what came of it, row by row.

    python -m tests.acceptance                   all rows
    python -m tests.acceptance --rows 1,48,57    some of them
    python -m tests.acceptance --keep FOLDER     leave the runs in this folder

Exit status: 0 no row failed, 1 some did, 2 the page cannot be judged.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.acceptance.reading import PAGE, PageFault, Row, read_rows
from tests.acceptance.running import FAILED, Acceptance, Judged


def main(words: Sequence[str]) -> int:
    asked = _asked(words)
    try:
        page = read_rows(PAGE.read_text(encoding="utf-8"))
        rows = _chosen(page, asked.rows)
        if asked.keep:
            _make_empty(asked.keep)
            judged = Acceptance(page, asked.keep, asked.jobs).judge(rows)
        else:
            with tempfile.TemporaryDirectory(prefix="acceptance-") as folder:
                judged = Acceptance(page, Path(folder), asked.jobs).judge(rows)
    except PageFault as fault:
        print(f"acceptance: {fault}", file=sys.stderr)
        return 2
    for one in judged:
        print(told(one))
    counts = Counter(one.outcome for one in judged)
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())))
    return 1 if counts[FAILED] else 0


def told(one: Judged) -> str:
    """One line; of a row that failed a second one, with why."""
    line = f"{one.row.number:>4}  {one.outcome:<10}  {one.seconds:6.1f} s  {one.row.asked}"
    return f"{line}\n      {one.why}" if one.outcome == FAILED else line


def _make_empty(folder: Path) -> None:
    """Raises PageFault where something lies there: a run is not written over another."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise PageFault(f"{folder} is not empty; name another folder with --keep")


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", default="", help="numbers of rows, with commas between them")
    parser.add_argument("--keep", type=Path, default=None, help="a folder for the runs, which then stay")
    parser.add_argument("--jobs", type=int, default=1, help="how many commands at once")
    return parser.parse_args(words)


def _chosen(page: Sequence[Row], numbers: str) -> list[Row]:
    if not numbers:
        return list(page)
    wanted = {int(number) for number in numbers.split(",")}
    found = [row for row in page if row.number in wanted]
    if missing := wanted - {row.number for row in found}:
        raise PageFault(f"no row has the number {', '.join(map(str, sorted(missing)))}")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
