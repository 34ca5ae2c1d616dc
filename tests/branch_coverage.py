"""`make coverage`: are enough branches of each room taken by its tests? Reads the JSON report of coverage.py.

Branches alone are counted, room by room: coverage.py's own figure mixes them with lines, and the rooms with each other.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOMS = ("consortium/core", "consortium/node", "consortium/protocols/common", "consortium/protocols/pbft")
PERCENT_MIN = 95.0


def room_branches(report: dict[str, Any], room: str) -> tuple[int, int]:
    """Branches taken and branches there are in the files of a room."""
    totals = [file["summary"] for name, file in report["files"].items() if Path(name).as_posix().startswith(room + "/")]
    return sum(each["covered_branches"] for each in totals), sum(each["num_branches"] for each in totals)


def main(arguments: Sequence[str]) -> int:
    """Exit status 0: each room has enough; 1: one has not."""
    report = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    status = 0
    for room in ROOMS:
        taken, branches = room_branches(report, room)
        percent = 100 * taken / branches if branches else 0.0
        is_enough = percent >= PERCENT_MIN
        status |= not is_enough
        words = "" if is_enough else f": less than {PERCENT_MIN:.0f} %"
        print(f"{room}: {percent:.1f} % of branches ({taken} of {branches}){words}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
